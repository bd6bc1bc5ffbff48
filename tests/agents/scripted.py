"""A provider that says what a test wrote down, and complains of anything else."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from agents.providers.base import CallPiece, Finish, Piece, ProviderRequest, TextPiece, UsageReport
from agents.usage import Usage

Said = Piece | Exception


def says(*texts: str, reason: str = "stop") -> list[Said]:
    """A turn of text, each piece in a network read of its own."""
    return [*map(TextPiece, texts), UsageReport(Usage(10, 0, 5)), Finish(reason)]


def calls(*asked: tuple[str, str], text: str = "") -> list[Said]:
    """A turn that asks for tools: (name, arguments as JSON text) of each."""
    pieces = [CallPiece(index, name, arguments) for index, (name, arguments) in enumerate(asked)]
    return [*([TextPiece(text)] if text else []), *pieces, UsageReport(Usage(10, 0, 5)), Finish("tool_calls")]


@dataclass
class ScriptedProvider:
    """Each request takes the next turn; an Exception in a turn is raised at its place."""

    turns: list[Sequence[Said]]
    name: str = "scripted"
    maker: str = "scripted"
    requests: list[ProviderRequest] = field(default_factory=list)
    is_open: bool = False

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        self.requests.append(request)
        assert self.turns, f"a turn that was not scripted was asked for: {request.messages[-1]}"
        self.is_open = True
        try:
            for said in self.turns.pop(0):
                if isinstance(said, Exception):
                    raise said
                yield [said]
        finally:
            self.is_open = False

    async def close(self) -> None:
        assert not self.turns, f"scripted turns that nobody asked for: {self.turns}"
