"""Which form an answer has: the one the route gives, whatever the Accept header says.

Clients of every kind call these routes, and some name a type on every request that they only want from streams
(`text/event-stream`), or the other way round. A 406 would help none of them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

if TYPE_CHECKING:
    from rest_framework.request import Request


class IgnoreAccept(DefaultContentNegotiation):
    """The route's first renderer, always."""

    def select_renderer(
        self, request: "Request", renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The renderer, and its type."""
        first = next(iter(renderers))
        return first, str(first.media_type)


def accepts_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` takes gzip: by name, or by `*`, and not with a weight of 0."""
    weights: dict[str, str] = {}
    for each in accepted.split(","):
        name, _, weight = each.partition(";")
        weights[name.strip().lower()] = weight.replace(" ", "").lower()
    found = weights.get("gzip", weights.get("*", "q=0"))
    return not (found.startswith("q=") and found[2:].strip("0.") == "")
