"""An agent at its job: what every run does that asks a model."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.permissions import Permissions, role_with
from agents import events as ev
from agents import tokens
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.loop import Agent, citing
from agents.loop import ledger as ledgers
from agents.loop.job import Job, RetryPolicy, Tally
from agents.loop.looking import Most
from agents.messages import Message as Said
from agents.options import RunOptions
from chat import gate
from chat.access import fallbacks_of
from chat.eventlog.projection import Fold
from chat.metering.amounts import spent
from chat.models import Run
from chat.models.facts import facts_of
from chat.runner import older
from chat.runner.judging import CallJudge
from chat.runner.looking import looker
from chat.runner.offering import offering
from chat.runner.outside import Arrivals
from chat.runner.purse import RunPurse, cap_of
from chat.sent import waiting
from tools.base import ToolContext
from tools.capabilities import capabilities_of


class AgentWork:
    """One agent at one job. Its turns are its ledger: what is stored of them is not asked again."""

    def __init__(self, run: Run, job: Job, begins_at: UUID | None = None) -> None:
        self.run = run
        self.job = job
        self.begins_at = begins_at
        self.agent: Agent | None = None

    @property
    def read_from(self) -> UUID | None:
        return self.begins_at

    @property
    def timeout_s(self) -> float:
        return self.job.archetype.limits.timeout_s

    @property
    def input_tokens(self) -> int:
        return tokens.of_messages(self.job.history)

    @property
    def reason(self) -> str:
        assert self.agent is not None
        return self.agent.reason

    @property
    def result(self) -> Any:
        return None

    def goes_on_from(self, fold: Fold) -> None:
        cap = cap_of(self.job.options)
        if self.run.reserved_tokens or cap:
            self.job = replace(self.job, purse=RunPurse(self.run, spent=spent(fold), cap=cap))

    def taken_back(self, at: float) -> list[AnyEvent]:
        return taken_back(self.job.ledger, at)

    def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        # The agent's own generator, with none of ours around it: each token passes all there are.
        self.agent = Agent(self.job, self.job.archetype, path="", messages=self.job.history)
        return self.agent.work()


def taken_back(ledger: ledgers.Ledger, at: float) -> list[AnyEvent]:
    """Take the open turns out of the ledger: the events that say so."""
    events: list[AnyEvent] = [
        ev.TurnReset(at=at, agent=path, turn=turn.number, reason="taken_over") for path, turn in ledger.open_turns()
    ]
    for path, _ in ledger.open_turns():
        ledger.turns[path].pop()
    return events


def job_of(
    run: Run,
    events: list[AnyEvent],
    permissions: Permissions,
    *,
    archetype: Archetype,
    history: tuple[Said, ...],
    options: RunOptions,
    timeout_s: float,
    shown: tuple[Said, ...] | None = None,
) -> Job:
    """The job of a run that asks a model, as far as its log has got. `shown`: the history as it was said.

    Raises WorkFailed where the plan does not have its model any more.
    """
    gate.require_job(run, archetype)
    if archetype.limits.timeout_s > timeout_s:
        archetype = replace(archetype, limits=replace(archetype.limits, timeout_s=timeout_s))
    judge = CallJudge(run.pk, facts_of(run))
    return Job(
        run_id=str(run.id),
        archetype=archetype,
        model=run.model,
        temperature=run.temperature,
        history=history,
        targets=gate.targets_in(gate.plan_at(run), _fallbacks(run)),
        effort=options.effort,
        options=options,
        context=_context(run, permissions),
        ledger=ledgers.read(events),
        retry=RetryPolicy(settings.AGENTS_MAX_ATTEMPTS, settings.AGENTS_RETRY_MAX_S, settings.AGENTS_DOWN_S),
        tally=_tally(events),
        sources=citing.known(archetype, history if shown is None else shown, events),
        subagents_at_once=settings.AGENTS_SUBAGENTS_AT_ONCE,
        asks_first=frozenset(settings.TOOLS_ASK_FIRST),
        approval_lifetime_s=settings.CHAT_APPROVAL_S,
        look=looker(run),
        most=Most(settings.ATTACHMENT_IMAGES_PER_REQUEST, settings.ATTACHMENT_BYTES_PER_REQUEST),
        judge=judge.judge,
        outside=Arrivals(judge.facts).outside,
        may_offer=offering(judge.facts, judge.role),
        sent=waiting.listener(run),
        is_among_older=older.are_up(),
    )


def _fallbacks(run: Run) -> list[str] | None:
    """Who answers where a model cannot; work of no chat has its organization's."""
    if run.chat is not None:
        return fallbacks_of(run.chat)
    return run.organization.fallbacks if run.organization is not None else None


def _context(run: Run, permissions: Permissions) -> ToolContext:
    facts = facts_of(run)
    return ToolContext(
        user_id=run.user_id,
        organization_id=facts.organization_id,
        project_id=facts.project_id,
        chat_id=facts.chat_id,
        run_id=run.id,
        branch=run.chat.branch_name() if run.chat else "",
        author_name=run.user.display_name,
        author_email=run.user.email,
        permissions=permissions,
        on_behalf=role_with(permissions) or "",
        capabilities=_capabilities(run),
    )


def _capabilities(run: Run) -> frozenset[str]:
    """No query for a chat that was read with whether its project has knowledge. Work of no chat has none of them."""
    if run.chat is None:
        return frozenset()
    return capabilities_of(run.chat.project_id, has_knowledge=getattr(run.chat, "has_knowledge", None))


def _tally(events: list[AnyEvent]) -> Tally:
    """What earlier attempts have spent of the run's budget."""
    tally = Tally()
    for event in events:
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            tally.text_bytes += len(event.text)
        elif isinstance(event, ev.ReplyCompleted):
            tally.output_tokens += event.usage.output_tokens
    return tally
