"""What webhooks are told of: from what the audit log is told, and from what happens in chats. Sync; in transactions."""

from typing import Any
from uuid import UUID

from accounts.audit.models import AuditEntry, Outcome
from agents import events as ev
from chat.eventlog.projection import Fold
from chat.models import REPLAY, Chat, Message, Schedule
from chat.models.facts import RunFacts
from chat.webhooks.outbox import tell

# Actions of the audit log that are told as they are; as what the id of what they are about is told, and which details.
AUDITED: dict[str, tuple[str, tuple[str, ...]]] = {
    "chat.deleted": ("chat", ()),
    "member.added": ("membership", ("user", "role")),
    "member.removed": ("membership", ("user", "role")),
    "budget.warned": ("budget", ("scope", "percent")),
    "budget.exhausted": ("budget", ("scope", "percent")),
}
CALLS_MAX, CALL_MAX_CHARS = 50, 100  # of those that wait: providers choose how many, and their ids
ENDS: dict[type[ev.AnyEvent], str] = {
    ev.RunCompleted: "run.completed",
    ev.RunFailed: "run.failed",
    ev.RunCancelled: "run.cancelled",
}


def audited(entry: AuditEntry) -> None:
    """Something was written into the audit log."""
    if entry.action not in AUDITED or entry.organization is None or entry.outcome != Outcome.OK:
        return
    about, details = AUDITED[entry.action]
    chat = UUID(entry.object_id) if about == "chat" else None
    data = {name: entry.detail.get(name) for name in details} | ({} if chat else {about: entry.object_id})
    tell(entry.action, entry.organization, data, chat_id=chat)


def sealed(organization_id: UUID, seq: int, chain: str) -> None:
    """The organization's chain of the audit log was made longer: who keeps its end elsewhere can prove it later."""
    tell("audit.sealed", organization_id, {"seq": seq, "chain": chain})


def chat_created(chat: Chat) -> None:
    """A chat is there from now on. Of a replay's, which is in no list, nothing is told."""
    if chat.origin == REPLAY:
        return
    data = {"project": chat.project_id, "user": chat.user_id, "origin": chat.origin}
    tell("chat.created", chat.organization_id, data, chat_id=chat.pk)


def run_ended(run: RunFacts, fold: Fold) -> None:
    """A run is over. Of brief work, which nobody asked for, nothing is told (chat.runner.capacity); nor of a replay."""
    if run.kind != REPLAY:
        type, data = end_of(run, fold)
        tell(type, run.organization_id, data, chat_id=run.chat_id)


def end_of(run: RunFacts, fold: Fold) -> tuple[str, dict[str, Any]]:
    """What is told of a run that is over: the type, and the data."""
    terminal = fold.terminal
    assert terminal is not None
    why: dict[str, Any] = {"reason": getattr(terminal, "reason", "")[:40]}
    if isinstance(terminal, ev.RunFailed):
        why = {"code": terminal.code}
    used = {"input_tokens": fold.usage.input_tokens, "output_tokens": fold.usage.output_tokens}
    return ENDS[type(terminal)], {**_run(run), **why, "usage": used}


def approval_requested(run: RunFacts, calls: list[str]) -> None:
    """A run waits for a person to decide on these of its calls."""
    named = [each[:CALL_MAX_CHARS] for each in calls[:CALLS_MAX]]
    tell("approval.requested", run.organization_id, {**_run(run), "calls": named}, chat_id=run.chat_id)


def feedback_given(message: Message, user_id: UUID, **more: Any) -> None:
    """Somebody said what they think of an answer; their words are not told."""
    data = {"message": message.pk, "user": user_id, **more}
    tell("feedback.given", message.chat.organization_id, data, chat_id=message.chat_id)


def schedule_failed(schedule: Schedule, *, is_off: bool) -> None:
    """A due time began no run, or the schedule was switched off by itself."""
    data = {"schedule": schedule.pk, "user": schedule.owner_id, "is_off": is_off}
    tell("schedule.failed", schedule.organization_id, data, chat_id=schedule.chat_id)


def _run(run: RunFacts) -> dict[str, Any]:
    return {
        "run": run.id,
        "kind": run.kind,
        "project": run.project_id,
        "user": run.user_id,
        "message": run.message_id,
        "model": run.model,
        "door": run.door,
    }
