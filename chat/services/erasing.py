"""What goes with a chat or a project besides its rows: its files in git, attachments, what was put forward of a chat.

However it is deleted, also with its owner.

At once, when the deletion is stored; whom that fails is found by the chore (chat.ops.erasure).
"""

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, pre_delete
from django.utils import timezone

from accounts.models import Project, User
from chat.attachments import going
from chat.models import (
    Attachment,
    AttachmentState,
    AttachmentUse,
    Chat,
    PullRequest,
    PullState,
    Run,
    chat_is_held,
    owners,
)
from chat.runner import kept
from tools.git import removal

log = logging.getLogger(__name__)


class _Gathered(threading.local):
    """Ids that a transaction of this thread has lost, and what is done after its commit, for all of them at once.

    Those of a transaction that was undone stay until the next one: what is done looks at the rows first.
    """

    def __init__(self, do: Callable[[Iterable[UUID]], None]) -> None:
        self._do = do
        self._ids: set[UUID] = set()

    def add(self, id: UUID) -> None:
        """One more of them."""
        self._ids.add(id)
        _after_commit(partial(self._committed, id))

    def _committed(self, id: UUID) -> None:
        """The first to be called does it for all: which is the last is not known, as savepoints may be undone."""
        if id in self._ids:
            ids, self._ids = self._ids, set()
            self._do(ids)


_without_message = _Gathered(going.leave)
_without_row = _Gathered(going.remove_bytes)


def watch() -> None:
    """From now on files go with their rows. Once in a process."""
    pre_delete.connect(_chat_going, sender=Chat)
    post_delete.connect(_chat_gone, sender=Chat)
    post_delete.connect(_project_gone, sender=Project)
    post_delete.connect(_use_gone, sender=AttachmentUse)
    post_delete.connect(_attachment_gone, sender=Attachment)
    pre_delete.connect(_person_going, sender=User)


def _chat_going(instance: Chat, **more: Any) -> None:
    """Its pull requests go with it. Of a merged one the project keeps that it was: its title is in the merge.

    What was kept of its answers is found no more, unless it goes by itself, as one does that was never to stay.

    Raises StillHeld where a hold is on it: then whoever deletes it, and however, puts it away (chat.services.removing).
    """
    if Chat.objects.filter(chat_is_held(), pk=instance.pk).exists():
        raise owners.StillHeld(instance.pk)
    if instance.expires_at is None or instance.expires_at > timezone.now():
        kept.forget(Run.objects.answers().filter(chat=instance.pk))
    of_chat = PullRequest.objects.filter(chat=instance.pk)
    of_chat.exclude(state=PullState.MERGED).delete()
    of_chat.update(body="")


def _chat_gone(instance: Chat, **more: Any) -> None:
    if instance.project_id is not None:
        _after_commit(partial(_forget, instance.project_id, removal.short_id(instance.pk)))


def _project_gone(instance: Project, **more: Any) -> None:
    _after_commit(partial(removal.remove_repository, instance.pk))


def _use_gone(instance: AttachmentUse, **more: Any) -> None:
    """The attachment goes with the last message that had it: looked at when the deletion is stored."""
    _without_message.add(instance.attachment_id)


def _attachment_gone(instance: Attachment, **more: Any) -> None:
    """Its bytes, where it went with its organization; of what was GOING they are removed already."""
    if instance.state != AttachmentState.GOING:
        _without_row.add(instance.pk)


def _person_going(instance: User, **more: Any) -> None:
    """What they have brought and sent to nobody. What is in messages of other people's chats stays with these."""
    if ids := going.mark_unused_of(instance.pk):
        _after_commit(partial(going.remove_all, ids))


def _forget(project_id: UUID, chat: str) -> None:
    """The chat's refs; where the project went with it, that is done for all of its chats at once."""
    if Project.objects.filter(pk=project_id).exists():
        removal.forget_chats(project_id, {chat})


def _after_commit(do: Callable[[], object]) -> None:
    transaction.on_commit(partial(_try, do))


def _try(do: Callable[[], object]) -> None:
    """The rows are gone, whatever happens here."""
    try:
        do()
    except Exception:
        log.exception("Files of what was deleted are left; the chores `erasure` and `attachments` remove them")
