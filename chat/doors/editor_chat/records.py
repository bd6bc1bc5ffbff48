"""System 1's records: a chat and its messages with every field under its name there. Sync.

A chat's messages are the branch that ends in its newest one: what was regenerated or edited away is not among them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.errors import RequestError
from chat.doors.editor_chat.dialect import TEMPERATURE
from chat.eventlog.drafts import attach_drafts
from chat.metering.answers import AnswerTooLarge, check, weights
from chat.models import Chat, Message, MessageRole, MessageStatus, Run

LISTED_MESSAGES = 50  # the newest of each chat in a list
NO_TOKENS = {"prompt": 0, "completion": 0, "total": 0}


class AnswerFailed(RequestError):
    """The run that should have answered failed; the chat holds what had come."""

    status = 502
    code = "answer_failed"


def answer(run: Run) -> dict[str, Any]:
    """The stored answer of a run that is over. Raises AnswerFailed with the run's own code."""
    stored = Message.objects.select_related("run").get(pk=run.answer.pk)
    if stored.error is not None:
        raise AnswerFailed(stored.error["message"], code=stored.error["code"])
    return {"message": _message(stored, {}), "tokensUsed": _tokens(stored.usage)}


def chats(found: Sequence[Chat], *, newest: int | None = None) -> list[dict[str, Any]]:
    """The chats' records with their messages, or the `newest` of them. A handful of queries, however many chats."""
    messages = _messages(found, newest)
    tasks: dict[UUID, list[str]] = {each.pk: [] for each in found}
    through = Chat.tasks.through.objects.filter(chat__in=tasks).order_by("pk")
    for chat, task in through.values_list("chat_id", "task_id"):
        tasks[chat].append(str(task))
    return [_chat(each, messages[each.pk], tasks[each.pk]) for each in found]


def _chat(chat: Chat, messages: list[dict[str, Any]], tasks: list[str]) -> dict[str, Any]:
    used = {"prompt": chat.input_tokens, "completion": chat.output_tokens, "total": chat.total_tokens}
    return {
        "_id": str(chat.pk),
        "id": str(chat.pk),
        "user": str(chat.user_id),
        "org": str(chat.organization_id),
        "project": chat.project_id and str(chat.project_id),
        "title": chat.title,
        "summary": chat.summary,
        "model": chat.model,
        "temperature": TEMPERATURE if chat.temperature is None else chat.temperature,
        "status": chat.status.upper(),
        "messages": messages,
        "tasks": tasks,
        "tokensUsed": used,
        "metadata": {"slackThread": None, **chat.metadata, **_ours(chat)},
        "createdAt": chat.created_at.isoformat(),
        "updatedAt": chat.updated_at.isoformat(),
    }


def _ours(chat: Chat) -> dict[str, Any]:
    """What in the metadata is the server's to say."""
    return {
        "agentArchetype": chat.archetype.upper(),
        "lastActivity": chat.last_activity_at.isoformat(),
        "branch": chat.branch or None,
    }


def _messages(found: Sequence[Chat], newest: int | None) -> dict[UUID, list[dict[str, Any]]]:
    rows = Message.objects.filter(chat__in=[each.pk for each in found])
    parents: dict[UUID, UUID | None] = dict(rows.values_list("pk", "parent_id"))
    branches = {each.pk: list(_up(each.leaf_id, parents)) for each in found}
    if newest is not None:
        newest = _fewer(branches, newest)
    wanted = {id for branch in branches.values() for id in (branch if newest is None else branch[: 2 * newest])}
    if newest is None:
        check([*wanted], "Read the chat in pages, at GET /api/chats/{id}/messages/.")
    rows = rows.filter(pk__in=wanted)
    stored = [each for each in rows.select_related("run").order_by("position") if each.pk in wanted]
    attach_drafts(stored)
    shown: dict[UUID, list[dict[str, Any]]] = {each.pk: [] for each in found}
    brought: dict[UUID, dict[str, dict[str, Any]]] = {each.pk: {} for each in found}
    for message in stored:
        if message.role == MessageRole.TOOL:
            brought[message.chat_id].update(_results(message))
    for message in stored:
        if message.role != MessageRole.TOOL and message.status != MessageStatus.DELETED:
            shown[message.chat_id].append(_message(message, brought[message.chat_id]))
    return shown if newest is None else {chat: said[-newest:] for chat, said in shown.items()}


def _fewer(branches: Mapping[UUID, Sequence[UUID]], newest: int) -> int:
    """So many of each chat's newest messages as one answer holds. Raises AnswerTooLarge where one of each is more."""
    ids = [branch[: 2 * newest] for branch in branches.values()]
    sizes = weights([id for branch in ids for id in branch])
    while newest:
        if sum(sizes.get(id, 0) for branch in ids for id in branch[: 2 * newest]) <= settings.ANSWER_MAX_BYTES:
            return newest
        newest //= 2
    raise AnswerTooLarge("Ask for fewer chats at a time, by `limit`.")


def _up(leaf: UUID | None, parents: dict[UUID, UUID | None]) -> Iterator[UUID]:
    while leaf is not None:
        yield leaf
        leaf = parents[leaf]


def _message(message: Message, brought: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """`brought`: the results of calls that the chat's clients ran; they are rows of their own."""
    results = {**brought, **_results(message)}
    return {
        "_id": str(message.pk),
        "id": str(message.pk),
        "role": message.role,
        "content": message.content,
        "attachments": message.attachments,
        "tool_calls": [_call(each, results) for each in message.parts if each["type"] == "tool_call"],
        "timestamp": message.created_at.isoformat(),
        "status": message.status.upper(),
        "tokensUsed": _tokens(message.usage),
    }


def _call(part: dict[str, Any], results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A tool call and what came of it: `{success, data}`, `{success: false, error}`, or null as long as it runs."""
    came = results.get(part["call"])
    call = {"id": part["call"], "name": part["name"], "arguments": part["arguments"]}
    if came is None:
        return {**call, "status": "running", "result": None}
    if came.get("is_error"):
        return {**call, "status": "failed", "result": {"success": False, "error": came["error"]}}
    return {**call, "status": "completed", "result": {"success": True, "data": came["result"]}}


def _results(message: Message) -> dict[str, dict[str, Any]]:
    """By their calls."""
    return {part["call"]: part for part in message.parts if part["type"] == "tool_result"}


def _tokens(usage: dict[str, Any] | None) -> dict[str, int]:
    if usage is None:
        return NO_TOKENS
    prompt, completion = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return {"prompt": prompt, "completion": completion, "total": prompt + completion}
