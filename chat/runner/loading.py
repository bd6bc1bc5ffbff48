"""Rows to a job: everything a run needs, read at once when it begins. Sync.

Who stores a run knows most of it already and hands that over (`begin`); whoever takes a run over reads it (`load`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.conf import settings

from accounts.permissions import Permissions
from agents import events as ev
from agents import options
from agents.archetypes import registry
from agents.events import AnyEvent
from agents.installation import provider_for
from agents.loop import ledger
from agents.loop.job import Job, RetryPolicy, Tally
from agents.messages import Message as Said
from agents.messages import ToolMessage
from chat.access import permissions_on
from chat.eventlog import Logged, stored
from chat.eventlog.projection import Fold
from chat.models import Run, RunStatus
from chat.models.facts import RunFacts, facts_of
from chat.runner.history import history
from chat.runner.purse import RunPurse
from tools.base import ToolContext
from tools.capabilities import capabilities_of


@dataclass(frozen=True)
class Loaded:
    """A run, ready to be driven."""

    run: RunFacts
    job: Job
    fold: Fold  # of what is stored
    next_seq: int
    is_begun: bool  # this attempt's run.started is stored
    first: list[Logged] = field(default_factory=list)  # the whole log, where it was just stored


def load(run_id: UUID, attempt: int) -> Loaded | None:
    """The run as this attempt finds it; None if it is not this attempt's any more."""
    runs = Run.objects.select_related("chat__project", "chat__organization", "user", "input", "cancel_requested_by")
    run = runs.filter(pk=run_id, attempt=attempt, status=RunStatus.RUNNING).first()
    if run is None:
        return None
    return _loaded(run, stored(run_id), permissions_on(run.user, run.chat))


def begin(run: Run, first: Sequence[AnyEvent], permissions: Permissions) -> Loaded:
    """The run as it was just stored here, claimed, with these events; `permissions`: its user's in its chat.

    One query, or none for the first message of a chat.
    """
    entries = [Logged(run.attempt, seq, event) for seq, event in enumerate(first, 1)]
    loaded = _loaded(run, entries, permissions)
    # A first turn among them is this attempt's own: it goes on with it and takes nothing back.
    job = replace(loaded.job, ledger=ledger.Ledger(), has_first_turn=isinstance(first[-1], ev.TurnStarted))
    return replace(loaded, job=job, first=entries)


def _loaded(run: Run, entries: list[Logged], permissions: Permissions) -> Loaded:
    job = _job(run, [each.event for each in entries], permissions)
    fold = Fold(input_chars=sum(map(_chars, job.history)))
    for entry in entries:
        fold.apply(entry.event)
    if run.reserved_tokens:
        job = replace(job, purse=RunPurse(run, spent=fold.usage.total_tokens))
    return Loaded(facts_of(run), job, fold, _next_seq(entries), fold.attempt == run.attempt)


def _next_seq(entries: list[Logged]) -> int:
    return entries[-1].seq + 1 if entries else 1


def _job(run: Run, events: list[AnyEvent], permissions: Permissions) -> Job:
    archetype = registry.get(run.archetype)
    asked = options.load(run.options)
    if archetype.limits.timeout_s > settings.AGENTS_TIMEOUT_S:
        archetype = replace(archetype, limits=replace(archetype.limits, timeout_s=settings.AGENTS_TIMEOUT_S))
    return Job(
        run_id=str(run.id),
        archetype=archetype,
        model=run.model,
        temperature=run.temperature,
        history=history(run.input),
        provider=provider_for,
        options=asked,
        context=_context(run, permissions),
        ledger=ledger.read(events),
        retry=RetryPolicy(settings.AGENTS_MAX_ATTEMPTS, settings.AGENTS_RETRY_MAX_S),
        tally=_tally(events),
        asks_first=frozenset(settings.TOOLS_ASK_FIRST),
        approval_lifetime_s=settings.CHAT_APPROVAL_S,
    )


def _context(run: Run, permissions: Permissions) -> ToolContext:
    chat = run.chat
    return ToolContext(
        user_id=run.user_id,
        organization_id=chat.organization_id,
        project_id=chat.project_id,
        chat_id=chat.id,
        run_id=run.id,
        branch=chat.branch_name(),
        author_name=run.user.display_name,
        author_email=run.user.email,
        permissions=permissions,
        capabilities=capabilities_of(chat.project_id) if chat.project_id else frozenset(),
    )


def _tally(events: list[AnyEvent]) -> Tally:
    """What earlier attempts have spent of the run's budget."""
    tally = Tally()
    for event in events:
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            tally.text_bytes += len(event.text)
        elif isinstance(event, ev.ReplyCompleted):
            tally.output_tokens += event.usage.output_tokens
    return tally


def _chars(said: Said) -> int:
    match said:
        case ToolMessage(content=content):
            return len(content)
        case _:
            return len(said.text)
