"""Kept answers behind the provider interface, over each wire: asked once, told again as it came."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.loop import Agent
from agents.messages import Image, UserMessage
from agents.options import RunOptions
from agents.providers import cached
from agents.providers.cached import Ask, Kept
from agents.usage import FROM_CACHE
from chat.eventlog import Logged
from chat.eventlog.projection import fold
from tests.agents.test_loop import archetype, echo
from tests.dialects.test_dialects import DIALECTS, frames
from tests.engine.wires import PROVIDERS, job, provider_of
from tests.upstream import ScriptedCall, Turn, Upstream

PIECES = ["Grüß", ' "dich" \\', "\n\n👋", " and", " so on."]
GO = (UserMessage("Go."),)
TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cache_write_tokens")


class Memory:
    """Answers in a dict, by the question."""

    def __init__(self, max_bytes: int = 200_000) -> None:
        self.max_bytes = max_bytes
        self.kept: dict[tuple[str, bytes], bytes] = {}

    def place(self, ask: Ask) -> "Spot":
        question = ask()
        return Spot(self.kept, (question.address, question.body))


class Spot:
    def __init__(self, kept: dict[tuple[str, bytes], bytes], key: tuple[str, bytes]) -> None:
        self.kept, self.key = kept, key

    async def find(self) -> Kept | None:
        return cached.read(self.kept[self.key]) if self.key in self.kept else None

    async def keep(self, answer: bytes) -> None:
        self.kept[self.key] = answer


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """One of its own: its scripts have no key."""
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture(autouse=True)
def empty(upstream: Upstream) -> None:
    upstream.reset()


async def asked(wire: str, upstream: Upstream, memory: Memory, kind: Archetype, **more: Any) -> list[AnyEvent]:
    """What a run says that remembers these answers."""
    provider = provider_of(wire, upstream)
    history = more.pop("history", GO)
    work = job(provider, kind, history=history, answers=memory, now=lambda: 1.0, **more)
    try:
        agent = Agent(work, kind, path="", messages=history)
        return [event async for events in agent.work() for event in events]
    finally:
        await provider.close()


def plain(events: list[AnyEvent]) -> list[dict[str, Any]]:
    """Without what says that it was kept, and what it used."""
    found = [msgspec.to_builtins(each) for each in events]
    return [{name: value for name, value in each.items() if name not in ("cache", "usage")} for each in found]


@pytest.mark.parametrize("wire", PROVIDERS)
async def test_the_second_is_told_as_the_first_and_nobody_is_asked(wire: str, upstream: Upstream) -> None:
    memory, kind = Memory(), archetype()
    upstream.script(Turn(reasoning=["H", "m."], text=PIECES))
    first = await asked(wire, upstream, memory, kind)
    second = await asked(wire, upstream, memory, kind)
    assert len(upstream.requests()) == 1
    assert plain(second) == plain(first)
    deltas = [each for each in second if isinstance(each, ev.TextDelta | ev.ReasoningDelta)]
    assert [each.cache for each in deltas] == ["hit", *[""] * (len(deltas) - 1)] and len(deltas) > 5
    assert isinstance(second[-1], ev.TurnCompleted) and second[-1].cache == "hit"
    assert isinstance(first[-1], ev.TurnCompleted) and first[-1].cache == ""
    assert [each.usage for each in fold(second).usages] == [FROM_CACHE]
    assert fold(first).usage.total_tokens > 0


WHITE = "data:image/png;base64,iVBORw0KGgo="
CHANGES: dict[str, dict[str, Any]] = {
    "the text": {"history": (UserMessage("Go!"),)},
    "what was said before": {"history": (UserMessage("Hi."), *GO)},
    "an attachment": {"history": (UserMessage("Go.", images=(Image(WHITE, "dot.png"),)),)},
    "the system prompt": {"options": RunOptions(instructions="Be brief.")},
    "what is told of the person": {"briefing": "Likes tea."},
    "how much it reasons": {"effort": "low"},
    "how long it may be": {"options": RunOptions(max_output_tokens=77)},
}


@pytest.mark.parametrize("wire", PROVIDERS)
async def test_whatever_is_changed_is_another_question(wire: str, upstream: Upstream) -> None:
    memory, kind = Memory(), archetype()
    asks: list[tuple[Archetype, dict[str, Any]]] = [(kind, {}), *((kind, each) for each in CHANGES.values())]
    asks.append((archetype(echo), {}))  # one more tool
    for number, (who, more) in enumerate(asks, 1):
        upstream.script(Turn(text="Yes."))
        await asked(wire, upstream, memory, who, **more)
        assert len(upstream.requests()) == number, f"{[*CHANGES, 'a tool'][number - 2]} is part of the question"
    assert len(memory.kept) == len(asks)


async def test_model_temperature_and_server_are_part_of_the_question(upstream: Upstream) -> None:
    here, there = provider_of("chat", upstream), provider_of("chat", upstream, base_url=f"{upstream.url}/other")
    behind = provider_of("chat", upstream, extra_headers={"X-Deployment": "b"})
    work = job(here, archetype(), history=GO)
    request = Agent(work, work.archetype, path="", messages=GO).request("m")
    same = [here.question(request), here.question(replace(request, user="x", chat="y"))]  # type: ignore[attr-defined]
    others = [replace(request, model="n"), replace(request, temperature=0.1), replace(request, temperature=None)]
    asked = [here.question(each) for each in others]  # type: ignore[attr-defined]
    asked += [each.question(request) for each in (here, there, behind)]  # type: ignore[attr-defined]
    assert same[0] == same[1] and len({(each.address, each.body) for each in asked}) == 6
    for provider in (here, there, behind):
        await provider.close()


@pytest.mark.parametrize("wire", PROVIDERS)
async def test_the_question_is_the_very_bytes_that_are_sent(wire: str, upstream: Upstream) -> None:
    memory = Memory()
    upstream.script(Turn(text="Yes."))
    await asked(wire, upstream, memory, archetype(echo))
    ((_, body),) = memory.kept
    sent = dict(upstream.requests()[0].body)
    for name in ("user", "metadata", "safety_identifier", "prompt_cache_key"):
        sent.pop(name, None)
    assert json.loads(body) == sent


CALL = Turn(tool_calls=[ScriptedCall("echo", {"word": "a"})])
NOT_KEPT: dict[str, list[Turn]] = {
    "a tool's call": [CALL, Turn(text="Done.")],
    "cut by the length": [Turn(text="Half a", finish_reason="length")],
    "stopped by a filter": [Turn(text="I", finish_reason="content_filter")],
    "too long": [Turn(text="x" * 500)],
}


@pytest.mark.parametrize("name", NOT_KEPT)
async def test_what_is_no_whole_answer_of_one_turn_is_not_kept(name: str, upstream: Upstream) -> None:
    memory = Memory(max_bytes=400)
    upstream.script(*NOT_KEPT[name])
    await asked("chat", upstream, memory, archetype(echo))
    assert len(upstream.requests()) == len(NOT_KEPT[name]) and not memory.kept
    upstream.script(Turn(text="Short."))
    await asked("chat", upstream, memory, archetype(echo), history=(UserMessage("Another."),))
    assert len(memory.kept) == 1, "where this is kept, the others were not for what they are"


async def test_behind_the_last_sentence_nothing_is_kept_and_a_kept_one_is_cut_for_nothing(upstream: Upstream) -> None:
    memory, kind, most = Memory(), archetype(), RunOptions(max_sentences=1)
    told = ["One. ", "Two. ", "Three. ", *(["More. "] * 40)]
    upstream.script(Turn(text=told))
    await asked("chat", upstream, memory, kind, options=most)
    assert not memory.kept
    upstream.script(Turn(text=told))
    await asked("chat", upstream, memory, kind)
    cut = fold(await asked("chat", upstream, memory, kind, options=most))
    assert len(upstream.requests()) == 2 and cut.content.strip() == "One."
    assert cut.usages[0].usage == FROM_CACHE, "what was cut is counted as what was told whole: nothing"


@pytest.mark.parametrize("place", [1, 3])
async def test_a_run_that_ends_amid_a_kept_answer_has_used_nothing(place: int, upstream: Upstream) -> None:
    memory, kind = Memory(), archetype()
    upstream.script(Turn(text=PIECES))
    await asked("chat", upstream, memory, kind)
    events = await asked("chat", upstream, memory, kind)
    deltas = [number for number, each in enumerate(events) if isinstance(each, ev.TextDelta)]
    begun = fold(events[: deltas[place - 1] + 1])
    begun.close()
    assert [each.usage for each in begun.usages] == [FROM_CACHE] and begun.usages[0].from_cache


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_hit_streams_as_its_miss_at_every_door(dialect: str, upstream: Upstream) -> None:
    memory, kind = Memory(), archetype()
    upstream.script(Turn(reasoning="Hm.", text=PIECES))
    streams = []
    for _ in range(2):
        said = await asked("chat", upstream, memory, kind)
        run: list[AnyEvent] = [
            ev.RunQueued(at=1.0, chat="c", input="i", message="m", archetype=kind.name, model="m"),
            ev.RunStarted(at=1.0, attempt=1), *said, ev.MessageSaved(at=1.0, message="m"),
            ev.RunCompleted(at=1.0, reason="stop", usage=fold(said).usage),
        ]  # fmt: skip
        log = [Logged(1, seq, each) for seq, each in enumerate(run, 1)]
        streams.append([without_use(each) for each in frames(dialect, log)])
    assert streams[0] == streams[1] and len(streams[0]) > 5


def without_use(frame: bytes) -> list[Any]:
    """A frame's lines, its JSON without what was used and that it was kept."""
    return [_line(line) for line in frame.decode().split("\n")]


def _line(line: str) -> Any:
    if not line.startswith("data: {"):
        return line
    return _pruned(json.loads(line.removeprefix("data: ")))


USED = ("usage", "cache", "tokensUsed", "tokens", "metadata", "messageMetadata", "tokenUsage", "token_usage")


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _pruned(each) for name, each in value.items() if name not in USED}
    return [_pruned(each) for each in value] if isinstance(value, list) else value


def test_a_log_of_before_reads_as_it_did_and_says_nothing_of_a_cache() -> None:
    old = '[{"type":"text.delta","at":1.0,"text":"x"},{"type":"turn.completed","at":1.0,"turn":1}]'
    assert ev.dump(ev.load(old)) == old


read_whole: Callable[[bytes], Kept] = cached.read


@pytest.mark.parametrize("garbage", [b"", b"\x80", b"\x91\x91\x81\xa4type\xa1x", b"[]"])
def test_garbage_is_no_answer(garbage: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_whole(garbage)
