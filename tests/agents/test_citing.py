"""Sources and their marks: which are found where, however a text is cut; numbers that hold over turns, subagents,
takeovers and a conversation."""

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import events as ev
from agents.events import AnyEvent
from agents.loop import Agent, citing
from agents.loop.citing import MOST_CITED, Marks, Sources, _quote
from agents.messages import ToolMessage, UserMessage
from agents.options import OutputFormat, RunOptions
from chat.eventlog.projection import fold
from tests.agents.scripted import Said, ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, job, of, run
from tests.agents.test_subagents import ByTask, agent_of, asks, helper, work
from tools.base import ToolContext
from tools.decorator import tool

TERMS = {"id": 7, "document": "d1", "title": "Terms", "path": "Refunds", "page": 3, "text": "Within  ten\ndays. " * 40}
PRICES = {"title": "Prices", "url": "https://example.com/p", "text": "Ten euros."}


@tool(cites=True, idempotent=True)
async def find(ctx: ToolContext, query: str) -> dict[str, Any]:
    """Find passages."""
    return {"passages": [TERMS, PRICES] if query == "both" else [PRICES] if query == "prices" else []}


@tool(idempotent=True)
async def lookalike(ctx: ToolContext) -> dict[str, Any]:
    """Give what only looks like sources."""
    return {"passages": [{"n": 1, "title": "None", "text": "x"}]}


def two() -> Sources:
    sources = Sources()
    sources.numbered({"passages": [TERMS, PRICES]})
    return sources


def marks_in(pieces: Sequence[str], begins_at: int = 0) -> list[tuple[int, int]]:
    marks = Marks(two(), begins_at)
    found = [each for piece in pieces for each in marks.feed(piece)] + marks.rest()
    return [(source.n, at) for source, at in found]


TEXTS: dict[str, tuple[str, list[tuple[int, int]]]] = {
    "plain": ("a [1] b [2].", [(1, 2), (2, 8)]),
    "beside each other": ("[1][2]", [(1, 0), (2, 3)]),
    "the same twice": ("[1] [1]", [(1, 0), (1, 4)]),
    "no such source": ("[9] [3] [1]", [(1, 8)]),
    "no number": ("[] [a] [0] [01] [1 [-1] [1.0] [12345]", []),
    "code points, not bytes": ("\U0001f600é [1]", [(1, 3)]),
    "inline code": ("`[1]` [2]", [(2, 6)]),
    "code of two backticks": ("``a ` [1]`` [2]", [(2, 12)]),
    "a backtick that opens nothing": ("it`s [1]\n\n[2]", [(1, 5), (2, 10)]),
    "a backtick that opens nothing, to the end": ("it`s [1]", [(1, 5)]),
    "a fence": ("```\n[1]\n```\n[2]", [(2, 12)]),
    "a fence with a language": ("```py\na[1]\n```\n[2]", [(2, 15)]),
    "a fence that stays open": ("[2]\n```\n[1]", [(2, 0)]),
    "a fence of tildes": ("~~~\n[1]\n~~~\n[2]", [(2, 12)]),
    "a fence in a fence": ("````\n```\n[1]\n```\n````\n[2]", [(2, 22)]),
    "a fence that does not close": ("```\n```py\n[1]\n```\n[2]", [(2, 18)]),
    "a fence in a list": ("- ```\n  [1]\n  ```\n[2]", [(2, 18)]),
    "a fence in a quote": ("> ```\n> [1]\n> ```\n\n[2]", [(2, 19)]),
    "no fence: its line has more backticks": ("```a``` [1]", [(1, 8)]),
    "backticks in the middle of a line": ("a ```[1]``` [2]", [(2, 12)]),
    "a fence ends what a backtick began": ("a ` [1]\n```\n[2]\n```\n[2]", [(1, 4), (2, 20)]),
    "lines of Windows": ("```\r\n[1]\r\n```\r\n[2]", [(2, 15)]),
    "a link": ("see [1](https://example.com)", [(1, 4)]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_marks_are_found_where_they_are_however_the_text_comes(name: str) -> None:
    text, expected = TEXTS[name]
    assert marks_in([text]) == expected
    assert marks_in(list(text)) == expected
    assert marks_in([text], 100) == [(n, at + 100) for n, at in expected]


@given(st.text(alphabet="[]12`~\n a9-", max_size=60), st.integers(0, 2**32))
def test_how_a_text_is_cut_changes_nothing(text: str, seed: int) -> None:
    dice, pieces, at = random.Random(seed), [], 0
    while at < len(text):
        length = dice.randint(1, 6)
        pieces.append(text[at : at + length])
        at += length
    assert marks_in(pieces) == marks_in([text])


def test_a_mark_is_told_with_the_piece_that_closes_it() -> None:
    marks = Marks(two())
    told = [[at for _, at in marks.feed(piece)] for piece in ("a [", "1", "] b [2", "]")]
    assert told == [[], [], [2], [8]]


def cited(events: Sequence[AnyEvent]) -> list[tuple[int, int]]:
    return [(each.n, each.offset) for each in of(events, ev.CitationAdded)]


BOTH = calls(("find", '{"query":"both"}'))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("# Terms\n\n## Refunds\nTen  days.\n\n# Prices", "Ten days. # Prices"),
        ("Ten days.", "Ten days."),
        ("#ten days", "#ten days"),
        ("# Only a heading\n", "# Only a heading"),
        ("# One that is cut", "# One that is cut"),
    ],
)
def test_a_quote_begins_behind_the_headings_that_are_its_path(text: str, quote: str) -> None:
    assert _quote(text) == quote


