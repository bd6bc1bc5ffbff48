"""Retention: what an organization keeps no longer by its rules goes, batch by batch. Sync.

A chat that a hold is on is put away, as if somebody had deleted it; logs and files that one is on are left as they are.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.cleanup import Kind
from chat.attachments import going
from chat.eventlog import compact
from chat.models import (
    OPEN,
    Attachment,
    AttachmentState,
    AttachmentUse,
    Chat,
    Hold,
    HoldScope,
    Rules,
    Run,
    held,
)
from chat.ops.cleanup import CleanUp, each, remove_due_chats


def retention() -> CleanUp:
    """One round, of all organizations that keep something for a while alone."""
    rules = Rules.objects.exclude(chats_days=None, logs_days=None, files_days=None).order_by("pk")
    return CleanUp(kinds=[kind for row in rules for kind in _kinds(row)])


def _kinds(rules: Rules) -> Iterator[Kind]:
    place = rules.organization_id
    if rules.chats_days:
        due = partial(_chats, place, rules.chats_days)
        yield Kind("chats kept long enough", due, partial(remove_due_chats, due))
    if rules.logs_days:
        yield Kind("logs kept long enough", partial(_logs, place, rules.logs_days), each(compact.cut_to_answer))
    if rules.files_days:
        yield Kind("files kept long enough", partial(_files, place, rules.files_days), going.let_go_old)


def _chats(organization: UUID, days: int) -> QuerySet[Any]:
    working = Run.objects.filter(chat=OuterRef("pk"), status__in=OPEN)
    old = Chat.objects.filter(organization=organization, deleted_at=None, last_activity_at__lt=_before(days))
    return old.filter(~Exists(working)).order_by("last_activity_at")


def _logs(organization: UUID, days: int) -> QuerySet[Any]:
    theirs = Q(chat__organization=organization) | Q(chat=None, organization=organization)
    return compact.due_for_cutting(_before(days)).filter(theirs, ~held("chat", people=("user",)))


def _files(organization: UUID, days: int) -> QuerySet[Any]:
    uses = AttachmentUse.objects.filter(attachment=OuterRef("pk"))
    until = _before(days)
    lately = uses.filter(message__created_at__gte=until)
    kept = uses.filter(held("message__chat", people=("message__author",)))
    on_person = Hold.objects.live().filter(scope=HoldScope.USER, subject=OuterRef("user"))
    old = Attachment.objects.filter(organization=organization, state=AttachmentState.READY, created_at__lt=until)
    return old.exclude(Exists(lately)).exclude(Exists(kept)).exclude(Exists(on_person)).order_by("created_at")


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
