"""`manage.py check_model NAME`: one real question and one with a tool; says what works, how long it took, its cost."""

import asyncio
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents import installation
from agents.costs import text_of
from agents.errors import ProviderError
from agents.loop.target import Target, fitted
from agents.messages import ToolSpec, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import CallPiece, Finish, ProviderRequest, ReasoningPiece, StatePiece, TextPiece, UsageReport
from agents.providers.server import DEMO
from agents.usage import Usage
from chat.management.rows import load_rows

MAX_OUTPUT_TOKENS = 2_000  # reasoning included: what a question may cost at most
QUESTION = "Answer with the one word: pong"
WEATHER = ToolSpec(
    "weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TOOL_QUESTION = "What is the weather in Rome now? Call the tool."


@dataclass
class Heard:
    """What came of one question."""

    text: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)  # name and arguments
    has_reasoning: bool = False
    has_state: bool = False
    finish: str = ""
    usage: Usage | None = None
    first_s: float = 0.0
    all_s: float = 0.0

    def take(self, piece: Any) -> None:
        """The next piece."""
        match piece:
            case TextPiece(text=text):
                self.text += text
            case ReasoningPiece():
                self.has_reasoning = True
            case CallPiece(index=index, name=name, arguments=arguments):
                call = self.calls.setdefault(index, ["", ""])
                call[0] += name
                call[1] += arguments
            case Finish(reason=reason):
                self.finish = reason
            case StatePiece():
                self.has_state = True
            case UsageReport(usage=usage):
                self.usage = usage


class Command(BaseCommand):
    help = "Asks a model one real question and one with a tool: it costs what two short answers cost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="NAME", help="a model, as `manage.py models` names it")

    def handle(self, *args: Any, model: str, **options: Any) -> None:
        load_rows(self.stderr)
        info = self._found(model)
        works = asyncio.run(self._ask(info))
        if not works:
            raise CommandError(f"{model} does not work as it is.")
        self.stdout.write(f"{model} works.")

    def _found(self, name: str) -> ModelInfo:
        known = installation.the_catalog()
        info = known.offered.get(name) or known.all.get(name)
        if info is None:
            told = installation.successor_of(name)
            more = f" Its successor is {told}." if told else ""
            raise CommandError(f"There is no model {name}.{more} There are: {', '.join(installation.model_names())}.")
        if info.server == DEMO and name != DEMO.vendor:
            raise CommandError(f"{name}: the server of its vendor is not configured. docs/models.md says what to set.")
        self.stdout.write(f"{name} at {info.server.shown}, by {info.server.api}, as {info.wire_name}")
        return info

    async def _ask(self, info: ModelInfo) -> bool:
        provider = installation.provider_for(info)
        target = Target(info, provider)
        try:
            words = await self._question(target, "a question", _request(QUESTION))
            if not info.has("tools"):
                self.stdout.write("  a tool: not asked, as the catalog says that it takes none")
                return words is not None
            called = await self._question(target, "a tool", _request(TOOL_QUESTION, WEATHER))
            return words is not None and called is not None and self._has_called(called)
        finally:
            await provider.close()

    async def _question(self, target: Target, name: str, request: ProviderRequest) -> Heard | None:
        heard, begun = Heard(), time.monotonic()
        try:
            async for pieces in target.provider.stream(fitted(request, target)):
                heard.first_s = heard.first_s or time.monotonic() - begun
                for piece in pieces:
                    heard.take(piece)
        except ProviderError as error:
            self.stdout.write(f"  {name}: failed ({error.code}). {error.message}")
            if error.detail:
                self.stdout.write("    " + ", ".join(f"{key}: {value}" for key, value in error.detail.items()))
            return None
        heard.all_s = time.monotonic() - begun
        self._tell(target.model, name, heard)
        return heard

    def _tell(self, info: ModelInfo, name: str, heard: Heard) -> None:
        said = [f"first piece after {heard.first_s:.1f} s, all after {heard.all_s:.1f} s", f"ended by {heard.finish}"]
        if heard.has_reasoning:
            said.append("reasoning shown")
        if heard.has_state:
            said.append("vendor state kept")
        self.stdout.write(f"  {name}: {heard.text.strip()[:60]!r}; {', '.join(said)}; {_spent(info, heard.usage)}")

    def _has_called(self, heard: Heard) -> bool:
        calls = [f"{name}({arguments})" for name, arguments in heard.calls.values()]
        self.stdout.write(f"    it called {', '.join(calls) if calls else 'nothing'}")
        return any(name == WEATHER.name for name, _arguments in heard.calls.values())


def _request(text: str, *tools: ToolSpec) -> ProviderRequest:
    return ProviderRequest(
        "", "You are being tried out. Be brief.", (UserMessage(text),), tools, max_output_tokens=MAX_OUTPUT_TOKENS
    )


def _spent(info: ModelInfo, usage: Usage | None) -> str:
    if usage is None:
        return "tokens not told, cost unknown"
    tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
    if info.price is None:
        return f"{tokens}, cost unknown"
    return f"{tokens}, {text_of(info.price.of(usage))[:-3]} {info.price.currency}"
