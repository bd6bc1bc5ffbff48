"""Starting and stopping runs. Sync: rows are written here, and the runner is told once they are committed."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from msgspec import structs

from accounts.db import in_transaction
from accounts.db.compiled import Compiled
from accounts.db.writes import Insert, Update
from accounts.errors import Conflict, Invalid, NotFound, Unavailable
from accounts.folding import folded
from accounts.models import User
from accounts.origin import traceparent
from accounts.permissions import Permissions, require
from agents import events as ev
from agents import options
from agents.events import AnyEvent
from agents.installation import has_model, successor_of
from chat import audience, gate
from chat.access import permissions_on, permissions_over
from chat.attachments import using
from chat.bus import notices
from chat.eventlog import Logged, first_events, stored
from chat.eventlog.projection import fold
from chat.metering import limits, rates
from chat.models import (
    LIVE,
    OPEN,
    SCHEDULED,
    Chat,
    ChatStatus,
    Message,
    MessageKind,
    MessageRole,
    MessageStatus,
    Run,
    RunStatus,
)
from chat.models.facts import facts_of
from chat.run_request import IF_BUSY, IfBusy, Item, RunRequest
from chat.runner import capacity, kept, older, runner, workflows
from chat.runner.beginning import add_runs, beginning, place_for
from chat.runner.ending import Ending, last_events, store_ending
from chat.runner.kinds.title import first_words
from chat.runner.loading import begin
from chat.runner.purse import cap_of
from chat.runner.reserving import reserve
from chat.services import commanding, rules
from chat.services.attachments import check_attachments
from chat.services.messages import lock_chat

log = logging.getLogger(__name__)


@in_transaction
def start_run(*, user: User, chat: Chat, ask: RunRequest) -> Run:
    """Store the message, a place for its answer and the run that will write it; the run starts once this is committed.

    Needs write in the chat. A chat with a live run does as `ask.if_busy` says: Conflict for "reject", and for an item
    more confidential than its readers may read. Raises Invalid for a field that is not right, TooMany where too many
    wait already, or who asks has asked too often.
    """
    has = permissions_on(user, chat)
    require(has, "write")
    if ask.door != SCHEDULED:  # its times are limited by themselves
        rates.take(user, chat, user.key)
    ask, command = commanding.understood(user, chat, has, ask)
    items = [_checked(each) for each in ask.items or (Item("user", ask.content, ask.attachments),)]
    locked = _open_chat(chat, user)
    audience.take_in(locked, [each.level for each in items])
    files = using.claimed_all(user, locked, [each.attachments for each in items])
    items = [replace(each, attachments=own) for each, own in zip(items, files, strict=True)]
    messages = _messages(user, locked, _parent(locked, ask.parent), items)
    commanding.mark(messages[-1], command)
    locked.position = messages[-1].position
    is_untitled = not locked.title
    said = [each for each in (items[:-1] if command else items) if each.role == "user"]
    locked.title = locked.title or next(map(_first_title, said), "")
    run = _start(user, locked, messages[-1], ask, has, new=messages)
    new = [*(each.pk for each in messages), run.answer.pk]
    notices.tell(locked.pk, new=new, run=run.pk, is_new_run=True, has_changed=is_untitled)
    return run


@transaction.atomic
def regenerate(*, user: User, message: Message, ask: RunRequest | None = None) -> Run:
    """Answer the same message once more: the new answer stands beside the old one, in the tree.

    `message` is the answer to be given again, or the user's message itself. Needs write in the chat.
    """
    require(permissions_on(user, message.chat), "write")
    rates.take(user, message.chat, user.key)
    question = message if message.role == MessageRole.USER else message.parent
    if question is None or question.role != MessageRole.USER or question.status == MessageStatus.DELETED:
        raise Conflict("There is no message that this answers.", code="nothing_to_answer")
    return answer_again(user=user, question=question, ask=ask or RunRequest())


def answer_again(*, user: User, question: Message, ask: RunRequest) -> Run:
    """Start another run for a message that is there. Within a transaction, of a caller who has looked at rights."""
    locked = _open_chat(question.chat, user)
    question.refresh_from_db(fields=["content", "parts", "attachments", "status", "kind"])  # as it is under the lock
    commanding.require_again(user, question)
    ask = replace(ask, options=structs.replace(ask.options, cache=kept.stricter(ask.options.cache, "fresh")))
    run = _start(user, locked, question, ask, permissions_on(user, question.chat))
    notices.tell(locked.pk, new=[run.answer.pk], run=run.pk, is_new_run=True)
    return run


def start_by_itself(*, user: User, chat: Chat, said: str) -> Run | None:
    """Start a run that no person's message asks for: what is said before its answer is the system's.

    Within a transaction; on behalf of the user, whose rights are asked. None where a run is open in the chat already.
    """
    has = permissions_on(user, chat)
    require(has, "write")
    locked = _open_chat(chat, user)
    if Run.objects.answers().filter(chat=locked.pk, status__in=OPEN).exists():
        return None
    new = _messages(user, locked, locked.leaf_id, [Item("system", said)])
    locked.position = new[-1].position
    run = _start(user, locked, new[-1], RunRequest(), has, new=new)
    notices.tell(locked.pk, new=[new[-1].pk, run.answer.pk], run=run.pk, is_new_run=True)
    return run


@transaction.atomic
def cancel_run(*, user: User, run: Run) -> Run:
    """Ask a run to stop. What it has said stays; asking again, or too late, changes nothing. Needs write."""
    require(permissions_over(user, run), "write")
    return stop(run, by=user)


def stop(run: Run, *, by: User) -> Run:
    """Ask a run to stop. Within a transaction, of a caller who has looked at rights."""
    if run.chat is not None:
        lock_chat(run.chat)
    if run.organization_id is not None:
        capacity.lock(run.organization_id)  # before the run, as whoever claims work does
    run = Run.objects.select_for_update(of=("self",)).select_related("chat").get(pk=run.pk)
    if run.status == RunStatus.RUNNING:
        _ask_to_stop(run, by)
    elif run.is_open:
        _end_unowned(run, by)
    return run


def _checked(item: Item) -> Item:
    """The item with its fields right. Only what people write must not be empty, and files say something too."""
    files = check_attachments(item.attachments)
    may_be_empty = item.role != "user" and item.content == ""
    text = "" if may_be_empty else rules.check_said(item.content, files)
    return replace(item, content=text, attachments=files)


def _first_title(item: Item) -> str:
    """What a chat is called by its first message: its first words, or what its first file is called."""
    names = [each["name"] for each in item.attachments if each["name"]]
    return first_words(item.content) or first_words(names[0] if names else "")


def _messages(user: User, chat: Chat, parent: UUID | None, items: Sequence[Item]) -> list[Message]:
    """The rows, not saved, each under the one before."""
    messages: list[Message] = []
    for position, item in enumerate(items, chat.position + 1):
        messages.append(
            Message(
                chat=chat,
                parent_id=messages[-1].pk if messages else parent,
                position=position,
                role=MessageRole(item.role),
                author=user if item.role == "user" else None,
                content=item.content,
                attachments=list(item.attachments),
                parts=list(item.parts),
            )
        )
    return messages


def _open_chat(chat: Chat, user: User) -> Chat:
    locked = lock_chat(chat, user)
    if locked.status == ChatStatus.ARCHIVED:
        raise Conflict("The chat is archived. Make it active to write in it.", code="chat_archived")
    return locked


def _parent(chat: Chat, parent: UUID | Literal["leaf"] | None) -> UUID | None:
    if parent == "leaf":
        return chat.leaf_id
    if parent is not None and not Message.objects.filter(chat=chat, pk=parent).exists():
        raise NotFound(fields={"parent": ["There is no such message in this chat."]})
    return parent


def _start(
    user: User, chat: Chat, question: Message, ask: RunRequest, has: Permissions, new: Sequence[Message] = ()
) -> Run:
    """The answer's place and its run, in a chat that is locked and in which the user has these permissions.

    `new`: messages to be stored before the answer.
    """
    archetype = _archetype(chat, ask)
    model = _model(chat, ask) if commanding.asks_model(question) else ""
    gate.admit(chat, workflows.archetype_now(chat) or archetype, model)
    is_busy = _make_room(chat, user, ask.if_busy)
    answer = Message(
        chat=chat,
        parent=question,
        position=chat.position + 1,
        role=MessageRole.ASSISTANT,
        status=MessageStatus.IN_PROGRESS,
        kind=MessageKind.COMMAND if question.kind == MessageKind.COMMAND else MessageKind.TEXT,
    )
    owner = None if is_busy else runner.owner_here()
    run = _run(user, chat, question, answer, ask, archetype=archetype, model=model, owner=owner)
    if model:
        reserve(run)
    _add_messages([*new, answer])
    using.use(new)
    add_runs([run])
    first = beginning(run)
    first_events(run, first)
    chat.position, chat.leaf, chat.last_activity_at = answer.position, answer, timezone.now()
    _move_on(chat.pk, chat.position, answer.pk, chat.title, folded(chat.title), chat.last_activity_at)
    transaction.on_commit(lambda: _wake(run, first, has))
    return run


_add_messages = Insert(Message)
_move_on = Update(
    lambda id, position, leaf, title, to_find, at: (
        Chat.objects.filter(pk=id),
        {
            **{"position": position, "leaf_id": leaf, "title": title, "title_folded": to_find},
            **{"last_activity_at": at, "updated_at": at},
        },
    ),
    *(UUID, int, UUID, str, str, datetime),
)


def _wake(run: Run, first: Sequence[AnyEvent], has: Permissions) -> None:
    """Tell the runner, with what it would have to read again. After the commit: nobody waits for the chat's lock."""
    if not run.attempt:
        return runner.wake(run.pk, None)
    begun = None
    try:
        begun = begin(run, first, has)
    except Exception:  # the run is stored: its execution reads what it needs, as any other would
        log.warning("run %s is read again", run.pk, exc_info=True)
    runner.wake(run.pk, run.attempt, begun)


