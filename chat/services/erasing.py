"""What goes with a chat or a project besides its rows: its files in git, and what was put forward of a chat.

However it is deleted, also with its owner.

At once, when the deletion is stored; whom that fails is found by the chore (chat.ops.erasure).
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete, pre_delete

from accounts.models import Project
from chat.models import Chat, PullRequest, PullState
from tools.git import removal

log = logging.getLogger(__name__)


def watch() -> None:
    """From now on files go with their rows. Once in a process."""
    pre_delete.connect(_chat_going, sender=Chat)
    post_delete.connect(_chat_gone, sender=Chat)
    post_delete.connect(_project_gone, sender=Project)


def _chat_going(instance: Chat, **more: Any) -> None:
    """Its pull requests go with it. Of a merged one the project keeps that it was: its title is in the merge."""
    of_chat = PullRequest.objects.filter(chat=instance.pk)
    of_chat.exclude(state=PullState.MERGED).delete()
    of_chat.update(body="")


def _chat_gone(instance: Chat, **more: Any) -> None:
    if instance.project_id is not None:
        _after_commit(partial(_forget, instance.project_id, removal.short_id(instance.pk)))


def _project_gone(instance: Project, **more: Any) -> None:
    _after_commit(partial(removal.remove_repository, instance.pk))


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
        log.exception("Files of what was deleted are left; the chore `erasure` removes them")
