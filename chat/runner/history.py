"""Rows to what the model reads: the branch that ends in one message, its newest part. Sync."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec.structs import replace

from accounts.db.compiled import Compiled
from agents.conversation import shaped
from agents.events import Call
from agents.loop.calls import as_told
from agents.messages import AssistantMessage, SystemMessage, ToolMessage, UserMessage
from agents.messages import Message as Said
from agents.state import STATES_MAX_BYTES, VendorState
from agents.tokens import of_messages
from chat.attachments.reading import Reading
from chat.models import Message, MessageRole, MessageStatus
from chat.runner import files
from chat.runner.pictures import origin
from chat.runner.states import by_turn

FIELDS = ("pk", "parent_id", "role", "status", "content", "parts", "attachments")
STATE = "kept__turns"  # the vendor state of an answer, from a table of its own


@dataclass(frozen=True)
class History:
    """What a model is given to read of a chat."""

    messages: tuple[Said, ...]
    begins_at: UUID | None = None  # the first message that is in it, where older ones were left out


def history(message: Message, room: int | None = None, reading: Reading | None = None) -> History:
    """The messages up to and including this one, oldest first, in an order that every model server takes.

    At most CHAT_CONTEXT_MESSAGES rows and CHAT_CONTEXT_TOKENS tokens, or as many as its model has room for, as
    estimated, whatever its length. Where the beginning is left out, the rest begins with a person's message. The last
    one is always whole. `reading`: what is given of attached files. Raises what that raises.
    """
    return told(_branch(message), room, reading)


def told(rows: Iterable[dict[str, Any]], room: int | None = None, reading: Reading | None = None) -> History:
    """The same of a branch's rows, newest first."""
    reading = reading or Reading()
    most = min(settings.CHAT_CONTEXT_TOKENS, settings.CHAT_CONTEXT_TOKENS if room is None else room)
    chosen: list[tuple[dict[str, Any], list[Said]]] = []
    tokens, is_cut = 0, True
    results: dict[str, dict[str, Any]] = {}  # of calls that the client ran: they are rows of their own
    for row in rows:
        said = _said(row | {"attachments": reading.files(row["attachments"], row["pk"])}, results)
        tokens += of_messages(said)
        is_cut = any(each for _, each in chosen) and tokens > most
        if is_cut:
            break
        chosen.append((row, said))
        is_cut = row["parent_id"] is not None
    kept = chosen[::-1]
    if is_cut:
        kept = kept[_first_said_to_it(kept) :]
    flat = [each for _, said in kept for each in said]
    return History(shaped(_within_bounds(flat)), kept[0][0]["pk"] if is_cut else None)


def _within_bounds(said: list[Said]) -> list[Said]:
    """The messages; older ones without their vendor state where all of it together is too much."""
    room, kept = STATES_MAX_BYTES, list[Said]()
    for each in reversed(said):
        if isinstance(each, AssistantMessage) and each.state is not None:
            room -= each.state.size
            each = each if room >= 0 else replace(each, state=None)
        kept.append(each)
    return kept[::-1]


def _first_said_to_it(kept: list[tuple[dict[str, Any], list[Said]]]) -> int:
    """Where the first message stands that a person or a client wrote; 0 where there is none."""
    for number, (_, said) in enumerate(kept):
        if any(isinstance(each, UserMessage | SystemMessage) for each in said):
            return number
    return 0


def _branch(message: Message) -> Iterator[dict[str, Any]]:
    """The message's row, its parent's, and so on.

    Reads so many rows at once as the window has, and once more as many where the branch leads past other ones.
    """
    window = settings.CHAT_CONTEXT_MESSAGES
    yield {name: getattr(message, name) for name in FIELDS} | {STATE: None}
    at, by_id, below, reads = message.parent_id, dict[UUID, dict[str, Any]](), message.position, 0
    for _ in range(window - 1):
        if at is None:
            return
        if at not in by_id and reads < 2:
            found = _before(window)(message.chat_id, below)
            by_id |= {row["pk"]: row for row in found}
            below, reads = found[-1]["position"] if found else 0, reads + 1
        row = by_id.get(at) or Message.objects.values(*FIELDS, STATE).get(pk=at)
        yield row
        at = row["parent_id"]


@functools.cache
def _before(number: int) -> Compiled[Any]:
    """So many rows of a chat before a position, the newest first."""

    def find(chat: UUID, position: int) -> Any:
        rows = Message.objects.filter(chat_id=chat, position__lt=position).order_by("-position")
        return rows.values(*FIELDS, STATE, "position")[:number]

    return Compiled(find, UUID, int)


def _said(row: dict[str, Any], results: dict[str, dict[str, Any]]) -> list[Said]:
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
    mark = files.mark_of(row["content"], attached) if attached else ""
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
    states = by_turn(row[STATE])
    for texts, calls in _turns(row["parts"]):
        known = [each for each in calls if each["call"] in results]
        if known or texts:
            state = _state(states, calls) if len(known) == len(calls) else None
            yield AssistantMessage("".join(texts), tuple(map(_call, known)), state)
        yield from (_result(results.pop(each["call"])) for each in known)
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


def _result(part: dict[str, Any]) -> ToolMessage:
    is_error = part.get("is_error", False)
    content = {"error": part["error"]} if is_error else part["result"]
    return ToolMessage(part["call"], part.get("name", ""), _text(content), is_error)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_told(value)