def _make_room(chat: Chat, user: User, if_busy: IfBusy) -> bool:
    """Whether a run is open in the chat already, after doing what `if_busy` says about it."""
    if if_busy not in IF_BUSY:
        raise Invalid(fields={"if_busy": [f"Expected one of: {', '.join(IF_BUSY)}."]})
    open_runs = _open_runs(chat.pk)
    live = next((each for each in open_runs if each.status in LIVE), None)
    if open_runs and if_busy == "reject":
        blocker = live or open_runs[0]
        raise Conflict(f"Run {blocker.pk} is not over.", code="run_live", fields={"run": [str(blocker.pk)]})
    limits.check_queue(len(open_runs) - 1)
    if live is not None and if_busy == "interrupt":
        return _interrupt(live, user)
    return bool(open_runs)


def _interrupt(live: Run, user: User) -> bool:
    """Stop the chat's live run; whether one is open in the chat still. One that waits for a person ends here."""
    stop(live, by=user)
    return Run.objects.answers().filter(chat=live.chat_id, status__in=OPEN).exists()


_open_runs: Compiled[Run] = Compiled(
    lambda chat: Run.objects.answers().filter(chat_id=chat, status__in=OPEN).order_by("position").only("pk", "status"),
    UUID,
)


def _run(
    user: User, chat: Chat, question: Message, answer: Message, ask: RunRequest, *, archetype: str, model: str,
    owner: UUID | None,
) -> Run:  # fmt: skip
    """The run's row, not saved: claimed for this process where it can start at once."""
    return Run(
        chat=chat,
        user=user,
        input=question,
        message=answer,
        position=answer.position,
        archetype=archetype,
        model=model,
        command=commanding.name_of(question),
        temperature=chat.temperature if ask.temperature is None else rules.check_temperature(ask.temperature),
        door=ask.door,
        api_key=user.key,
        request=ask.request,
        options=options.dump(_options(user, chat, ask)),
        traceparent=traceparent(),
        **place_for(owner),
    )


