"""Token counts, and how they add up."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

SURENESS = ("reported", "estimated", "unknown")


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of one turn (or, added up, of a run)."""

    input_tokens: int = 0  # all input, cached included
    cached_tokens: int = 0  # the part of input_tokens read from the provider's cache
    output_tokens: int = 0  # reasoning included
    reasoning_tokens: int = 0  # the part of output_tokens that was reasoning
    # reported: the provider said so. estimated: counted by us from the text. unknown: neither could be had.
    status: Literal["reported", "estimated", "unknown"] = "reported"
    # The part of input_tokens that was written to the provider's cache. Left out of logs where nobody said it, as
    # processes of older versions know no such field.
    cache_write_tokens: int | UnsetType = UNSET
    # The answer is one that was kept: nobody was asked, and nothing used. Of one turn; left out likewise.
    from_cache: bool | UnsetType = UNSET

    @property
    def is_from_cache(self) -> bool:
        """Nobody was asked for it."""
        return self.from_cache is True

    @property
    def written_tokens(self) -> int:
        """Written to the provider's cache, as far as is known."""
        return self.cache_write_tokens or 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """The sum; as sure as the less sure of the two. It is no turn's own, and says of no cache."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            max(self.status, other.status, key=SURENESS.index),
            (self.written_tokens + other.written_tokens) or UNSET,
        )


FROM_CACHE = Usage(from_cache=True)
