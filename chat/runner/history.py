"""Rows to what the model reads: the branch that ends in one message, its newest part. Sync."""

import functools
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from accounts.db.compiled import Compiled
from agents.events import Call
from agents.messages import AssistantMessage, Image, SystemMessage, ToolMessage, UserMessage
from agents.messages import Message as Said
from chat.models import Message, MessageRole, MessageStatus
from chat.runner.files import told

FIELDS = ("pk", "parent_id", "role", "status", "content", "parts", "attachments")


def history(message: Message) -> tuple[Said, ...]:
    """The messages up to and including this one, oldest first.

    At most CHAT_CONTEXT_MESSAGES rows and CHAT_CONTEXT_CHARS characters, whatever its length. Where the beginning
    is left out, the rest begins with a person's message. The last one is always whole.
    """
    chosen: list[list[Said]] = []
    chars, is_cut = 0, True
    results: dict[str, dict[str, Any]] = {}  # of calls that the client ran: they are rows of their own
    for row in _branch(message):
        said = _said(row, results)
        chars += sum(map(_size, said))
        if chosen and chars > settings.CHAT_CONTEXT_CHARS:
            break
        chosen.append(said)
        is_cut = row["parent_id"] is not None or not said
    flat = [each for said in reversed(chosen) for each in said]
    said_to_it = (index for index, each in enumerate(flat) if isinstance(each, UserMessage | SystemMessage))
    return tuple(flat[next(said_to_it, 0) if is_cut else 0 :])


def _branch(message: Message) -> Iterator[dict[str, Any]]:
    """The message's row, its parent's, and so on.

    Reads so many rows at once as the window has, and once more as many where the branch leads past other ones.
    """
    window = settings.CHAT_CONTEXT_MESSAGES
    yield {name: getattr(message, name) for name in FIELDS}
    at, by_id, below, reads = message.parent_id, dict[UUID, dict[str, Any]](), message.position, 0
    for _ in range(window - 1):
        if at is None:
            return
        if at not in by_id and reads < 2:
            found = _before(window)(message.chat_id, below)
            by_id |= {row["pk"]: row for row in found}
            below, reads = found[-1]["position"] if found else 0, reads + 1
        row = by_id.get(at) or Message.objects.values(*FIELDS).get(pk=at)
        yield row
        at = row["parent_id"]


@functools.cache
def _before(number: int) -> Compiled[Any]:
    """So many rows of a chat before a position, the newest first."""

    def find(chat: UUID, position: int) -> Any:
        rows = Message.objects.filter(chat_id=chat, position__lt=position).order_by("-position")
        return rows.values(*FIELDS, "position")[:number]

    return Compiled(find, UUID, int)


def _said(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> list[Said]:
    if row["status"] == MessageStatus.DELETED:
        return []
    own = {each["call"]: each for each in row["parts"] if each["type"] == "tool_result" and not each.get("agent")}
    if row["role"] == MessageRole.TOOL:
        results.update(own)  # told right behind the call, which is an older row
        return []
    if row["role"] == MessageRole.ASSISTANT:
        return list(_answer(row, {**results, **own}))
    if row["role"] == MessageRole.SYSTEM:
        return [SystemMessage(row["content"])]
    text = told(row["content"], row["attachments"])
    images = [Image(each["url"]) for each in row["attachments"] if each.get("type") == "image" and each.get("url")]
    return [UserMessage(text, tuple(images))]


def _answer(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> Iterator[Said]:
    """An earlier answer as the turns it was made of: text with calls, then their results."""
    texts: list[str] = []
    for part in row["parts"]:
        if part["type"] == "text":
            texts.append(part["text"])
        elif part["type"] == "tool_call" and part["call"] in results:
            yield AssistantMessage("".join(texts), (_call(part),))
            yield _result(results[part["call"]])
            texts = []
    text = "".join(texts) if row["parts"] else row["content"]
    if text:
        yield AssistantMessage(text)


def _call(part: dict[str, Any]) -> Call:
    return Call(part["call"], part["name"], _text(part["arguments"]))


def _result(part: dict[str, Any]) -> ToolMessage:
    is_error = part.get("is_error", False)
    content = {"error": part["error"]} if is_error else part["result"]
    return ToolMessage(part["call"], part.get("name", ""), _text(content), is_error)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _size(said: Said) -> int:
    match said:
        case UserMessage(text=text, images=images):
            return len(text) + sum(len(each.url) for each in images)
        case AssistantMessage(text=text, calls=calls):
            return len(text) + sum(len(each.arguments) for each in calls)
        case ToolMessage(content=content):
            return len(content)
        case SystemMessage(text=text):
            return len(text)
