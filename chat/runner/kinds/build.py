"""Builds: a component is written by the builder, looked at, and committed as the last thing that the build does.

So a build that fails, is stopped or dies leaves the chat's branch as it was, or with its one commit; whoever takes it
over behind that commit finds it by its trailer. Before it is made it is judged as the call that began the build, with
the rights, rules and grants of that moment.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.db import db
from accounts.models import User
from accounts.permissions import Permissions
from agents import events as ev
from agents.archetypes.builder import builder as archetype
from agents.errors import NoRights, WorkFailed
from agents.events import AnyEvent
from agents.loop import Agent
from agents.loop.job import Job
from agents.loop.judging import Judge, Question, Verdict
from agents.messages import UserMessage
from agents.options import RunOptions
from chat.access import permissions_on
from chat.eventlog import newest
from chat.eventlog.projection import Fold
from chat.models import Chat, ChatStatus, Run
from chat.models.facts import RunFacts, facts_of
from chat.runner import jobs
from chat.runner.kinds.agent import AgentWork, job_of
from chat.runner.kinds.base import Kind
from tools.components.checking import Finding, code_of, findings_of
from tools.components.kinds import FORMS
from tools.components.tool import KIND as NAME
from tools.components.tool import generate_component
from tools.errors import ToolFault
from tools.files import committed, mark_of, repository_of
from tools.git import changes
from tools.git.repository import Repository

COMMIT = "commit"  # the one call of a build: with the run's id, what its commit is found by
CUT = Finding(1, 1, "the answer was cut at what the model may say at once: write less")
UNKNOWN = Finding(1, 1, "it could not be looked at in time: write it simpler")
TOLD_CHARS = 2_000  # of what was wrong, in the run's error
NOBODY_ASKED = "A person would have to allow {name}, and a build asks nobody. Go on without it."
DENIED = "What was built may not be written: a policy does not allow it, or who allowed it may not do so any more."
NOT_ALLOWED = "A person has to allow what is written to the project now, and nobody has allowed this build."


class BuildWork(AgentWork):
    """Up to BUILD_ATTEMPTS answers of the builder, each looked at; then the commit."""

    _result: Any = None

    def __init__(self, run: Run, job: Job, events: list[AnyEvent]) -> None:
        super().__init__(run, replace(job, judge=_asking_nobody(job.judge)))
        self.judge = job.judge  # of the commit
        self.kind, self.path = str(run.request["kind"]), str(run.request["path"])
        self.most = settings.BUILD_ATTEMPTS
        self.begun = max((each.done + 1 for each in events if isinstance(each, ev.WorkProgressed)), default=0)

    @property
    def result(self) -> Any:
        """Path, bytes, commit, attempts."""
        return self._result

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """Attempt after attempt. Raises WorkFailed behind the last."""
        self.agent = Agent(self.job, self.job.archetype, path="", messages=self.job.history)
        findings: list[Finding] = []
        for attempt in range(1, self.most + 1):
            if attempt > self.begun:  # else it was said before a takeover
                yield [self._progress(attempt, f"Attempt {attempt} of {self.most}")]
                await db(jobs.changed, self.run.pk)
            async with aclosing(self.agent.work()) as happenings:
                async for events in happenings:
                    yield events
            code, findings = await self._looked_at(self.agent)
            if not findings:
                yield [self._progress(attempt, f"Writing {self.path}")]  # stored, and so ours still, before the commit
                if before := await db(found, facts_of(self.run)):
                    self._result = {**before, "attempts": attempt}
                    return
                await self._check_allowed()
                self._result = await self._committed(code, attempt)
                return
            self.agent.messages.append(UserMessage(_told(findings)))
        raise WorkFailed("build_failed", self._why(findings), retryable=True)

    async def _looked_at(self, agent: Agent) -> tuple[str, list[Finding]]:
        """The code of the attempt that has ended, and what is wrong with it."""
        turns = self.job.ledger.of("")
        turns[:] = [each for each in turns if each.number > agent.turn]  # what was taken up is not taken up again
        if agent.reason == "length":
            return "", [CUT]
        if agent.reason != "stop":
            raise WorkFailed("build_failed", f"The builder was stopped: {agent.reason}.")
        code = code_of(agent.answer)
        findings = await findings_of(self.kind, code)
        # Another attempt lies behind it in the log: whatever is found now, something was found then.
        return code, findings or ([UNKNOWN] if turns else [])

    async def _committed(self, code: str, attempt: int) -> dict[str, Any]:
        """What the build has come to. Who stops it while it is written has come too late."""
        writing = asyncio.ensure_future(self._write(code))
        while not writing.done():
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                if writing.cancelled():
                    raise
        return {"path": self.path, "bytes": len(code.encode()), "commit": writing.result(), "attempts": attempt}

    async def _check_allowed(self) -> None:
        """Raise NoRights where the run's person may not write in the chat any more, WorkFailed for what rules say."""
        question = await db(self._question)
        verdict = await self.judge(question)
        if verdict.decision != "allow":
            raise WorkFailed("build_failed", DENIED if verdict.decision == "deny" else NOT_ALLOWED)

    def _question(self) -> Question:
        require_now(self.run)
        return Question(
            tool=generate_component,
            call=self.run.subject,
            asks_first=not generate_component.names.isdisjoint(self.job.asks_first),
            allowed_by=_allowed_by(self.run),
        )

    async def _write(self, code: str) -> str:
        try:
            return await db(self._commit, code)
        except ToolFault as fault:
            raise WorkFailed("build_failed", str(fault), retryable=True) from fault

    def _commit(self, code: str) -> str:
        context = replace(self.job.context, call_id=COMMIT)
        change = changes.unless_changed(changes.written([(self.path, code)]), {self.path: self.run.request["before"]})
        return committed(repository_of(context, "write"), context, change).commit

    def _progress(self, attempt: int, text: str) -> ev.WorkProgressed:
        return ev.WorkProgressed(at=time.time(), text=text, done=attempt - 1, total=self.most)

    def _why(self, findings: list[Finding]) -> str:
        told = f"The code was not right in {self.most} attempts. " + " ".join(f"{each}." for each in findings)
        return told if len(told) <= TOLD_CHARS else f"{told[:TOLD_CHARS]}…"


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> BuildWork:
    """The build as far as its log has got. Raises NoRights where its chat takes no more writing."""
    require_now(run)
    if "before" not in run.request:
        _keep_before(run)
    job = job_of(
        run,
        events,
        permissions,
        archetype=archetype,
        history=(UserMessage(_task(run.request)),),
        options=RunOptions(),
        timeout_s=settings.BUILD_TIMEOUT_S,
    )
    return BuildWork(run, job, events)


