"""A chat's workflow and its runs: which step a run is, and where its end leads. Sync.

Every move is a compare-and-set on the step and the number of the move. A step's run moves it in the transaction that
ends that run: whoever dies before leaves the step to be asked again, and whoever dies after has asked it once.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.utils import timezone

from agents import events as ev
from agents.archetypes import registry
from agents.events import AnyEvent, Terminal
from agents.options import AtStep
from agents.workflows import definition as definitions
from agents.workflows.definition import END, Definition, Step
from agents.workflows.moving import decided
from chat.eventlog import Fenced
from chat.models import SCHEDULED, Chat, Message, MessageRole, Run, RunStatus, WorkflowRun, WorkflowStatus
from chat.models.facts import RunFacts, step_of
from chat.models.workflows import GOES_ON

# Failures of a run that no step is to blame for.
NOT_THE_STEPS = frozenset({"quota_exceeded", "no_rights", "plan_model"})
Answers = Mapping[str, dict[str, str]]


@dataclass(frozen=True)
class Move:
    """What a step's run has come to."""

    to: str | None  # the next step's id, or END; None: it stays
    answers: Answers


@dataclass(frozen=True)
class Standing:
    """Where a run stands in its chat's workflow."""

    at: AtStep
    name: str  # the workflow's
    definition: Definition
    step: Step
    answers: Answers  # with what the run's own message is
    texts: Mapping[str, str]  # of them, in words

    def told(self) -> ev.WorkflowChanged:
        """The event that says so."""
        return changed(self.at.workflow, self.name, self.definition, self.step)


def standing_of(run: Run) -> Standing | None:
    """Where the run stands, from its beginning to its end, also after a takeover: noted when it is first asked.

    None where its chat goes through no workflow; then nothing is asked of the database.
    """
    if run.chat is None or not (run.chat.has_workflow or "step" in run.options):
        return None
    at = step_of(run) or _noted(run)
    if is_beside(run):  # it is told nothing of a step
        return None
    row = None if at is None else WorkflowRun.objects.select_related("version__workflow").filter(pk=at.workflow).first()
    if at is None or row is None:
        return None
    definition = definition_of(row)
    step = definition.step(at.step)
    if step is None:
        return None
    answers = answers_with(row, step, run.question) if at.moves else row.answers
    return Standing(at, row.version.workflow.name, definition, step, answers, in_words(answers, run.question))


def archetype_now(chat: Chat) -> str:
    """Whose step a chat's workflow is at; empty: its own agent's. No query for a chat without a workflow."""
    row = _under_way(chat.pk) if chat.has_workflow else None
    step = definition_of(row).step(row.step) if row is not None else None
    return step.archetype if step is not None and step.archetype in registry.names() else ""


def _under_way(chat_id: UUID) -> WorkflowRun | None:
    return WorkflowRun.objects.going_on().select_related("version").filter(chat=chat_id).first()


def is_beside(run: Run) -> bool:
    """Whether the workflow goes on as if the run were not: neither a schedule's prompt nor a command is an answer."""
    return run.door == SCHEDULED or bool(run.command)


@transaction.atomic
def _noted(run: Run) -> AtStep | None:
    """The step that the chat is at, noted with the run. A message is what a step waits for that only waits.

    Raises Fenced, and moves nothing, where the run is another attempt's by now.
    """
    Chat.objects.select_for_update().filter(pk=run.asked_in.pk).first()  # as who ends a run does, and who decides
    row = _under_way(run.asked_in.pk)
    if row is None:
        return None
    earlier = _earlier(row, run)
    at = earlier if earlier is not None else _now(row, run)
    if at is not None:
        noted = {**run.options, "step": msgspec.to_builtins(at)}
        if not Run.objects.filter(pk=run.pk, attempt=run.attempt).update(options=noted):
            raise Fenced
        run.options = noted
    return at


