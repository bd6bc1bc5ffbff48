"""What ends, counted for /api/metrics: runs and their tokens. In memory: see chat.metering.counters."""

from collections.abc import Iterator

from agents import events as ev
from agents.installation import the_catalog
from agents.usage import Usage
from chat.eventlog.projection import Fold
from chat.metering.counters import counter
from chat.models import ANSWER
from chat.models.facts import RunFacts

OTHER = "other"  # of all models that are not in the catalog: their names are whoever's who asked

runs = counter("parley_runs_total", "Runs that ended.", "door", "model", "status", "code")
tokens = counter("parley_tokens_total", "Tokens that were used; cached and reasoning are parts.", "model", "kind")


def ended(run: RunFacts, fold: Fold) -> None:
    """Count a run that has ended as its fold says; of one that answers nothing its kind stands for the door."""
    status, code = _status(fold.terminal)
    door = run.door if run.kind == ANSWER else run.kind
    runs.add(door=door, model=shown(run.model), status=status, code=code)
    for each in fold.usages:
        for kind, count in _counts(each.usage):
            if count:
                tokens.add(count, model=shown(each.model), kind=kind)


def shown(model: str) -> str:
    """The model as a label: its name where it is in the catalog."""
    return model if model in the_catalog().offered else OTHER


def _status(terminal: ev.Terminal | None) -> tuple[str, str]:
    match terminal:
        case ev.RunFailed(code=code):
            return "failed", code
        case ev.RunCancelled():
            return "cancelled", ""
        case _:
            return "succeeded", ""


def _counts(usage: Usage) -> Iterator[tuple[str, int]]:
    yield "input", usage.input_tokens
    yield "cached", usage.cached_tokens
    yield "output", usage.output_tokens
    yield "reasoning", usage.reasoning_tokens
