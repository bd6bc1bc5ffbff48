"""In the place of a server, for a model that none of ours is known to have: nothing is sent to anybody."""

from collections.abc import AsyncGenerator

from agents.errors import CODES, ProviderError
from agents.providers.base import Piece, ProviderRequest


class NobodyProvider:
    """Refuses each request, and names the model to choose instead where there is one."""

    name = "nobody"
    maker = "nobody"

    def __init__(self, successor: str = "") -> None:
        self._successor = successor

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Raise ProviderError."""
        nothing: tuple[list[Piece], ...] = ()
        for pieces in nothing:  # a generator, as the others are
            yield pieces
        told = f"The model {request.model} is not offered any more; its successor is {self._successor}."
        raise ProviderError("upstream_not_found", told if self._successor else CODES["upstream_not_found"])

    async def close(self) -> None:
        """Nothing to let go of."""
