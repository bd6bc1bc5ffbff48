"""Whether an answer that was asked for again is as it is expected."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.archetypes import registry
from chat.models import ToolCall
from chat.ops.replay.cases import Calls, Case
from chat.ops.replay.playing import Played
from chat.runner.recorded import NOT_RECORDED, spelled

PASS = "PASS"
MOST_CHARS = 300  # of what is told of a text


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_passed: bool
    told: str = ""  # why not; what a judge has said


def checked(case: Case, played: Played) -> Iterator[Check]:
    """What can be said without a judge."""
    ended = f"{played.run.status}: {played.run.error_code} {played.run.error_message}".rstrip(": ")
    yield Check("ended", played.is_done, "" if played.is_done else ended)
    unknown = [each for each in played.calls if each.result == NOT_RECORDED]
    yield Check("recorded", not unknown, _named(unknown))
    if case.calls != "any":
        yield _same(case.calls, ToolCall.objects.filter(run=case.run).order_by("pk"), played.calls)
    for text in case.contains:
        is_there = text.casefold() in played.text.casefold()
        yield Check("contains", is_there, "" if is_there else f"{_short(text)!r} is not in it")


def material(case: Case, played: Played) -> str:
    """What a judge is given."""
    return f"Question:\n{case.run.question.content}\n\nExpected:\n{case.judge}\n\nAnswer:\n{played.text}"


def judged(verdict: Played) -> Check:
    """What the judge has said. One that said neither has not let it pass."""
    said = verdict.text.strip()
    return Check("judge", verdict.is_done and said.upper().startswith(PASS), _short(said or verdict.run.error_code))


def _same(how: Calls, before: Iterable[ToolCall], after: Iterable[ToolCall]) -> Check:
    was, now = ([_told(each, how) for each in calls] for calls in (before, after))
    told = f"expected {_listed(was)}; it made {_listed(now)}"
    return Check("calls", was == now, "" if was == now else told)


def _told(call: ToolCall, how: Calls) -> str:
    """The call in the words in which two are compared. Of what a subagent is asked, the words do not count."""
    is_agent = any(call.name == each.name for each in registry.every_with_subagents())
    return call.name if how == "names" or is_agent else f"{call.name} {_short(spelled(call.arguments))}"


def _listed(calls: list[str]) -> str:
    return ", ".join(calls) or "none"


def _named(calls: list[ToolCall]) -> str:
    return f"not recorded: {_listed([_told(each, 'same') for each in calls])}" if calls else ""


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"
