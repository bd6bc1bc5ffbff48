"""One filled chat: its messages, and what their runs leave behind in all the tables. Nothing is stored here."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import structs

from accounts.audit.canonical import hash_of, shape_of
from accounts.audit.models import AuditEntry, Outcome, new_id
from accounts.audit.recording import Actor, entry_of
from accounts.folding import folded
from agents import events as ev
from agents.events import AnyEvent
from chat.eventlog.projection import Fold, fold
from chat.metering import usage_days
from chat.metering.costs import Spent, spent
from chat.models import Chat, LogState, Message, MessageRole, Run, RunStatus, ToolCall
from chat.models.facts import facts_of
from chat.ops.consistency import ENDS as MESSAGE_ENDS
from chat.ops.filling.logs import Told, events_of, log_of
from chat.ops.filling.places import Place
from chat.ops.filling.rows import Basket
from chat.ops.filling.texts import Texts
from chat.ops.log_check import ENDS
from chat.runner.ending import IN_CHATS, records_of
from chat.search.indexing import Said
from chat.search.indexing import entry_of as search_entry
from chat.webhooks import outbox, telling
from chat.webhooks.models import DeliveryStatus, WebhookCount, WebhookDelivery, WebhookEvent

FAILS, IS_STOPPED, HAS_TOOL = 0.04, 0.02, 0.1  # the share of all runs
IS_SHARED = 0.3  # the share of the chats that their project sees
TITLE_CHARS = 80


@dataclass(frozen=True)
class Ages:
    """What is still there of what is old, as the chores would have left it by now. Seconds since 1970."""

    now: float
    whole_since: float  # logs of runs that ended before are merged
    any_since: float  # and of those before this one, cut to the answer
    webhooks_since: float
    audit_since: float

    def log_state(self, at: float) -> LogState:
        """Of a run that ended then."""
        if at < self.any_since:
            return LogState.ANSWER
        return LogState.MERGED if at < self.whole_since else LogState.WHOLE


@dataclass
class Talk:
    """A chat of one person, in which it is written; and the rows of it so far."""

    place: Place
    basket: Basket
    chance: random.Random
    ages: Ages
    model: str
    began: float
    usage: dict[usage_days.Key, usage_days.Counts] = field(default_factory=dict)  # by day
    text_bytes: int = 0
    _told: int = 0  # events that its webhook was told
    _chars: int = 0

    def __post_init__(self) -> None:
        self.texts = Texts(self.chance)
        self.language = self.texts.language()
        self.user = self.chance.choice(self.place.people)
        self.chat = self._chat()

    def hold(self, turns: int) -> None:
        """Say so much in it, from its beginning until some days later at most."""
        room_s = max(1.0, min(self.ages.now - 60 - self.began, self.chance.expovariate(1 / 86_400)))
        self._audit("signin.ok", self.began, organization=None)
        if self.chat.sharing != "private":
            self._audit("chat.shared", self.began, object_type="chat", object_id=str(self.chat.pk),
                        detail={"sharing": self.chat.sharing})  # fmt: skip
        for at in sorted(self.began + self.chance.random() * room_s for _ in range(turns)):
            self._turn(at)
        self.basket.add(self.chat)
        if self._told:
            self.basket.add(WebhookCount(chat=self.chat.pk, count=self._told))

    def _chat(self) -> Chat:
        at = _time(self.began)
        is_shared = self.chance.random() < IS_SHARED
        return Chat(
            organization=self.place.organization, project=self.chance.choice(self.place.projects), user=self.user,
            model=self.model, archetype="generalist", sharing="project" if is_shared else "private", created_at=at,
            updated_at=at, last_activity_at=at,
        )  # fmt: skip

    def _turn(self, at: float) -> None:
        """A question with its answer, and all that the run leaves."""
        asked = self.texts.question(self.language)
        if not self.chat.title:
            self.chat.title = asked[:TITLE_CHARS]
            self.chat.title_folded = folded(self.chat.title)
        question = self._message(MessageRole.USER, asked, at, author=self.user)
        answer = self._message(MessageRole.ASSISTANT, "", at + 0.001, model=self.model)
        run = Run(
            chat=self.chat, user=self.user, input=question, message=answer, position=answer.position, attempt=1,
            archetype=self.chat.archetype, model=self.model, created_at=_time(at), started_at=_time(at),
            status=RunStatus.SUCCEEDED, log_state=self.ages.log_state(at), usage_status="reported",
        )  # fmt: skip
        told = Told(self.texts.answer(self.language), self._chars, at, self.chance.random() < HAS_TOOL, self._end())
        events = events_of(run, told, self.chance, is_whole=run.log_state == LogState.WHOLE)
        folded_to = fold(events)
        paid = spent(folded_to)
        _fill_run(run, folded_to, paid)
        events[-1] = structs.replace(events[-1], cost=paid.told)
        _fill_answer(answer, run, folded_to)
        self.basket.add(question, answer, run, *log_of(run, events), *_calls(run, events))
        self._count(run, folded_to, paid)
        self._index(question)
        self._index(answer)
        self._tell(run, folded_to)

    def _end(self) -> type[ev.Terminal]:
        dice = self.chance.random()
        if dice < FAILS:
            return ev.RunFailed
        return ev.RunCancelled if dice < FAILS + IS_STOPPED else ev.RunCompleted

    def _message(self, role: MessageRole, text: str, at: float, **fields: Any) -> Message:
        """The next one of the chat."""
        self.chat.position += 1
        made = Message(
            chat=self.chat, parent_id=self.chat.leaf_id, position=self.chat.position, role=role, content=text,
            parts=[{"type": "text", "text": text}] if text else [], is_indexed=True, created_at=_time(at),
            updated_at=_time(at), **fields,
        )  # fmt: skip
        self.chat.leaf_id = made.pk
        return made

    def _count(self, run: Run, told: Fold, paid: Spent) -> None:
        """What it used: its records, its chat's sums and its day's."""
        facts = facts_of(run)
        day = usage_days.day_of(facts, told)
        for record in records_of(facts, paid, day):
            record.created_at = run.ended_at  # type: ignore[assignment]
            self.basket.add(record)
        for key, counts in usage_days.counts_of(facts, told, paid, day).items():
            add_counts(self.usage, key, counts)
        used = told.usage
        more = [used.input_tokens, used.cached_tokens, used.output_tokens, used.reasoning_tokens, paid.nanos,
                paid.priced_tokens, paid.estimated_tokens]  # fmt: skip
        for name, count in zip(IN_CHATS, more, strict=True):
            setattr(self.chat, name, getattr(self.chat, name) + count)
        assert run.ended_at is not None
        self.chat.last_activity_at = self.chat.updated_at = run.ended_at

    def _index(self, message: Message) -> None:
        self._chars += len(message.content)
        self.text_bytes += len(message.content.encode())
        found = search_entry(
            Said(message.pk, self.chat.pk, self.place.organization.pk, message.created_at, message.updated_at,
                 message.status, message.kind, message.content)
        )  # fmt: skip
        if found is not None:
            self.basket.add(found)

    def _tell(self, run: Run, told: Fold) -> None:
        """The webhook's event and its delivery, while such are kept."""
        assert run.ended_at is not None
        if run.ended_at.timestamp() < self.ages.webhooks_since:
            return
        self._told += 1
        place, at = self.place.organization.pk, run.ended_at
        type, data = telling.end_of(facts_of(run), told)
        data = {"organization": place, **data, "chat": self.chat.pk, "sequence": self._told}
        event = WebhookEvent(
            organization_id=place, type=type, chat=self.chat.pk, body=outbox.body_of(type, data, at), created_at=at
        )
        sent = WebhookDelivery(
            webhook=self.place.webhook, event=event, status=DeliveryStatus.DELIVERED, tries=1, answer_status=200,
            created_at=at, ended_at=at,
        )  # fmt: skip
        self.basket.add(event, sent)

    def _audit(
        self, action: str, at: float, organization: uuid.UUID | str | None = "", object_type: str = "",
        object_id: str = "", detail: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Write down what the chat's owner did then, while it is kept."""
        if at < self.ages.audit_since:
            return
        where = self.place.organization.pk if isinstance(organization, str) else organization
        who = Actor("person", self.user.pk)
        self.basket.add(dated(entry_of(action, who, where, object_type, object_id, Outcome.OK, detail or {}), at))


def dated(entry: AuditEntry, at: float) -> AuditEntry:
    """The entry as if it had been written then: its id and its hash say so too."""
    entry.at, entry.id = _time(at), new_id(lambda: int(at * 1e9))
    entry.hash = hash_of(shape_of(vars(entry)))
    return entry


def add_counts(into: dict[usage_days.Key, usage_days.Counts], key: usage_days.Key, counts: usage_days.Counts) -> None:
    """Add these to what is counted in that row."""
    there = into.setdefault(key, dict.fromkeys(counts, 0))
    for name, count in counts.items():
        there[name] += count


def _fill_run(run: Run, told: Fold, paid: Spent) -> None:
    """What the run has come to."""
    end, used = told.terminal, told.usage
    assert end is not None
    run.status, run.ended_at, run.turns = ENDS[type(end)], _time(end.at), told.turns
    run.first_token_ms = int((told.first_token_at - told.started_at) * 1000)
    run.end_reason = getattr(end, "reason", "")
    run.error_code, run.error_message = getattr(end, "code", ""), getattr(end, "message", "")
    for name in usage_days.TOKENS:
        setattr(run, name, getattr(used, name))
    run.cost_nanos, run.priced_tokens = paid.nanos, paid.priced_tokens


def _fill_answer(message: Message, run: Run, told: Fold) -> None:
    """The message that the log folds to, as the run's end writes it."""
    assert run.ended_at is not None
    message.content, message.parts = told.content, told.parts
    message.status = MESSAGE_ENDS[RunStatus(run.status)]
    message.usage, message.updated_at = msgspec.to_builtins(told.usage), run.ended_at
    if isinstance(told.terminal, ev.RunFailed):
        end = told.terminal
        message.error = {"code": end.code, "message": end.message, "retryable": end.retryable}


def _calls(run: Run, events: list[AnyEvent]) -> list[ToolCall]:
    ended = {each.call: each for each in events if isinstance(each, ev.ToolReturned)}
    return [
        ToolCall(
            run=run, call=each.call, name=each.name, arguments=each.arguments, status="returned",
            result=msgspec.json.encode(ended[each.call].result).decode(), elapsed_ms=ended[each.call].elapsed_ms,
            called_at=_time(each.at), ended_at=_time(ended[each.call].at),
        )
        for each in events
        if isinstance(each, ev.ToolCalled)
    ]  # fmt: skip


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
