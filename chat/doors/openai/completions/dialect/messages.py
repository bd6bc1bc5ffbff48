"""Messages of chat completions as items. Source: https://platform.openai.com/docs/api-reference/chat/create
(openai 3.52.0). Read 2026-11.

What a client's agent did between two messages of its user is one item: texts, calls, and their results, in order. Only
results that come last are items of their own, since those are answered. System messages that come first are
instructions: they are told to the model however long the rest is. A `name` and a `detail` are accepted and not used.
"""

from dataclasses import replace
from typing import Any

from accounts.errors import refuse
from chat.doors import fields
from chat.doors.openai.responses.dialect.items import read_item, sound
from chat.run_request import Item

MESSAGES_MAX = 5000
CALL_MAX_CHARS = 200
SYSTEM = ("system", "developer")
ROLES = (*SYSTEM, "user", "assistant", "tool")
PARTS = {"text": "input_text", "refusal": "refusal", "image_url": "input_image", "file": "input_file"}
AUDIO = "input_audio"

Part = dict[str, Any]


def read(value: Any) -> tuple[str, tuple[Item, ...]]:
    """The instructions and the items of a request's messages. Raises Invalid naming the message."""
    messages = fields.objects(value, "messages")
    if not 1 <= len(messages) <= MESSAGES_MAX:
        raise refuse("messages", f"Expected a list of 1 to {MESSAGES_MAX} messages.")
    items = [_item(message, f"messages.{number}") for number, message in enumerate(messages)]
    first = next((number for number, each in enumerate(items) if each.role != "system"), len(items) - 1)
    instructions = fields.instructions([each.content for each in items[:first]], "messages")
    return instructions, _joined(items[first:], first)


def _item(message: Part, field: str) -> Item:
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise refuse(f"{field}.role", f"Expected one of: {', '.join(ROLES)}.")
    if role == "tool":
        return _result(message, field)
    if role == "assistant":
        return _answer(message, field)
    return _said(message.get("content"), "system" if role in SYSTEM else "user", field)


def _said(content: Any, role: str, field: str) -> Item:
    """What somebody said, in text or in parts."""
    sounds: list[Part] = []
    if isinstance(content, list):
        parts = [(each, f"{field}.content.{number}") for number, each in enumerate(content)]
        sounds = [_sound(each, place) for each, place in parts if _is_sound(each)]
        content = [_part(each, place) for each, place in parts if not _is_sound(each)]
    (item,) = read_item({"type": "message", "role": role, "content": content}, field)
    assert isinstance(item, Item)
    item = replace(item, attachments=(*item.attachments, *sounds))
    if role != "user" and item.attachments:
        raise refuse(f"{field}.content", "Expected text: images, files and sounds come in a message of the user.")
    return item