async def test_an_answer_names_sources_right_behind_the_delta_that_closes_the_mark() -> None:
    events, agent, provider = await run(
        [
            calls(("find", '{"query":"both"}'), text="Let me look. "),
            says("Ten", " days [", "1", "], ten euros [2] [9]."),
        ],
        archetype(find),
    )
    assert cited(events) == [(1, 22), (2, 37)]
    for event in of(events, ev.CitationAdded):
        assert isinstance(events[events.index(event) - 1], ev.TextDelta | ev.CitationAdded)
    first, second = of(events, ev.CitationAdded)
    assert (first.document, first.passage, first.title, first.path, first.page) == ("d1", 7, "Terms", "Refunds", 3)
    assert (first.quote, len(first.quote)) == (("Within ten days. " * 40)[:300], 300)
    assert (second.url, second.document, second.passage) == ("https://example.com/p", "", 0)
    whole = fold(events)
    for each in [part for part in whole.parts if part["type"] == "citation"]:
        assert whole.content[each["at"] :].startswith(f"[{each['n']}]")
    assert [part["type"] for part in whole.parts][-3:] == ["text", "citation", "citation"]
    assert agent.job.sources.unknown == 1
    told = next(each for each in provider.requests[1].messages if isinstance(each, ToolMessage))
    assert [each["n"] for each in json.loads(told.content)["passages"]] == [1, 2]


async def test_a_passage_keeps_its_number_and_new_ones_go_on() -> None:
    again, more = calls(("find", '{"query":"prices"}')), calls(("find", '{"query":"both"}'))
    events, _, _ = await run([again, more, says("[1] [2]")], archetype(find))
    results = [[each["n"] for each in event.result["passages"]] for event in of(events, ev.ToolReturned)]
    assert results == [[1], [2, 1]]
    assert [each.title for each in of(events, ev.CitationAdded)] == ["Prices", "Terms"]


@pytest.mark.parametrize("cut_at", range(3))
async def test_numbers_are_the_same_after_a_takeover(cut_at: int) -> None:
    first, _, _ = await run([BOTH, says("So [1].")], archetype(find))
    returned = next(index for index, each in enumerate(first) if isinstance(each, ev.ToolReturned))
    kept = first[: returned + 1 + (cut_at > 0)]
    sources = citing.known(archetype(find), (), kept)
    more = [calls(("find", '{"query":"prices"}'))] if cut_at == 2 else []
    provider = ScriptedProvider([*more, says("So [2] and [1].")])
    agent = archetype(find)
    working = Agent(job(provider, agent, kept, sources=sources), agent, path="", messages=(UserMessage("Go."),))
    events = [event async for batch in working.work() for event in batch]
    assert [each.title for each in of(events, ev.CitationAdded)] == ["Prices", "Terms"]
    assert [each["n"] for event in of(events, ev.ToolReturned) for each in event.result["passages"]] == [2] * (
        cut_at == 2
    )


async def test_what_a_subagent_found_is_named_by_its_number() -> None:
    task = "Look."
    provider = ByTask({"Go.": [asks(task), says("So [2].")], task: [BOTH, says("It is [2], not [1].")]})
    events = await work(agent_of(provider, archetype(find, subagents=(helper("helper", find),))))
    assert [(each.agent, each.title) for each in of(events, ev.CitationAdded)] == [("", "Prices")]


async def test_numbers_go_on_from_those_that_the_conversation_shows() -> None:
    told = json.dumps({"passages": [{"n": 4, **TERMS}]})
    history = (UserMessage("Go."), ToolMessage("call_0", "find", told), ToolMessage("call_1", "lookalike", told))
    sources = citing.known(archetype(find, lookalike), history, ())
    events, _, _ = await run(
        [calls(("find", '{"query":"prices"}')), says("[4] [5] [1]")], archetype(find), sources=sources
    )
    assert [(each.n, each.title) for each in of(events, ev.CitationAdded)] == [(4, "Terms"), (5, "Prices")]


