"""Pages by cursor: `{"next", "previous", "results"}`, for every list.

A cursor is signed for its list and order: one that somebody else made, or made of one of ours, would read on from any
place, and from a place that another list's order means nothing to.
"""

from collections.abc import Callable
from itertools import accumulate, takewhile
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from accounts.errors import Invalid
from accounts.http.queries import whole_number


class CursorPaging(CursorPagination):
    """Stable under new rows. A view sets its `ordering` (of its filter backend or here), newest last by default.

    `?page_size=` is at most API_PAGE_SIZE_MAX; a cursor that we did not make is refused by name.
    """

    ordering: tuple[str, ...] = ("created_at", "id")
    weight: Any = None  # of rows that may be long: an expression for about how many bytes one makes in an answer
    _most: int | None = None  # so many rows fit
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int:
        """The size asked for, else API_PAGE_SIZE; fewer, where no more fit into an answer. Raises Invalid."""
        if self._most is not None:
            return self._most
        asked = request.query_params.get("page_size")
        if asked is None:
            return int(settings.API_PAGE_SIZE)
        size = whole_number(asked, 1, settings.API_PAGE_SIZE_MAX)
        if size is None:
            raise Invalid(fields={"page_size": [f"Send a whole number from 1 to {settings.API_PAGE_SIZE_MAX}."]})
        return size

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """The order that was chosen; where none was and its rows have not both of ours, one of their own."""
        chosen = tuple(super().get_ordering(request, queryset, view))
        if chosen != CursorPaging.ordering or {*chosen} <= {each.name for each in queryset.model._meta.fields}:
            return chosen
        return _own_order(queryset)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place that the request names, if it names one. Raises ValueError for what we have not signed for here."""
        sent = request.query_params.get(self.cursor_query_param)
        if sent is None:
            return None
        try:
            return Cursor(*self._signer().unsign_object(sent))
        except (signing.BadSignature, UnicodeError, TypeError) as error:
            raise ValueError("not a cursor of this list") from error

    def encode_cursor(self, cursor: Cursor) -> str:
        """The address of the page at that place."""
        signed = self._signer().sign_object(tuple(cursor))
        return str(replace_query_param(self.base_url or "", self.cursor_query_param, signed))

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """One page of it. Raises Invalid."""
        try:
            self._most = self._count(queryset, request) if self.weight is not None else None
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError, TypeError, DataError) as error:
            if "cursor" not in request.query_params:
                raise
            told = "Use the address in `next` or `previous` of an earlier page as it is."
            raise Invalid(fields={"cursor": [told]}) from error

    def shortened(self, queryset: Any, request: Request, fits: Callable[[Any], bool]) -> list[Any] | None:
        """The page that is at hand, shorter: rows next to its cursor, as long as each `fits`, at least one.

        None where all of them fit. One query.
        """
        found: list[Any] = self.page or []
        near = reversed(found) if self.cursor is not None and self.cursor.reverse else found
        count = sum(1 for _ in takewhile(fits, near))
        if count == len(found):
            return None
        self._most = max(count, 1)
        return super().paginate_queryset(queryset, request)

    def _count(self, queryset: Any, request: Request) -> int | None:
        """How many rows of this page one answer holds, at least one; None where all of them fit. One query."""
        names = [name.lstrip("-") for name in self.ordering]
        bare = queryset.select_related(None).prefetch_related(None).annotate(weight=self.weight)
        found: list[Any] = super().paginate_queryset(bare.values("pk", "weight", *names), request) or []
        sizes = [row["weight"] for row in found]
        if self.cursor is not None and self.cursor.reverse:
            sizes.reverse()  # the rows next to the cursor stay
        fit = sum(1 for total in accumulate(sizes) if total <= settings.ANSWER_MAX_BYTES)
        return max(fit, 1) if fit < len(sizes) else None

    def _signer(self) -> signing.Signer:
        return signing.Signer(salt=f"parley.cursor {urlsplit(self.base_url or '').path} {' '.join(self.ordering)}")


def _own_order(queryset: Any) -> tuple[str, ...]:
    """By the time of making, else as the rows or their model say, as far as pages can be cut there; then by key.

    A column with gaps is none to read on from, and neither is another table's or an expression.
    """
    options = queryset.model._meta
    usable = {"pk", *(each.name for each in options.fields if not each.null)}
    said = ("created_at",) if "created_at" in usable else queryset.query.order_by or options.ordering
    plain = tuple(takewhile(lambda each: isinstance(each, str) and each.removeprefix("-") in usable, said))
    has_key = {"pk", options.pk.name} & {each.removeprefix("-") for each in plain}
    return plain if has_key else (*plain, "pk")