def _earlier(row: WorkflowRun, run: Run) -> AtStep | None:
    """The step by which the same message was asked before: it is answered anew as that step.

    It leads nowhere then, but where it had no answer and the workflow is at that step still.
    """
    before = Run.objects.answers().filter(input=run.input_id).exclude(pk=run.pk).order_by("-position")
    last = next((each for each in before if step_of(each) is not None), None)
    at = step_of(last) if last is not None else None
    if last is None or at is None:
        return None
    is_there = (at.workflow, at.step, at.seq) == (str(row.pk), row.step, row.seq)
    return msgspec.structs.replace(at, moves=at.moves and is_there and last.status != RunStatus.SUCCEEDED)


def _now(row: WorkflowRun, run: Run) -> AtStep | None:
    definition = definition_of(row)
    step = definition.step(row.step)
    answers = not is_beside(run)
    if answers and step is not None and step.kind == "wait" and run.question.role == MessageRole.USER:
        step = _pass(row, definition, step, run.question)
    if step is None:
        return None
    return AtStep(str(row.pk), step.id, row.seq, moves=answers and not step.waits)


def was_tried(row: WorkflowRun) -> bool:
    """Whether a run of the chat was the step that it is at."""
    tried = Run.objects.answers().filter(
        chat=row.chat_id, options__step__workflow=str(row.pk), options__step__seq=row.seq
    )
    return any(at is not None and at.moves for at in map(step_of, tried.only("options")))


def _pass(row: WorkflowRun, definition: Definition, step: Step, message: Message) -> Step | None:
    """The step behind one that has waited for this message; the same where it leads nowhere yet."""
    answers = answers_with(row, step, message)
    to = None if missing(step, answers) else decided(step, in_words(answers, message))
    move(row, definition, Move(to if isinstance(to, str) else None, answers))
    return definition.step(row.step)


def after_end(run: RunFacts, terminal: Terminal, found: Move | None) -> list[AnyEvent]:
    """Move the workflow by the end of a step's run: what is to be said of that, in its log. In the run's transaction.

    `found`: what the step has come to; None where it came to nothing.
    """
    at = run.step
    if at is None or not at.moves or isinstance(terminal, ev.RunCancelled):
        return []
    rows = WorkflowRun.objects.going_on().select_related("version__workflow")
    row = rows.filter(pk=at.workflow, step=at.step, seq=at.seq).first()
    if row is None:  # cancelled meanwhile
        return []
    definition = definition_of(row)
    step = definition.step(row.step)
    assert step is not None, "what was published has the steps that its runs are at"
    stays = found is None or (found.to is None and step.kind == "tool")  # nobody would lead a tool's step on
    if isinstance(terminal, ev.RunCompleted) and found is not None and not stays:
        return move(row, definition, found)
    return _failed(row, step) if _is_to_blame(terminal) else []


def may_follow(terminal: Terminal | None) -> bool:
    """Whether anything begins by itself behind this end: not where somebody stopped it, or the next would end alike."""
    if isinstance(terminal, ev.RunFailed):
        return terminal.code not in NOT_THE_STEPS
    return isinstance(terminal, ev.RunCompleted)


def _is_to_blame(terminal: Terminal) -> bool:
    """Whether an end that led nowhere is a failure of the step: not where the next word is a client's."""
    if isinstance(terminal, ev.RunFailed):
        return terminal.code not in NOT_THE_STEPS
    return isinstance(terminal, ev.RunCompleted) and terminal.reason != "tool_calls"


def _failed(row: WorkflowRun, step: Step) -> list[AnyEvent]:
    """One more failure of the step; with the last try the workflow fails."""
    failures = row.failures + 1
    if failures <= step.retries:
        _set(row, failures=failures)
        return []
    _set(row, failures=failures, status=WorkflowStatus.FAILED.value, ended_at=timezone.now())
    Chat.objects.filter(pk=row.chat_id).update(has_workflow=False)
    return [over(row, "failed", f"The step {step.name} failed {failures} times.")]


