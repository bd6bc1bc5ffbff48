"""Results of tools that the client ran: which of those that a request brings are awaited. Sync."""

from dataclasses import replace
from uuid import UUID

from accounts.errors import Invalid
from chat.models import Chat, Message, MessageRole, ToolCall
from chat.run_request import RunRequest


def only_awaited(chat: Chat, asked: RunRequest) -> RunRequest:
    """The request with the tool results that the chat waits for, each once: clients send the old ones every time.

    Raises Invalid where nothing is left to answer.
    """
    awaited = _awaited(chat, {_call(each.parts) for each in asked.items if each.role == "tool"})
    kept = []
    for item in asked.items:
        if item.role == "tool":
            if _call(item.parts) not in awaited:
                continue
            awaited.discard(_call(item.parts))
        kept.append(item)
    if not kept:
        told = ["Expected a message of the user, or a result of a tool that is awaited."]
        raise Invalid("messages: There is nothing new to answer.", fields={"messages": told})
    return replace(asked, items=tuple(kept))


def _call(parts: tuple[dict[str, str], ...]) -> str:
    return parts[0]["call"]


def _awaited(chat: Chat, calls: set[str]) -> set[str]:
    """Those of the calls that the chat left to its client and that have no result yet."""
    if not calls:
        return set()
    deferred: dict[str, UUID] = dict(
        ToolCall.objects.filter(run__chat=chat, status="deferred", call__in=calls).values_list("call", "run__message")
    )
    told = Message.objects.filter(chat=chat, role=MessageRole.TOOL, parent__isnull=False)
    first = Message.objects.filter(pk__in=deferred.values()).order_by("position").values_list("position", flat=True)
    answered = (
        {
            part.get("call")
            for parts in told.filter(position__gt=first[0]).values_list("parts", flat=True)
            for part in parts
        }
        if deferred
        else set()
    )
    return set(deferred) - answered