MANY: dict[str, list[list[Said]]] = {
    "in one piece": [BOTH, says("[1]" * 8_000)],
    "in many": [BOTH, says(*["[1", "][2]"] * 600)],
    "held back until the end": [BOTH, says("it`s " + "[1]" * 8_000)],
    "over turns": [BOTH, calls(("find", '{"query":"prices"}'), text="[1]" * 300), says("[2]" * 300)],
    "behind such that name none": [BOTH, says("[9]" * 1_000 + "[1]" * 501)],
}


@pytest.mark.parametrize("name", MANY)
async def test_a_run_tells_of_so_many_marks_and_the_others_stay_text(name: str) -> None:
    events, agent, _ = await run(MANY[name], archetype(find))
    whole = fold(events)
    assert len(of(events, ev.CitationAdded)) == MOST_CITED == agent.job.sources.cited
    assert sum(part["type"] == "citation" for part in whole.parts) == MOST_CITED
    assert whole.content.count("[1]") + whole.content.count("[2]") > MOST_CITED


@pytest.mark.parametrize(("before", "after"), [(0, MOST_CITED), (MOST_CITED - 1, 1), (MOST_CITED, 0)])
async def test_what_the_log_tells_of_is_counted_after_a_takeover(before: int, after: int) -> None:
    first, _, _ = await run(
        [BOTH, calls(("find", '{"query":"both"}'), text="[1]" * before), says("So.")], archetype(find)
    )
    kept = first[: 1 + max(at for at, each in enumerate(first) if isinstance(each, ev.ToolReturned))]
    sources = citing.known(archetype(find), (), kept)
    agent = archetype(find)
    provider = ScriptedProvider([says("[1]" * 600)])
    working = Agent(job(provider, agent, kept, sources=sources), agent, path="", messages=(UserMessage("Go."),))
    events = [event async for batch in working.work() for event in batch]
    assert (len(of(kept, ev.CitationAdded)), len(of(events, ev.CitationAdded))) == (before, after)


LONGEST = {"title": 300, "path": 500, "url": 2_000, "text": 300, "document": 300}


@pytest.mark.parametrize("name", LONGEST)
@pytest.mark.parametrize("is_learnt", [False, True])
def test_a_field_of_an_event_is_so_long_and_no_longer(name: str, is_learnt: bool) -> None:
    most, begins = LONGEST[name], "https://" if name == "url" else ""
    for length, told in ((most, most), (most + 1, 0 if name == "url" else most)):
        sources = Sources()
        result = {"passages": [{"n": 1, "id": 1, name: begins + "a" * (length - len(begins))}]}
        (sources.learn if is_learnt else sources.numbered)(result)
        event = citing.cited(sources.found[1], 0, at=0.0, run_id="0" * 32, turn=1)
        assert len(getattr(event, "quote" if name == "text" else name)) == told


NONE: dict[str, tuple[list[list[Said]], dict[str, Any]]] = {
    "what no tool with sources gave": ([calls(("lookalike", "{}")), says("[1]")], {}),
    "nothing was found": ([calls(("find", '{"query":"x"}')), says("[1]")], {}),
    "an answer that is JSON": (
        [BOTH, says('{"a":[1]}')],
        {"options": RunOptions(output=OutputFormat(name="a", schema={"type": "object"}))},
    ),
    "processes of an older version are up": ([BOTH, says("[1]")], {"is_among_older": True}),
}


@pytest.mark.parametrize("name", NONE)
async def test_marks_that_are_none(name: str) -> None:
    turns, more = NONE[name]
    events, _, _ = await run(turns, archetype(find, lookalike), **more)
    assert cited(events) == []
    if name.startswith("processes"):
        assert not any(each.cites for each in of(events, ev.ToolReturned))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "ftp://a", "https://" + "a" * 2_000, 5])
def test_an_address_that_is_none_of_the_web_is_left_out(url: Any) -> None:
    sources = Sources()
    sources.numbered({"passages": [{"title": "T", "text": "x", "url": url}]})
    assert sources.found[1].url == ""


@pytest.mark.parametrize("result", ["text", None, [], {"passages": "x"}, {"passages": [1]}, {"other": []}])
def test_a_result_of_another_shape_is_left_as_it_is(result: Any) -> None:
    sources = Sources()
    assert sources.numbered(result) == result
    assert not sources.found