def _archetype(chat: Chat, ask: RunRequest) -> str:
    archetype = rules.check_archetype(chat.archetype if ask.archetype is None else ask.archetype)
    if ask.options.tools:
        rules.check_client_tools(archetype, ask.options.tools)
    return archetype


def _model(chat: Chat, ask: RunRequest) -> str:
    """The request's, else the chat's. One that is not offered any more is refused where another can be chosen: most
    doors have no word for that, so their chats go on with its successor.
    """
    if ask.model is not None:
        return rules.check_model(ask.model)
    if ask.door == "native" or has_model(chat.model):
        return rules.check_chats_model(chat.model)
    return successor_of(chat.model) or gate.default_model(gate.plan_of(chat))


def _options(user: User, chat: Chat, ask: RunRequest) -> options.RunOptions:
    """The request's, with how much the model is to reason: the chat's choice where the request has none.

    A process that cannot read a limit of sentences could not take such a run over: it has none while there are some.
    """
    if cap_of(ask.options) and older.are_up():
        raise Unavailable("Processes of an older version are still up, which know no cap of a run. Try again soon.")
    effort = rules.check_effort(ask.effort) or chat.effort
    most, cache = ask.options.max_sentences, kept.wish_of(user, chat.organization_id, ask.options.cache)
    most = None if most and older.are_up() else most
    return structs.replace(ask.options, effort=effort, max_sentences=most, cache=cache)


def _ask_to_stop(run: Run, user: User) -> None:
    asked = Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=True)
    asked.update(cancel_requested_at=timezone.now(), cancel_requested_by=user)
    transaction.on_commit(lambda: runner.stop(run.pk, str(user.pk)))


def _end_unowned(run: Run, user: User) -> None:
    """Cancel a run that nobody executes: its end is written here."""
    entries = stored(run.pk)
    folded = fold(each.event for each in entries)
    events = last_events(
        folded, run.message_id, lambda usage: ev.RunCancelled(at=time.time(), by=str(user.pk), usage=usage)
    )
    last = [Logged(run.attempt, seq, event) for seq, event in enumerate(events, entries[-1].seq + 1)]
    status = RunStatus(run.status)
    claims = runner.owner_here() is not None
    following = store_ending(Ending(facts_of(run), run.attempt, folded, last, claims_next=claims, expects=status))
    run.refresh_from_db()
    transaction.on_commit(lambda: runner.grew(run.pk))
    transaction.on_commit(lambda: runner.follow(following))
