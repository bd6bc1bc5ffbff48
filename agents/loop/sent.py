"""What went to a model for a turn, as whoever keeps it is told. Pure."""

import msgspec


class Sent(msgspec.Struct, frozen=True, gc=False):
    """One request. A turn has several where it was asked again, in other words, or of another model."""

    at: float  # seconds since 1970
    agent: str  # as in the turn's events
    turn: int
    model: str  # by our own name
    server: str  # who was asked: a provider's `maker`
    private: str  # what it tells of the person: theirs alone, and not to be kept
    body: bytes  # the very bytes, without headers: no key is among them
