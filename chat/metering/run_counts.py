"""What ends, counted for /api/metrics: runs, how long they took, what they used and cost, their tools and retries.

In memory: see chat.metering.counters.
"""

from collections.abc import Iterator

from agents import events as ev
from agents.archetypes import registry
from agents.installation import the_catalog
from agents.usage import Usage
from chat.eventlog.projection import Fold
from chat.metering.costs import Spent
from chat.metering.counters import NANOS, counter, histogram
from chat.models import ANSWER
from chat.models.facts import RunFacts

OTHER = "other"  # of all models and tools that the installation does not know: their names are whoever's who asked
FIRST_TOKEN_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
RUN_S = (*FIRST_TOKEN_S, 128, 256, 512)

runs = counter("parley_runs_total", "Runs that ended.", "door", "model", "status", "code")
tokens = counter("parley_tokens_total", "Tokens that were used; cached and reasoning are parts.", "model", "kind")
cost = counter("parley_cost_total", "What runs cost, as far as it is known.", "model", "currency", per=NANOS)
retries = counter("parley_retries_total", "Times that a model was asked again.", "code")
calls = counter("parley_tool_calls_total", "Tool calls that ended.", "tool", "status")
first_token = histogram(
    "parley_time_to_first_token_seconds",
    "From an answer's start to its first word; none of kept answers.",
    "model",
    buckets=FIRST_TOKEN_S,
)
duration = histogram(
    "parley_run_duration_seconds",
    "How long runs were at work; no time that a person was waited for.",
    "model",
    buckets=RUN_S,
)


def ended(run: RunFacts, fold: Fold, paid: Spent) -> None:
    """Count a run that has ended as its fold says; of one that answers nothing its kind stands for the door."""
    status, code = _status(fold.terminal)
    door = run.door if run.kind == ANSWER else run.kind
    runs.add(door=door, model=shown(run.model), status=status, code=code)
    _count_time(run, fold)
    _count_use(fold, paid)
    for code, count in fold.retry_codes.items():
        retries.add(count, code=code)
    for (tool, outcome), count in fold.tools.items():
        calls.add(count, tool=shown_tool(tool), status=outcome)


def _count_time(run: RunFacts, fold: Fold) -> None:
    duration.observe(fold.active_s, model=shown(run.model))
    is_kept = bool(fold.usages) and all(each.from_cache for each in fold.usages)
    if fold.first_token_at and run.kind == ANSWER and not is_kept:
        first_token.observe(fold.first_token_at - fold.started_at, model=shown(fold.model or run.model))


def _count_use(fold: Fold, paid: Spent) -> None:
    for each in fold.usages:
        for kind, count in _counts(each.usage):
            if count:
                tokens.add(count, model=shown(each.model), kind=kind)
    for turn, price in paid.turns:
        if price.nanos:
            cost.add(price.nanos, model=shown(turn.model), currency=price.currency)


def shown(model: str) -> str:
    """The model as a label: its name where it is in the catalog."""
    return model if model in the_catalog().offered else OTHER


def shown_tool(name: str) -> str:
    """The tool as a label: its name where some archetype has it. Those of clients and of other servers are one."""
    return name if name in _tools() else OTHER


def _tools() -> set[str]:
    every = list(registry.every_with_subagents())
    return {each.name for each in every} | {tool.name for each in every for tool in each.tools}


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