def end(run: RunFacts, fold: Fold) -> None:
    """Keep what it has come to with the run, since its log may be gone before."""
    if isinstance(fold.terminal, ev.RunCompleted):
        Run.objects.filter(pk=run.id).update(request={**run.asked, "result": fold.terminal.result})


def found(run: RunFacts) -> dict[str, Any] | None:
    """What the build has come to, by its commit; None where there is none of it."""
    if run.project_id is None or run.chat_id is None or "path" not in run.asked:
        return None
    path, repository = run.asked["path"], Repository(run.project_id)
    try:
        commit = repository.carrying(Chat.objects.get(pk=run.chat_id).branch_name(), mark_of(run.id, COMMIT))
        file = repository.at_commit(commit).entry(path) if commit else None
    except ToolFault:
        return None
    step = next(newest(run.id, ev.WorkProgressed), None)
    attempts = step.done + 1 if step else 1
    return {"path": path, "bytes": file.bytes, "commit": commit, "attempts": attempts} if file else None


def require_now(run: Run) -> None:
    """Raise NoRights where the run's person may not write in its chat as of now, or nobody may: it is archived."""
    person = User.objects.filter(pk=run.user_id, is_active=True).first()
    chat = Chat.objects.get(pk=run.chat_id) if run.chat_id is not None else None
    if person is None or chat is None or chat.status == ChatStatus.ARCHIVED:
        raise NoRights
    if "write" not in permissions_on(person, chat):
        raise NoRights


def _asking_nobody(judge: Judge) -> Judge:
    """The same where nobody is there to be asked: what would wait for a person is refused."""

    async def judged(question: Question) -> Verdict:
        verdict = await judge(question)
        if verdict.decision != "ask":
            return verdict
        return Verdict("deny", NOBODY_ASKED.format(name=question.tool.name))

    return judged


def _allowed_by(run: Run) -> str:
    """The person who has allowed the call that began the build; empty where nobody was asked."""
    if run.parent_id is None:
        return ""
    answers = (each for each in newest(run.parent_id, ev.ApprovalResolved) if each.call == run.subject)
    return next((each.by for each in answers if each.decision == "allowed"), "")


def _keep_before(run: Run) -> None:
    """Keep with the run what its file is now: whoever writes to it from here on is not overwritten."""
    before = _blob_of(run)
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        if row.request:  # else it was erased meanwhile
            Run.objects.filter(pk=run.pk).update(request={**row.request, "before": before})
    run.request = {**run.request, "before": before}


def _blob_of(run: Run) -> str:
    """The id of the file that lies where the component goes, hex; empty where none does."""
    if run.project_id is None or run.chat is None:
        return ""
    try:
        entry = Repository(run.project_id).at(run.chat.branch_name()).entry(str(run.request["path"]))
    except ToolFault:
        return ""  # what is wrong there is told at the commit
    return str(entry.id) if entry else ""


def _task(asked: dict[str, Any]) -> str:
    form = FORMS[asked["kind"]]
    there = "The file is there already: read it first. What you answer takes its place.\n" if asked["before"] else ""
    return (
        f"Write the {form.title} {asked['name']}. It becomes the file {asked['path']}.\n"
        f"What is expected of the file: {form.asked}\n{there}\nDescription:\n{asked['description']}"
    )


def _told(findings: list[Finding]) -> str:
    """The next message of the one who asked."""
    lines = "\n".join(f"- {each}" for each in findings)
    return f"The code is not right yet:\n{lines}\n\nAnswer with the whole file again, mended, and with nothing else."


KIND = Kind(NAME, load, end, found=found)
