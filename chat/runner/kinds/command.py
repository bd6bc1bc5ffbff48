"""Commands: answers that a command gives and no agent. What it says is one turn, of no model.

A command may be begun twice, where a process dies in its midst: what it said until then is taken back, as of any
answer. Of what it asks a model the turns are its ledger.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.db import db
from accounts.errors import RequestError
from accounts.models import User
from accounts.permissions import Permissions
from agents import events as ev
from agents import options, tokens
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.loop import ledger as ledgers
from agents.loop.job import Job
from agents.messages import Message as Said
from agents.options import RunOptions
from agents.usage import Usage
from chat import gate
from chat.eventlog.projection import Fold
from chat.metering.amounts import spent
from chat.models import Chat, Message, Run
from chat.runner import commands
from chat.runner.commands import Place, Says, table
from chat.runner.kinds.agent import job_of, taken_back
from chat.runner.purse import RunPurse, cap_of


@dataclass
class Asked:
    """What a command is told: who typed it where, and what behind its name."""

    run: Run
    permissions: Permissions
    events: list[AnyEvent]  # of its log so far
    ledger: ledgers.Ledger
    fold: Fold = field(default_factory=Fold)  # of the same
    reason: str = "stop"  # why it ends

    @property
    def user(self) -> User:
        """Who typed it."""
        return self.run.user

    @property
    def chat(self) -> Chat:
        """Where."""
        return self.run.asked_in

    @property
    def text(self) -> str:
        """What stands behind its name."""
        found = commands.TYPED.match(self.run.question.content)
        return (found["rest"] or "").strip() if found else ""

    async def told(self, tell: "Callable[[Asked], str]") -> str:
        """What this function says, in the language of who asked. It is sync, and has a thread for the database."""
        return await db(self._in_their_language, tell)

    def _in_their_language(self, tell: "Callable[[Asked], str]") -> str:
        with translation.override(self.user.language or settings.LANGUAGE_CODE):
            return tell(self)

    def before(self) -> Iterator[Message]:
        """The messages before the command on its branch, newest first, without those of commands. Sync."""
        return commands.before(self.run.question)

    def job(self, archetype: Archetype, *history: Said) -> Job:
        """The job of asking a model for this, as far as the log has got. Sync."""
        self.fold.input_tokens = tokens.of_messages(history)
        job = job_of(
            self.run,
            self.events,
            self.permissions,
            archetype=archetype,
            history=history,
            options=RunOptions(),
            timeout_s=settings.MEMORY_TIMEOUT_S,
        )
        cap = cap_of(options.load(self.run.options))
        is_counted = bool(self.run.reserved_tokens or cap)
        purse = RunPurse(self.run, spent=spent(self.fold), cap=cap) if is_counted else None
        model = gate.writing_model(gate.plan_at(self.run), self.run.model)
        return replace(job, ledger=self.ledger, model=model, purse=purse)


class CommandWork:
    """One command."""

    input_tokens = 0
    read_from: UUID | None = None
    result: Any = None

    def __init__(self, run: Run, events: list[AnyEvent], permissions: Permissions) -> None:
        self.asked = Asked(run, permissions, events, ledgers.read(events))
        self._is_speaking = False

    @property
    def timeout_s(self) -> float:
        return float(settings.MEMORY_TIMEOUT_S)

    @property
    def reason(self) -> str:
        return self.asked.reason

    def goes_on_from(self, fold: Fold) -> None:
        self.asked.fold = fold

    def taken_back(self, at: float) -> list[AnyEvent]:
        return taken_back(self.asked.ledger, at)

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """What the command says, as one turn; nothing where another attempt has said all of it."""
        if self._has_spoken():
            return
        try:
            async with aclosing(self._steps()) as steps:
                async for step in steps:
                    yield self._said(step) if isinstance(step, str) else step
        except RequestError as error:  # what it wanted cannot be done: that is its answer
            yield self._said(error.message)
        if self._is_speaking:
            now = time.time()
            reply = ev.ReplyCompleted(at=now, turn=1, finish_reason="stop", usage=Usage())
            yield [reply, ev.TurnCompleted(at=now, turn=1)]

    def _has_spoken(self) -> bool:
        """Whether its own turn, the last thing it does, is whole."""
        began = any(isinstance(each, ev.TurnStarted) and not (each.agent or each.model) for each in self.asked.events)
        return began and any(each.reply is not None for each in self.asked.ledger.of(""))

    def _said(self, text: str) -> list[AnyEvent]:
        now = time.time()
        begun = [] if self._is_speaking else [ev.TurnStarted(at=now, turn=1, model="")]
        self._is_speaking = True
        return [*begun, ev.TextDelta(at=now, text=text)]

    async def _steps(self) -> Says:
        if why := await self.asked.told(_why_not):
            yield why
            return
        command = table.find(self.asked.run.command)
        assert command is not None, "else it was said"
        async with aclosing(command.run(self.asked)) as steps:
            async for step in steps:
                yield step


def _why_not(asked: Asked) -> str:
    """Why it is not done, by the rights of now; empty where it is."""
    command, chat = table.find(asked.run.command), asked.chat
    if command is None:
        return _("There is no such command any more.")
    return table.why_not(command, asked.user, Place(chat.organization_id, asked.permissions, chat))
