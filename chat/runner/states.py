"""The vendor state of answers: kept with the end of a run, read where the model is told of earlier turns. Sync."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from agents.state import TurnState, VendorState, newest
from chat.models import MessageState

_decoder = msgspec.json.Decoder(list[TurnState])


def keep(message_id: UUID, states: Sequence[TurnState]) -> None:
    """Store the newest of an answer's states that fit, in the transaction that ends its run."""
    MessageState.objects.create(message_id=message_id, turns=msgspec.json.encode(newest(states)).decode())


def by_turn(text: str | None) -> dict[int, VendorState]:
    """What was stored, by turn; nothing where nothing was."""
    return {each.turn: each.state for each in _decoder.decode(text)} if text else {}
