"""What a provider wants to see again with a reply that it gave: opaque, for its maker alone, never shown. Pure.

Thinking signatures (Anthropic), thought signatures (Gemini), encrypted reasoning (OpenAI), `reasoning_content`
(DeepSeek), ids of calls: without them the request behind a tool call is refused. They are kept as the text that came,
so that they go back byte for byte.
"""

from collections.abc import Iterable

import msgspec

STATE_MAX_BYTES = 262_144  # of one turn: more is not kept
STATES_MAX_BYTES = 4 * STATE_MAX_BYTES  # of one answer, and of one request's history: the newest are kept


class VendorState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What belongs to one reply."""

    maker: str  # which server made it: `Provider.maker`
    model: str  # as the wire calls it
    items: tuple[str, ...]  # JSON texts; only their maker knows what they mean

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(map(len, self.items))


class TurnState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of one turn of an answer."""

    turn: int  # from 1
    state: VendorState


def newest(states: Iterable[TurnState], most: int = STATES_MAX_BYTES) -> list[TurnState]:
    """Of an answer's states the newest ones that fit, oldest first."""
    kept: list[TurnState] = []
    for each in reversed(list(states)):
        most -= each.state.size
        if most < 0:
            break
        kept.insert(0, each)
    return kept
