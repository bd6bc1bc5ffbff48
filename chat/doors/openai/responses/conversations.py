"""Conversations as OpenAI's clients know them: chats, whose items are the branch that ends in the newest message."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import NotFound, refuse
from accounts.http.idempotency import Answer, made_once, once
from accounts.http.parsing import read_json
from accounts.models import User
from chat.access import get_chat
from chat.doors import starting
from chat.doors.base import known_only
from chat.doors.openai import names as openai_models
from chat.doors.openai.lists import as_list, limit_of, order_of, unknown_after
from chat.doors.openai.responses import items as responses_items
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.openai.responses.dialect.ids import CONVERSATION, read_item_id
from chat.doors.openai.responses.dialect.items import Entry, items_of, read_input
from chat.doors.openai.responses.dialect.request import metadata
from chat.doors.openai.responses.turns import conversation
from chat.doors.openai.responses.views import Started, answer
from chat.doors.views import door
from chat.doors.whole import whole
from chat.metering.answers import fitting, weights
from chat.models import Chat, Message
from chat.run_request import RunRequest
from chat.services.chats import change_chat, delete_chat
from chat.services.items import add_items

ITEMS_MAX = 20  # of one request
SENT = ("content", "attachments", "archetype", "model", "temperature", "stream", "enableStreaming")


@door("POST")
async def create(request: HttpRequest) -> HttpResponseBase:
    """A new conversation, with items if some are brought."""
    return await whole(_create, request)


@door("GET", "POST", "DELETE")
async def one(request: HttpRequest, conversation_id: str) -> HttpResponseBase:
    """GET: the conversation. POST: change its metadata. DELETE: delete it with all that was said."""
    act = {"GET": _get, "POST": _change, "DELETE": _delete}[str(request.method)]
    return await whole(act, request, conversation_id)


@door("GET", "POST")
async def items(request: HttpRequest, conversation_id: str) -> HttpResponseBase:
    """GET: its items. POST: add some."""
    act = _items if request.method == "GET" else _add
    return await whole(act, request, conversation_id)


@door("GET")
async def item(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponseBase:
    """One of its items."""
    return await whole(_item, request, conversation_id, item_id)


@door("POST", starts_runs=True)
async def messages(request: HttpRequest, conversation_id: str) -> HttpResponseBase:
    """Say something and have the conversation's agent, or another, answer: as a response, streamed or not."""
    return await answer(request, await db(_say, request, conversation_id))


def _shown(chat: Chat) -> dict[str, Any]:
    created_at = int(chat.created_at.timestamp())
    id = f"{CONVERSATION}{chat.pk}"
    return {"id": id, "object": "conversation", "created_at": created_at, "metadata": chat.metadata}


def _body(request: HttpRequest) -> dict[str, Any]:
    return read_json(request) if request.body.strip() else {}


def _create(request: HttpRequest) -> dict[str, Any]:
    user = authenticate(request)
    body = _body(request)
    kept = metadata(body)
    entries = _entries(body["items"]) if body.get("items") else ()
    return made_once(
        user=user,
        key=request.headers.get("Idempotency-Key"),
        route=f"{request.method} {request.path}",
        body=request.body,
        make=lambda: _made(user, entries, kept),
        find=lambda id: get_chat(user, id),
        show=_shown,
        status=200,
    ).body


def _entries(items: Any) -> tuple[Entry, ...]:
    return read_input(None if isinstance(items, str) else items, "items", ITEMS_MAX)


def _made(user: User, entries: Any, kept: dict[str, str]) -> Chat:
    said = responses_items.found(user, entries, None, frozenset())
    chat = starting.make_chat(user, door=responses.NAME, is_listed=True, archetype=openai_models.BARE, metadata=kept)
    with responses_items.called("items"):
        add_items(user=user, chat=chat, items=said)
    return chat


def _get(request: HttpRequest, id: str) -> dict[str, Any]:
    return _shown(conversation(authenticate(request), id))


def _change(request: HttpRequest, id: str) -> dict[str, Any]:
    user = authenticate(request)
    chat = conversation(user, id, needs="write")
    body = read_json(request)
    if "metadata" not in body:
        raise refuse("metadata", "Expected an object.")
    return _shown(change_chat(user=user, chat=chat, metadata=metadata(body)))


def _delete(request: HttpRequest, id: str) -> dict[str, Any]:
    user = authenticate(request)
    chat = conversation(user, id, needs="write")
    told = {"id": f"{CONVERSATION}{chat.pk}", "object": "conversation.deleted", "deleted": True}
    delete_chat(user=user, chat=chat)
    return told


