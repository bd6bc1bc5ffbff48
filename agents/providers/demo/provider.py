"""Rules instead of a model: for a first look without a key, and for tests. Deterministic, no network.

It streams like a model, thinks aloud about its rules, and really calls the tools it is offered.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator

from agents import tokens
from agents.messages import AssistantMessage, ToolMessage, UserMessage
from agents.providers.base import CallPiece, Finish, Piece, ProviderRequest, ReasoningPiece, TextPiece, UsageReport
from agents.providers.demo import arguments as demo_arguments
from agents.providers.demo import rules as demo_rules
from agents.providers.demo import texts as demo_texts
from agents.providers.demo.rules import Step
from agents.usage import Usage

SLOW_DELAY_S = 0.15
MIN_SLOW_PIECES = 10


class DemoProvider:
    """Answers by rules, in small pieces."""

    name = "demo"
    maker = "demo"

    def __init__(self, *, delay_s: float = 0.02) -> None:
        self._delay_s = delay_s

    async def stream(self, request: ProviderRequest) -> AsyncGenerator[list[Piece], None]:
        """Yield a thought and the call of a tool, or a text; then why it ended and what it cost."""
        request.asked()
        prompt = _prompt(request)
        step = self._next_step(prompt, request)
        is_slow = prompt.startswith("[slow]")
        said = _pieces_of(step, prompt, request, is_slow)
        sent: list[Piece] = []
        for piece in _within(said, request.max_output_tokens):
            sent.append(piece)
            yield [piece]
            await asyncio.sleep(SLOW_DELAY_S if is_slow else self._delay_s)
        is_cut = len(sent) < len(said)
        yield [Finish("length" if is_cut else "tool_calls" if step else "stop"), UsageReport(_usage(request, sent))]

    async def close(self) -> None:
        """Nothing to let go of."""

    def _next_step(self, prompt: str, request: ProviderRequest) -> Step | None:
        """The tool to call now; None when it is time to answer. A client that brings tools sees one of them called."""
        steps = demo_rules.steps(prompt, request.tools, calls_any_tool=request.has_client_tools)
        done = _turns_since_prompt(request)
        return steps[done] if done < len(steps) else None


def _prompt(request: ProviderRequest) -> str:
    texts = [message.text for message in request.messages if isinstance(message, UserMessage)]
    return texts[-1] if texts else ""


def _turns_since_prompt(request: ProviderRequest) -> int:
    count = 0
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            break
        count += isinstance(message, AssistantMessage)
    return count


def _results(request: ProviderRequest) -> list[ToolMessage]:
    """What the tools have answered since the prompt, oldest first."""
    found: list[ToolMessage] = []
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            break
        if isinstance(message, ToolMessage):
            found.append(message)
    return found[::-1]


def _pieces_of(step: Step | None, prompt: str, request: ProviderRequest, is_slow: bool) -> list[Piece]:
    if step is not None:
        return [*map(ReasoningPiece, demo_texts.split(step.reason)), *_call(step)]
    if request.output is not None:
        thought, text = "The answer is to be JSON of a schema.", demo_arguments.answer(request.output.schema, prompt)
        return [*map(ReasoningPiece, demo_texts.split(thought)), TextPiece(text)]
    results = _results(request)
    if results:
        thought, text = "The tools have answered; say what they found.", demo_texts.report(results)
    else:
        thought = "No rule asks for a tool here; say what this is."
        text = demo_texts.greeting(prompt, request.model, demo_rules.names(request.tools))
    pieces: list[Piece] = [*map(ReasoningPiece, demo_texts.split(thought)), *map(TextPiece, demo_texts.split(text))]
    if is_slow and len(pieces) < MIN_SLOW_PIECES:
        pieces += [TextPiece(f" … {number}") for number in range(MIN_SLOW_PIECES)]
    return pieces


def _call(step: Step) -> list[Piece]:
    """A call as models stream it: the name first, the arguments in parts."""
    arguments = json.dumps(step.arguments, ensure_ascii=False)
    parts = [arguments[start : start + 24] for start in range(0, len(arguments), 24)]
    return [CallPiece(0, step.tool), *(CallPiece(0, "", part) for part in parts)]


def _within(pieces: list[Piece], max_tokens: int | None) -> Iterator[Piece]:
    """The pieces that fit into that many tokens."""
    spent = 0
    for piece in pieces:
        spent += tokens.of_text(_text_of(piece))
        if max_tokens is not None and spent > max_tokens:
            return
        yield piece


def _text_of(piece: Piece) -> str:
    match piece:
        case TextPiece() | ReasoningPiece():
            return piece.text
        case CallPiece():
            return piece.name + piece.arguments
        case _:
            return ""


def _usage(request: ProviderRequest, sent: list[Piece]) -> Usage:
    asked = tokens.of_text(request.system) + tokens.of_messages(request.messages)
    thought = sum(tokens.of_text(piece.text) for piece in sent if isinstance(piece, ReasoningPiece))
    output = sum(tokens.of_text(_text_of(piece)) for piece in sent)
    return Usage(asked, 0, output, thought, "estimated")
