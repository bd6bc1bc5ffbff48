"""All cases of a file, one after the other, until what they may cost is spent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from accounts.errors import RequestError
from chat.ops.replay.cases import Case
from chat.ops.replay.checking import Check, checked, judged, material
from chat.ops.replay.playing import Played, hidden_chat, play

Outcome = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True)
class Wanted:
    """How they are replayed; what is empty is as it was."""

    model: str = ""
    archetype: str = ""
    judge_model: str = ""
    max_nanos: int | None = None  # of all of them together


@dataclass(frozen=True)
class Result:
    """What came of a case."""

    case: Case
    model: str
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    runs: tuple[Played, ...] = ()  # the answer's, and the judge's
    error: str = ""

    @property
    def nanos(self) -> int:
        """What it cost, as far as that is known."""
        return sum(each.run.cost_nanos for each in self.runs)

    @property
    def tokens(self) -> int:
        """What its runs used."""
        return sum(each.run.total_tokens for each in self.runs)

    @property
    def seconds(self) -> float:
        """From the beginning of its runs to their ends."""
        runs = [each.run for each in self.runs]
        return sum((run.ended_at - run.created_at).total_seconds() for run in runs if run.ended_at)


def playback(cases: Iterable[Case], wanted: Wanted) -> Iterator[Result]:
    """What comes of each. Raises NobodyServes."""
    left = wanted.max_nanos
    for case in cases:
        model = wanted.model or case.run.model
        if left is not None and left <= 0:
            yield Result(case, model, "skipped", error="what all of them may cost is spent")
            continue
        result = _result(case, model, replace(wanted, max_nanos=left))
        left = left if left is None else left - result.nanos
        yield result


def _result(case: Case, model: str, wanted: Wanted) -> Result:
    runs: list[Played] = []
    try:
        checks = list(_played(case, model, wanted, runs))
    except RequestError as error:
        return Result(case, model, "error", runs=tuple(runs), error=error.message)
    outcome: Outcome = "passed" if all(each.is_passed for each in checks) else "failed"
    return Result(case, model, outcome, tuple(checks), tuple(runs))


def _played(case: Case, model: str, wanted: Wanted, runs: list[Played]) -> Iterator[Check]:
    """Its checks; the runs are added as they end."""
    chat = hidden_chat(case.run, model)
    archetype = wanted.archetype or case.run.archetype
    runs.append(play(chat, model, {"of": str(case.run.pk), "archetype": archetype, "max_nanos": wanted.max_nanos}))
    yield from checked(case, runs[0])
    if case.judge and runs[0].is_done:
        runs.append(play(chat, wanted.judge_model or model, {"material": material(case, runs[0])}))
        yield judged(runs[1])