def _part(part: Any, field: str) -> Part:
    """In the words of the Responses API, whose reader reads it."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in PARTS:
        raise refuse(f"{field}.type", f"Expected one of: {', '.join((*PARTS, AUDIO))}.")
    told: Part = {"type": PARTS[kind]}
    if kind in ("text", "refusal"):
        return {**told, kind: part.get(kind)}
    inner = part.get(kind)
    if not isinstance(inner, dict):
        raise refuse(f"{field}.{kind}", "Expected an object.")
    return {**told, "image_url": inner.get("url")} if kind == "image_url" else {**inner, **told}


def _is_sound(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == AUDIO


def _sound(part: Part, field: str) -> Part:
    return sound(part.get(AUDIO), f"{field}.{AUDIO}")


def _answer(message: Part, field: str) -> Item:
    """An earlier answer: its text, then its calls."""
    for name in ("function_call", "audio"):
        if message.get(name) is not None:
            raise refuse(f"{field}.{name}", "Leave it out: answers are text and tool_calls.")
    calls = fields.objects(message.get("tool_calls") or [], f"{field}.tool_calls")
    content = message.get("content")
    if content is None:
        content = "" if message.get("refusal") is None else fields.text(message["refusal"], f"{field}.refusal")
    said = _said(content, "assistant", field)
    text = [{"type": "text", "text": said.content}] if said.content else []
    parts = [_call(each, f"{field}.tool_calls.{number}") for number, each in enumerate(calls)]
    return replace(said, parts=(*text, *parts))


def _call(call: Part, field: str) -> Part:
    function = call.get("function")
    if call.get("type", "function") != "function" or not isinstance(function, dict):
        raise refuse(f"{field}.type", "Expected function, with the function.")
    told = {"type": "function_call", "call_id": call.get("id")}
    told |= {name: function.get(name) for name in ("name", "arguments")}
    (item,) = read_item(told, field)
    assert isinstance(item, Item)
    return item.parts[0]


def _result(message: Part, field: str) -> Item:
    """What the client's tool answered; the call's name is not known yet."""
    call = message.get("tool_call_id")
    if not isinstance(call, str) or not 1 <= len(call) <= CALL_MAX_CHARS:
        raise refuse(f"{field}.tool_call_id", f"Expected a text of 1 to {CALL_MAX_CHARS} characters.")
    text = _said(message.get("content"), "system", field).content
    return Item("tool", parts=({"type": "tool_result", "call": call, "result": text, "is_error": False},))


# --- Joining ----------------------------------------------------------------------------------------------------------


def _joined(items: list[Item], first: int) -> tuple[Item, ...]:
    """The items with each result named, and put behind its call unless it comes last."""
    joined: list[Item] = []
    calls = _Calls()
    last = _last_result(items)
    for number, item in enumerate(items):
        field = f"messages.{first + number}"
        item = calls.answered(item, field) if item.role == "tool" else calls.made(item, field)
        if number < last and _goes_on(joined, item):
            joined[-1] = replace(
                joined[-1], content=joined[-1].content + item.content, parts=joined[-1].parts + item.parts
            )
        else:
            joined.append(item)
    calls.check_answered(f"messages.{first + len(items) - 1}")
    return tuple(joined)


def _last_result(items: list[Item]) -> int:
    """Where the results begin that nothing follows; they are answered."""
    number = len(items)
    while number and items[number - 1].role == "tool":
        number -= 1
    return number


def _goes_on(joined: list[Item], item: Item) -> bool:
    """Whether the item is a part of the answer before: a result, or what was said with a result in hand."""
    if item.role == "tool":
        return True
    before = joined[-1].parts if joined and joined[-1].role == "assistant" else ()
    return item.role == "assistant" and bool(before) and before[-1]["type"] == "tool_result"


class _Calls:
    """The calls that wait for their results, each under an id that is its own: some clients count from 1 every time."""

    def __init__(self) -> None:
        self.open: dict[str, Part] = {}  # by the client's id
        self.ids: set[str] = set()

    def made(self, item: Item, field: str) -> Item:
        """What is no result: by now all calls have theirs. Its own calls wait from now on."""
        self.check_answered(field)
        parts = [self._call(part, field) if part["type"] == "tool_call" else part for part in item.parts]
        return replace(item, parts=tuple(parts))

    def answered(self, item: Item, field: str) -> Item:
        """The result, with the name and the id of its call."""
        (part,) = item.parts
        call = self.open.pop(part["call"], None)
        if call is None:
            raise refuse(f"{field}.tool_call_id", "Expected the id of a call that the assistant's message before made.")
        return replace(item, parts=({**part, "call": call["call"], "name": call["name"]},))

    def check_answered(self, field: str) -> None:
        """Raise Invalid where a call has no result: the model would not see that it was made."""
        if self.open:
            waiting = ", ".join(self.open)
            raise refuse(field, f"Expected a tool's message for each call before it; these have none: {waiting}.")

    def _call(self, part: Part, field: str) -> Part:
        id = part["call"]
        if id in self.open:
            raise refuse(f"{field}.tool_calls", f"Expected each id once; {id} is there twice.")
        own = id if id not in self.ids else f"{id}.{len(self.ids)}"
        self.ids.add(own)
        self.open[id] = {**part, "call": own}
        return self.open[id]
