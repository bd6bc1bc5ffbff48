"""A row of a chat as the messages that a model reads: a person's, or an answer as the turns it was made of. Pure."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from agents.events import Call
from agents.loop.calls import as_told
from agents.messages import AssistantMessage, SystemMessage, ToolMessage, UserMessage
from agents.messages import Message as Said
from agents.state import VendorState
from chat.models import MessageRole, MessageStatus
from chat.runner import files
from chat.runner.pictures import origin
from chat.runner.states import by_turn

STATE = "kept__turns"  # the vendor state of an answer, from a table of its own


def said_of(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> list[Said]:
    """The messages of one row; `results`: what the client told of its calls, in rows that were read before."""
    if row["status"] == MessageStatus.DELETED:
        return []
    own = {each["call"]: each for each in row["parts"] if each["type"] == "tool_result" and not each.get("agent")}
    if row["role"] == MessageRole.TOOL:
        results.update(own)  # told right behind the call, which is an older row
        return []
    if row["role"] == MessageRole.ASSISTANT:
        results.update(own)
        return list(_answer(row, results))
    if row["role"] == MessageRole.SYSTEM:
        return [SystemMessage(row["content"])]
    return [_user(row)]


def _user(row: dict[str, Any]) -> UserMessage:
    attached = row["attachments"]
    if not attached:
        return UserMessage(row["content"])
    mark = files.mark_of(row["content"], attached)
    origins = [origin(row["pk"], number) for number in range(len(attached))]
    images = map(files.image, attached, origins)
    whole = (files.whole(each, place, mark) for each, place in zip(attached, origins, strict=True))
    return UserMessage(
        files.told(row["content"], attached),
        tuple(each for each in images if each is not None),
        tuple(each for each in whole if each is not None),
    )


def _answer(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> Iterator[Said]:
    """An earlier answer as the turns it was made of: text with all its calls, then their results."""
    states, given = by_turn(row[STATE]), {each["id"]: each for each in row["attachments"] if each.get("id")}
    for texts, calls in _turns(row["parts"]):
        known = [each for each in calls if each["call"] in results]
        if known or texts:
            state = _state(states, calls) if len(known) == len(calls) else None
            yield AssistantMessage("".join(texts), tuple(map(_call, known)), state)
        yield from (_result(results.pop(each["call"]), given, row["pk"]) for each in known)
    if not row["parts"] and row["content"]:
        yield AssistantMessage(row["content"])


def _state(states: dict[int, VendorState], calls: list[dict[str, Any]]) -> VendorState | None:
    """What belongs to the turn of these calls; where there are none, to the last one, which asked for nothing."""
    turn = calls[0].get("turn", 0) if calls else max(states, default=0)
    return states.pop(turn, None)


Turn = tuple[list[str], list[dict[str, Any]]]


def _turns(parts: list[dict[str, Any]]) -> Iterator[Turn]:
    """The text and the calls of each turn.

    A call says which turn it is of. Of older answers that do not, a turn ends before text that follows a call, and
    before a call that follows a result.
    """
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    is_answered = False
    for part in parts:
        kind = part["type"]
        if part.get("agent"):
            continue
        if kind == "tool_result":
            is_answered = True
        elif calls and (kind == "text" or (kind == "tool_call" and _is_next(part, calls[-1], is_answered))):
            yield texts, calls
            texts, calls, is_answered = [], [], False
        if kind == "text":
            texts.append(part["text"])
        elif kind == "tool_call":
            calls.append(part)
    if texts or calls:
        yield texts, calls


def _is_next(call: dict[str, Any], last: dict[str, Any], is_answered: bool) -> bool:
    """Whether a call is of another turn than the last one."""
    if "turn" in call and "turn" in last:
        return bool(call["turn"] != last["turn"])
    return is_answered


def _call(part: dict[str, Any]) -> Call:
    return Call(part["call"], part["name"], _text(part["arguments"]))


def _result(part: dict[str, Any], given: dict[str, dict[str, Any]], message: UUID) -> ToolMessage:
    is_error = part.get("is_error", False)
    content = _text({"error": part["error"]} if is_error else part["result"])
    ids = part.get("attachments", ())
    if not ids:
        return ToolMessage(part["call"], part.get("name", ""), content, is_error)
    images, told = files.given([given[id] for id in ids if id in given], message)
    return ToolMessage(part["call"], part.get("name", ""), "\n\n".join((content, *told)), is_error, images)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_told(value)
