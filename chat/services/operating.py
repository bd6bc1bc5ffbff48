"""What the people who look after an installation do to runs: stop, re-drive, release. Sync.

They are no members of the chat's organization, so the caller has looked at their own right to it (`operate_run`); what
a run may do is still decided by the rights of the person for whom it acts.
"""

from dataclasses import dataclass

from django.db import transaction
from msgspec import structs

from accounts.errors import Conflict
from accounts.models import User
from agents import options
from agents.archetypes import registry
from chat.access import permissions_on
from chat.models import MessageStatus, Run, RunStatus, ToolCall
from chat.models.runs import ToolCallStatus
from chat.run_request import RunRequest
from chat.runner import lease, runner
from chat.services import runs

TOOK_EFFECT = (ToolCallStatus.RETURNED, ToolCallStatus.UNKNOWN, ToolCallStatus.CALLED)


@dataclass(frozen=True)
class Calls:
    """The tool calls of a run, by what happens to them when somebody intervenes."""

    in_flight: list[ToolCall]  # started, no result yet
    repeatable: list[ToolCall]  # of these, those that a process which takes over runs again
    effects: list[ToolCall]  # that changed something, or may have: a run that answers again may do it a second time


def calls_of(run: Run) -> Calls:
    """What this run has called so far."""
    tools = {tool.name: tool for archetype in registry.every() for tool in archetype.tools}
    repeatable = {name for name, tool in tools.items() if tool.idempotent}
    reading = {name for name, tool in tools.items() if tool.permission == "read"}
    calls = list(run.tool_calls.defer("arguments", "result"))
    in_flight = [each for each in calls if each.status == ToolCallStatus.CALLED]
    return Calls(
        in_flight,
        [each for each in in_flight if each.name in repeatable],
        [each for each in calls if each.status in TOOK_EFFECT and each.name not in reading],
    )


@transaction.atomic
def stop_run(*, operator: User, run: Run) -> Run:
    """Ask a run to stop, as its own people can. Raises Conflict for one that is over."""
    stopped = runs.stop(run, by=operator)
    if not run.is_open:
        raise Conflict("The run is over.", code="run_over")
    return stopped


@transaction.atomic
def redrive_run(*, run: Run) -> Run:
    """Answer the same message once more, as the run did: a new run and a new answer, beside the old ones.

    It acts for the same person, with the rights that they have now. Raises Conflict for a run that is not over, or
    whose question or rights are gone; Invalid where its model or archetype is.
    """
    run = Run.objects.select_related("chat", "user", "input").get(pk=run.pk)
    if not run.is_answer:
        raise Conflict("The run answers no message: what began it begins it again.", code="not_an_answer")
    if run.is_open:
        raise Conflict("The run is not over. Stop it first.", code="run_open")
    if run.question.status == MessageStatus.DELETED:
        raise Conflict("The message that it answered was deleted.", code="nothing_to_answer")
    if "write" not in permissions_on(run.user, run.asked_in):
        raise Conflict(f"{run.user} may not write in this chat any more.", code="no_rights")
    return runs.answer_again(user=run.user, question=run.question, ask=_as_before(run))


@transaction.atomic
def release_run(*, run: Run) -> None:
    """Take a running run from the process that holds it; another goes on within seconds.

    Raises Conflict if that process does not hold it any more.
    """
    if run.status != RunStatus.RUNNING or not lease.take_away(run.pk, run.attempt):
        raise Conflict("No process holds this run now.", code="not_held")
    transaction.on_commit(lambda: runner.wake(run.pk, None))


def _as_before(run: Run) -> RunRequest:
    return RunRequest(
        model=run.model,
        temperature=run.temperature,
        archetype=run.archetype,
        door=run.door,
        options=structs.replace(options.load(run.options), step=None),  # it is of the step that is now
        request=run.request,
    )
