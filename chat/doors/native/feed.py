"""What a chat's socket says, looked up by the rights of the person it is for. Sync; call it through `db`."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.authentication import still_valid
from accounts.db.compiled import Compiled
from accounts.errors import NotAuthenticated, NotFound, refuse
from accounts.models import User
from accounts.permissions import Permissions, require
from chat.access import find_project, get_chat, get_run, permissions_found
from chat.doors.reading import Reader
from chat.eventlog.cursor import Cursor
from chat.feedback.shown import attach, of
from chat.models import Chat, Message, Run
from chat.rest.row_json import plain, row_json
from chat.rest.serializers import ChatSerializer, MessageSerializer, RunSerializer

Messages = list[dict[str, Any]]


def chat_of(user: User, chat_id: UUID) -> Chat:
    """The chat as this person sees it now. Raises NotAuthenticated or NotFound where their access has ended."""
    if not still_valid(user):
        raise NotAuthenticated
    return get_chat(user, chat_id)


def welcome(user: User, chat_id: UUID) -> dict[str, Any]:
    """The first message of a socket."""
    me = {"id": str(user.pk), "name": user.display_name}
    beat = {"heartbeat_s": settings.CHAT_HEARTBEAT_S, "max_bytes": settings.CHAT_SOCKET_MAX_BYTES}
    return {"type": "welcome", "version": 1, "you": me, "chat": _chat(user, chat_of(user, chat_id)), **beat}


def rights(user: User, chat_id: UUID) -> Permissions:
    """What this person may do in the chat now. Raises where they may not even see it."""
    return permissions_found(user, chat_of(user, chat_id))


def require_write(permissions: Permissions) -> None:
    """Raise NotAllowed for who only reads."""
    require(permissions, "write")


def heartbeat(user: User, chat_id: UUID) -> dict[str, Any]:
    """How far the chat is: who has less has missed something and should load it."""
    chat: Any = chat_of(user, chat_id)
    live = str(chat.live_run) if chat.live_run else None
    may = [each for each in ("read", "write", "deploy", "admin") if each in permissions_found(user, chat)]
    place = {"position": chat.position, "updated_at": chat.updated_at.isoformat(), "live_run": live}
    return {"type": "heartbeat", **place, "permissions": may}


def look(user: User, chat_id: UUID, notice: dict[str, Any]) -> Messages:
    """What a notice means to this person."""
    chat = chat_of(user, chat_id)
    found: Messages = []
    rows = Message.objects.filter(chat_id=chat_id, pk__in=[*notice["new"], *notice["changed"]])
    messages = list(rows.select_related("author", "run").order_by("position"))
    attach([each for each in messages if str(each.pk) in notice["changed"]], user.pk)  # of new ones nothing was said
    for message in messages:
        kind = "message.created" if str(message.pk) in notice["new"] else "message.changed"
        found.append({"type": kind, "message": row_json(MessageSerializer, message)})
    found += _said_of(user, chat_id, notice.get("said_of", ()))  # older processes say nothing of that
    run = _runs.first(chat_id, UUID(notice["run"])) if notice["run"] else None
    if run is not None:
        kind = "run.created" if notice["is_new_run"] else "run.changed"
        found.append({"type": kind, "run": row_json(RunSerializer, run)})
    if notice["has_changed"]:
        found.append({"type": "chat.changed", "chat": _chat(user, chat)})
    return found


def _said_of(user: User, chat_id: UUID, ids: Iterable[str]) -> Messages:
    """What was said of these messages, without what they say themselves."""
    if not ids:
        return []
    rows = list(Message.objects.filter(chat_id=chat_id, pk__in=ids).only("status").order_by("position"))
    attach(rows, user.pk)
    said = [(row.pk, of(row)) for row in rows]
    return [{"type": "message.said_of", "message": str(id), **each.json} for id, each in said]


def document_changed(user: User, chat_id: UUID, notice: dict[str, Any]) -> Messages:
    """What a change of a project's document means to this person: nothing, where they do not see that project."""
    chat = chat_of(user, chat_id)
    project = UUID(notice["project"])
    if chat.project_id != project or find_project(user, project) is None:
        return []
    return [{"type": "document.changed", "project": str(project), "version": notice["version"]}]


def reader(user: User, chat_id: UUID, run_id: UUID, after: Cursor | None) -> Reader:
    """A reader of one of the chat's runs. Raises NotFound, naming the field, for any other."""
    missing = NotFound(fields={"run": ["There is no such run in this chat."]})
    try:
        run = get_run(user, run_id)
    except NotFound:
        raise missing from None
    if run.chat_id != chat_id:
        raise missing
    return Reader(user, run, after)


def run_id(body: dict[str, Any]) -> UUID:
    """The run that a message names."""
    try:
        return UUID(body.get("run"))
    except (ValueError, AttributeError, TypeError):
        expected = "Expected the id of a run of this chat."
        raise refuse("run", expected) from None


def name_of(user_id: UUID) -> str:
    """How somebody is called."""
    user = User.objects.filter(pk=user_id).first()
    return user.display_name if user else ""


_runs: Compiled[Run] = Compiled(lambda chat, id: Run.objects.filter(chat_id=chat, pk=id), UUID, UUID)


def _chat(user: User, chat: Chat) -> dict[str, Any]:
    request = SimpleNamespace(user=user)
    return dict(plain(ChatSerializer(chat, context={"request": request}).data))
