"""Chats and runs for agents elsewhere. Sync; call it through `db`."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.errors import refuse
from accounts.folding import has
from accounts.models import Project, User
from chat.access import chats_of, find_chat, get_answer, get_chat, get_message
from chat.doors import said
from chat.doors.mcp.arguments import Arguments, id_of, optional_id
from chat.doors.mcp.dialect.results import piece
from chat.doors.starting import named_project
from chat.eventlog.drafts import attach_drafts
from chat.models import Chat, Message
from chat.models.chats import ChatQuerySet

LIMIT, LIMIT_MAX = 20, 100
PROJECTS_MAX = 100
URI = "parley://chats/"


def list_chats(user: User, arguments: Arguments) -> dict[str, Any]:
    """A page of the chats they see, and their projects."""
    project = named_project(user, optional_id(arguments, "project"))
    found = chats_of(user).listed()
    if project is not None:
        found = found.filter(project=project)
    if words := arguments.get("search"):
        found = found.filter(has("title", words))
    chats, next_after = page_of(user, found, arguments.get("after", ""), arguments.get("limit", LIMIT))
    projects = Project.objects.visible_to(user).order_by("name", "pk").values_list("pk", "name")
    return {
        "projects": [{"id": str(pk), "name": name} for pk, name in projects[:PROJECTS_MAX]],
        "chats": [_chat_json(each) for each in chats],
        "next": next_after,
    }


def page_of(user: User, found: ChatQuerySet, after: str, limit: int) -> tuple[list[Chat], str | None]:
    """So many of the chats, newest first, behind the one named; and the last one's id if there are more."""
    if after:
        found = _behind(user, found, after)
    chats = list(found.order_by("-last_activity_at", "-pk")[: limit + 1])
    return chats[:limit], str(chats[limit - 1].pk) if len(chats) > limit else None


def read_chat(user: User, arguments: Arguments) -> dict[str, Any]:
    """The newest messages of a chat's branch, as many as there is room for."""
    chat = get_chat(user, id_of(arguments, "chat"))
    limit, before = arguments.get("limit", LIMIT), optional_id(arguments, "before")
    messages, more = said.branch(chat, limit=limit, before=before)
    shown = _fitting(messages)
    if len(shown) < len(messages):
        more = shown[0].pk
    told = [_message_json(each) for each in shown]
    return {**_chat_json(chat), "messages": told, "before": str(more) if more else None}


def read_run(user: User, arguments: Arguments) -> dict[str, Any]:
    """How it stands, and a piece of its answer."""
    run = get_answer(user, id_of(arguments, "run"))
    assert run.message_id is not None  # it is an answer
    message = get_message(user, run.message_id)
    attach_drafts([message])
    answer, next_start = piece(message.content, settings.MCP_RESULT_MAX_CHARS, arguments.get("start", 0))
    told = {"run": str(run.pk), "chat": str(run.chat_id), "status": run.status, "answer": answer}
    rest = {"next_start": next_start} if next_start is not None else {}
    error = {"error": run.error_message} if run.error_code else {}
    return {**told, **rest, **error}


def as_text(user: User, id: UUID) -> str:
    """A chat's newest messages as one text, for who reads it as a resource."""
    found = read_chat(user, {"chat": str(id), "limit": LIMIT_MAX})
    return "\n\n".join(f"{each['role']}: {each['text']}" for each in found["messages"])


def _behind(user: User, found: ChatQuerySet, after: str) -> ChatQuerySet:
    last = find_chat(user, id_of({"after": after}, "after"))
    if last is None:
        raise refuse("after", "Expected `next` of an earlier answer.")
    at = last.last_activity_at
    return found.filter(Q(last_activity_at__lt=at) | Q(last_activity_at=at, pk__lt=last.pk))


def _chat_json(chat: Chat) -> dict[str, Any]:
    return {
        "id": str(chat.pk),
        "title": chat.title,
        "project": str(chat.project_id) if chat.project_id else None,
        "archetype": chat.archetype,
        "last_activity_at": chat.last_activity_at.isoformat(),
    }


def _message_json(message: Message) -> dict[str, Any]:
    text, next_start = piece(message.content, settings.MCP_RESULT_MAX_CHARS)
    cut = {"cut": f"The whole text has {len(message.content):,} characters."} if next_start is not None else {}
    names = [str(each.get("name") or each.get("type", "file")) for each in message.attachments]
    files = {"attachments": names} if names else {}
    return {"id": str(message.pk), "role": message.role, "status": message.status, "text": text, **cut, **files}


def _fitting(messages: list[Message]) -> list[Message]:
    """The newest of them that fit together, one at least."""
    room = settings.MCP_RESULT_MAX_CHARS
    shown: list[Message] = []
    for each in reversed(messages):
        room -= len(each.content)
        if shown and room < 0:
            break
        shown.insert(0, each)
    return shown
