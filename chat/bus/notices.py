"""What has happened in a chat, told to the sockets that watch it: ids only, never content.

Services call `tell` in their transaction; it is sent once that is committed, through the channel layer, to the sockets
of all processes. A lost one costs a heartbeat: with each, a socket says how far its chat is.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)
SEND_S = 2.0


class _Here:
    """The loop that serves this process; None in commands, which have nobody to tell by."""

    loop: asyncio.AbstractEventLoop | None = None


_tasks: set[asyncio.Task[None]] = set()


def bind() -> None:
    """Send on the running loop from now on."""
    _Here.loop = asyncio.get_running_loop()


def group_of(chat_id: UUID) -> str:
    """The group of the chat's sockets."""
    return f"chat.{chat_id}"


def group_of_project(project_id: UUID) -> str:
    """The group of the sockets of the project's chats, for what belongs to all of them."""
    return f"project.{project_id}"


def tell_document(project_id: UUID, version: int) -> None:
    """Say after the commit that the project's document has a new version."""
    notice = {"type": "document.notice", "project": str(project_id), "version": version}
    transaction.on_commit(lambda: _send_soon(group_of_project(project_id), notice))


def tell(
    chat_id: UUID,
    *,
    new: Iterable[UUID] = (),
    changed: Iterable[UUID] = (),
    said_of: Iterable[UUID] = (),
    run: UUID | None = None,
    is_new_run: bool = False,
    has_changed: bool = False,
    deleted_by: UUID | None = None,
) -> None:
    """Say after the commit which messages are new or changed, which run began or ended, what became of the chat.

    `said_of`: messages that somebody has rated, annotated or reacted to.
    """
    notice = {
        "type": "chat.notice",
        "new": [str(each) for each in new],
        "changed": [str(each) for each in changed],
        "said_of": [str(each) for each in said_of],
        "run": str(run) if run else None,
        "is_new_run": is_new_run,
        "has_changed": has_changed,
        "deleted_by": str(deleted_by) if deleted_by else None,
    }
    transaction.on_commit(lambda: _send_soon(group_of(chat_id), notice))


def _send_soon(group: str, message: dict[str, Any]) -> None:
    """From any thread."""
    loop = _Here.loop
    if loop is not None and not loop.is_closed():
        loop.call_soon_threadsafe(_spawn, group, message)


def _spawn(group: str, message: dict[str, Any]) -> None:
    task = asyncio.get_running_loop().create_task(send(group, message))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def send(group: str, message: dict[str, Any]) -> None:
    """Send, without minding a layer that is away."""
    try:
        async with asyncio.timeout(SEND_S):
            await get_channel_layer().group_send(group, message)
    except Exception as error:  # whatever the layer's client raises: sockets look at the database anyway
        log.info("no notice: %s", type(error).__name__)
