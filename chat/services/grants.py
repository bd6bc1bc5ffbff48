"""Allowing a tool in one chat for a while: given with an approval, seen and taken back by who may write there. Sync."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import NotFound, refuse
from accounts.models import User
from agents.archetypes import registry
from agents.installation import toolset_of
from chat.access import get_chat
from chat.models import Chat, Run, ToolGrant
from chat.models.policies import ToolGrantQuerySet
from chat.runner.judging import GRANTABLE
from chat.services.messages import lock_chat
from tools.base import Tool, titled

log = logging.getLogger(__name__)

EACH_TIME = "Expected once: a call that deletes something, or sends something out, is allowed one at a time."


def give(*, user: User, run: Run, tool: str, risk: str) -> ToolGrant:
    """Allow the tool in the run's chat for TOOL_GRANT_MAX_S from now. Of a caller who has looked at rights, and holds
    the chat's lock. One that the user has given and that holds still is renewed.

    Raises Invalid for tools that delete or send something out, and for work of no chat.
    """
    if run.chat_id is None or risk not in GRANTABLE:
        raise refuse("scope", EACH_TIME)
    until = timezone.now() + timedelta(seconds=settings.TOOL_GRANT_MAX_S)
    grant = ToolGrant.objects.valid().filter(chat=run.chat_id, tool=tool, by=user).first()
    if grant is None:
        grant = ToolGrant(chat_id=run.chat_id, tool=tool, by=user)
    grant.expires_at = until
    grant.save()
    log.info("tool grant %s given: tool=%s by=%s chat=%s until=%s", grant.pk, grant.tool, user.pk, run.chat_id, until)
    return grant


def in_chat(user: User, chat_id: UUID) -> ToolGrantQuerySet:
    """The chat's grants that hold. Raises NotFound."""
    chat = get_chat(user, chat_id)
    return ToolGrant.objects.valid().filter(chat=chat).select_related("by", "chat")


def title_of(grant: ToolGrant) -> str:
    """The tool's title; of one that is not here any more, its name in words. Sync."""
    found = (each for each in _tools(grant.chat) if each.name == grant.tool)
    tool = next(found, None)
    return tool.title if tool is not None else titled(grant.tool)


def _tools(chat: Chat) -> Iterator[Tool]:
    """Those of all archetypes, as a subagent may have it that asked, then those of the chat's project."""
    waiting = [registry.get(name) for name in registry.names()]
    for each in waiting:  # the list grows
        yield from each.tools
        waiting += [inner for inner in each.subagents if inner not in waiting]
    yield from toolset_of(chat.project_id) or ()


@transaction.atomic
def revoke(*, user: User, chat_id: UUID, grant_id: UUID) -> None:
    """Take a grant back, and with it all that hold for its tool in the chat; once more changes nothing.

    Needs write in the chat. Raises NotFound, NotAllowed.
    """
    chat = get_chat(user, chat_id, "write")
    grant = ToolGrant.objects.filter(chat=chat, pk=grant_id).first()
    if grant is None:
        raise NotFound
    if grant.revoked_at is not None:
        return
    lock_chat(chat)  # none is given meanwhile
    for each in ToolGrant.objects.filter(chat=chat, tool=grant.tool, revoked_at=None):
        each.revoked_at = timezone.now()
        each.save(update_fields=["revoked_at"])
        log.info("tool grant %s revoked: tool=%s by=%s chat=%s", each.pk, each.tool, user.pk, chat.pk)