def _items(request: HttpRequest, id: str) -> dict[str, Any]:
    path = _path(conversation(authenticate(request), id))
    is_ascending = order_of(request) == "asc"
    return _page(path if is_ascending else path[::-1], request.GET.get("after", ""), limit_of(request), is_ascending)


def _item(request: HttpRequest, id: str, item: str) -> dict[str, Any]:
    chat = conversation(authenticate(request), id)
    wanted = read_item_id(item)
    rows = list(chat.messages.select_related("run").filter(pk=wanted.message)) if wanted else []
    found = [each for row in responses_items.values_of(rows) for each in items_of(row) if each["id"] == item]
    if not found:
        raise NotFound("There is no such item in this conversation.")
    return dict(found[0])


def _add(request: HttpRequest, id: str) -> dict[str, Any]:
    user = authenticate(request)
    chat = conversation(user, id, needs="write")
    entries = _entries(_body(request).get("items"))
    made = once(
        user=user,
        key=request.headers.get("Idempotency-Key"),
        route=f"{request.method} {request.path}",
        body=request.body,
        make=lambda: Answer(200, {"added": [str(each) for each in _added(user, chat, entries)]}),
    )
    rows = list(chat.messages.select_related("run").filter(pk__in=_ids_in(made.body)).order_by("position"))
    return as_list([item for row in responses_items.values_of(rows) for item in items_of(row)])


def _ids_in(kept: dict[str, Any]) -> list[Any]:
    """The messages that were added. Earlier versions kept the answer whole: of that the ids of its items count."""
    if "added" in kept:
        return list(kept["added"])
    return [item.message for each in kept.get("data", ()) if (item := read_item_id(each["id"])) is not None]


def _added(user: User, chat: Chat, entries: Any) -> list[UUID]:
    with responses_items.called("items"):
        items = responses_items.found(user, entries, chat, frozenset())
        return [each.pk for each in add_items(user=user, chat=chat, items=items)]


def _path(chat: Chat) -> list[UUID]:
    """The messages of its branch, oldest first."""
    parents = dict(Message.objects.filter(chat=chat).values_list("pk", "parent_id"))
    path: list[UUID] = []
    at = chat.leaf_id
    while at is not None:
        path.append(at)
        at = parents[at]
    return path[::-1]


def _page(path: list[UUID], after: str, limit: int, is_ascending: bool) -> dict[str, Any]:
    """The items behind that one: as many as are asked for, and fewer where no more fit into one answer."""
    at = _index(path, after)
    room = settings.ANSWER_MAX_BYTES
    shown: list[dict[str, Any]] = []
    while at < len(path) and len(shown) <= limit:
        piece = fitting(path[at : at + limit + 1], room if shown else None)  # one is shown, however long it is
        if not piece:
            break
        room -= sum(weights(piece).values())
        shown += _items_in(piece, is_ascending)
        at += len(piece)
        if after:
            shown, after = _behind(shown, after), ""
    return as_list(shown[:limit], has_more=at < len(path) or len(shown) > limit)


def _index(path: list[UUID], after: str) -> int:
    """Where the message is whose item that is. Raises Invalid."""
    if not after:
        return 0
    item = read_item_id(after)
    if item is None or item.message not in path:
        raise unknown_after()
    return path.index(item.message)


def _behind(items: list[dict[str, Any]], after: str) -> list[dict[str, Any]]:
    """The items behind that one. Raises Invalid where there is none of that id."""
    index = next((number for number, each in enumerate(items) if each["id"] == after), None)
    if index is None:
        raise unknown_after()
    return items[index + 1 :]


def _items_in(ids: list[UUID], is_ascending: bool) -> list[dict[str, Any]]:
    """The items of these messages, in their order."""
    rows = {row.pk: row for row in Message.objects.filter(pk__in=ids).select_related("run")}
    found = [items_of(each) for each in responses_items.values_of([rows[id] for id in ids if id in rows])]
    return [item for items in found for item in (items if is_ascending else items[::-1])]


def _say(request: HttpRequest, id: str) -> Started:
    user = authenticate(request)
    chat = conversation(user, id, needs="write")
    body = read_json(request)
    known_only(body, SENT)
    chosen = {name: body[name] for name in ("archetype", "model", "temperature") if body.get(name) is not None}
    is_streamed = body.get("stream", body.get("enableStreaming", False))
    if not isinstance(is_streamed, bool):
        raise refuse("stream", "Expected true or false.")
    asked = RunRequest(
        content=body.get("content", ""),
        attachments=body.get("attachments") or (),
        door=responses.NAME,
        if_busy="reject",
        request={"conversation": {"id": f"{CONVERSATION}{chat.pk}"}, "items": 1},
        **chosen,
    )
    _, reader = starting.start(request, user, lambda: chat, asked)
    return Started(reader, is_streamed)