def move(row: WorkflowRun, definition: Definition, found: Move) -> list[AnyEvent]:
    """Lead the workflow on: the event that says so. None where it stays, or where somebody else has moved it.

    The row has its new values then. Answers that the next step needs are asked for again.
    """
    if found.to is None:
        _set(row, answers=dict(found.answers))
        return []
    if found.to == END:
        is_moved = _set(
            row, answers=dict(found.answers), seq=row.seq + 1, ended_at=timezone.now(),
            status=WorkflowStatus.COMPLETED.value,
        )  # fmt: skip
        Chat.objects.filter(pk=row.chat_id).update(has_workflow=False)
        return [over(row, "succeeded")] if is_moved else []
    step = definition.step(found.to)
    assert step is not None, "what was published leads to its own steps"
    left = {name: each for name, each in found.answers.items() if name not in (*step.needs, step.id)}
    is_moved = _set(row, step=step.id, seq=row.seq + 1, failures=0, status=status_at(step), answers=left)
    return [changed(str(row.pk), row.version.workflow.name, definition, step)] if is_moved else []


def _set(row: WorkflowRun, **fields: Any) -> bool:
    """Change the row if it is as it was read."""
    fields["moved_at"] = timezone.now()
    same = WorkflowRun.objects.filter(pk=row.pk, step=row.step, seq=row.seq, status__in=GOES_ON)
    if not same.update(**fields):
        return False
    for name, value in fields.items():
        setattr(row, name, value)
    return True


def cancel(row: WorkflowRun) -> bool:
    """End it where it stands; its chat goes on without it. In a transaction that holds the chat."""
    is_ended = _set(row, status=WorkflowStatus.CANCELLED.value, ended_at=timezone.now())
    Chat.objects.filter(pk=row.chat_id).update(has_workflow=False)
    return is_ended


def definition_of(row: WorkflowRun) -> Definition:
    """Its steps, as they were published."""
    return definitions.load(row.version.definition)


def status_at(step: Step) -> str:
    """What a workflow is called that has come to this step."""
    return (WorkflowStatus.WAITING if step.waits else WorkflowStatus.RUNNING).value


# --- Answers ----------------------------------------------------------------------------------------------------------


def answers_with(row: WorkflowRun, step: Step, message: Message) -> Answers:
    """The answers, with the one that a person's message is at this step: a message is one answer only."""
    may_be_one = message.role == MessageRole.USER and str(message.pk) not in row.messages()
    name = step.taking(row.answers) if may_be_one else ""
    return {**row.answers, name: {"message": str(message.pk)}} if name else row.answers


def missing(step: Step, answers: Answers) -> bool:
    """Whether the step still needs some."""
    return any(name not in answers for name in step.needs)


def in_words(answers: Answers, *known: Message) -> dict[str, str]:
    """Each answer's text: the message's own, so that what is deleted or changed there is here too."""
    texts = {str(each.pk): each.content for each in known}
    wanted = {each["message"] for each in answers.values() if "message" in each} - texts.keys()
    if wanted:
        texts |= {str(pk): text for pk, text in Message.objects.filter(pk__in=wanted).values_list("pk", "content")}
    return {name: each.get("decision") or texts.get(each.get("message", ""), "") for name, each in answers.items()}


# --- Events -----------------------------------------------------------------------------------------------------------


def changed(id: str, name: str, definition: Definition, step: Step) -> ev.WorkflowChanged:
    """Where a workflow stands."""
    index = definition.index(step.id)
    return ev.WorkflowChanged(
        at=time.time(),
        workflow=id,
        name=name,
        status="pending" if step.waits else "running",
        step=step.name,
        steps_done=index - 1,
        steps=len(definition.steps),
        step_id=step.id,
        index=index,
    )


def over(row: WorkflowRun, outcome: Any, error: str = "") -> ev.WorkflowCompleted:
    """That it has ended."""
    name = row.version.workflow.name
    return ev.WorkflowCompleted(at=time.time(), workflow=str(row.pk), name=name, outcome=outcome, error=error)
