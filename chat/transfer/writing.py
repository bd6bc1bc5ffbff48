"""Writing a chat as lines. Sync."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts.errors import Conflict
from accounts.models import User
from agents import events as ev
from chat.models import ANSWER, OPEN, Chat, ChatAlias, Message, Run, RunEvent, ToolCall, UsageRecord
from chat.transfer.lines import (
    FORMAT,
    VERSION,
    AliasLine,
    AnyLine,
    ChatLine,
    End,
    EventsLine,
    FileLine,
    Header,
    Line,
    MessageLine,
    PersonLine,
    RunLine,
    ToolCallLine,
    UsageLine,
)
from tools.git.transfer import changed_files

Kind = TypeVar("Kind", bound=Line)
_encode = msgspec.json.Encoder().encode


def written(chat: Chat, check: Callable[[Chat], None] = lambda chat: None) -> Iterator[bytes]:
    """Yield the chat's lines; it is locked until the last. Raises Conflict while a run is open, and what `check` of the
    locked chat raises.
    """
    with transaction.atomic():  # a decorator would end it before the first line is asked for
        yield from _written(chat, check)


def _written(chat: Chat, check: Callable[[Chat], None]) -> Iterator[bytes]:
    locked = Chat.objects.select_for_update().get(pk=chat.pk)
    check(locked)
    open_run = Run.objects.answers().filter(chat=chat, status__in=OPEN).first()
    if open_run is not None:
        raise Conflict(f"Run {open_run.pk} is not over. Wait for it or cancel it, then export.", code="run_open")
    count = 1
    for line in _lines(locked):
        count += 1
        yield _encode(line) + b"\n"
    yield _encode(End(lines=count)) + b"\n"


def _lines(chat: Chat) -> Iterator[AnyLine]:
    now = timezone.now()
    of_answers = {"run__chat": chat, "run__kind": ANSWER}  # a file says what was said, not what else was done
    yield Header(format=FORMAT, version=VERSION, parley=settings.PARLEY_VERSION, exported_at=now)  # type: ignore[arg-type]
    yield _line(ChatLine, chat)
    yield from _people(chat)
    for alias in ChatAlias.objects.filter(chat=chat, user=chat.user_id).order_by("pk"):
        yield _line(AliasLine, alias)
    yield from _each(MessageLine, Message.objects.filter(chat=chat).order_by("position"))
    yield from _each(RunLine, Run.objects.answers().filter(chat=chat).order_by("position"))
    for row in RunEvent.objects.filter(**of_answers).order_by("run__position", "first_seq").iterator():
        yield _line(EventsLine, row, events=[ev.without_state(each) for each in ev.load(row.events)])
    yield from _each(ToolCallLine, ToolCall.objects.filter(**of_answers).order_by("pk"))
    yield from _each(UsageLine, UsageRecord.objects.filter(**of_answers, corrects__isnull=True).order_by("pk"))
    if chat.project_id is not None:
        for path, data in changed_files(chat.project_id, chat.branch_name()).items():
            yield FileLine(path=path, data=data)


def _people(chat: Chat) -> Iterator[PersonLine]:
    ids = set(Message.objects.filter(chat=chat).values_list("author", flat=True))
    ids |= set(Run.objects.filter(chat=chat).values_list("user", flat=True))
    ids |= set(UsageRecord.objects.filter(run__chat=chat).values_list("user", flat=True))
    yield from _each(PersonLine, User.objects.filter(pk__in=[each for each in ids if each]).order_by("pk"))


def _each(kind: type[Kind], rows: Iterable[Model]) -> Iterator[Kind]:
    for row in getattr(rows, "iterator", rows.__iter__)():
        yield _line(kind, row)


def _line(kind: type[Kind], row: Model, **other: Any) -> Kind:
    """The row's fields of the same names; of another row, its id."""
    names = [each for each in kind.__struct_fields__ if each not in other]
    return kind(**{name: getattr(row, f"{name}_id" if hasattr(row, f"{name}_id") else name) for name in names}, **other)
