"""A conversation as the `input` of POST /responses, and what is kept of a reply so that it can stand there again. Pure.

Each item of a reply goes back as it came and where it came: reasoning before what followed it, else the next request is
refused (continuedev/continue#8933, 0xPlaygrounds/rig#751). A function call and its output name each other by the
server's own id, or by ours where we have none of its.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import msgspec

from agents.events import Call
from agents.messages import AssistantMessage, File, Image, Message, ToolMessage, UserMessage, not_shown
from agents.state import STATE_MAX_BYTES

Input = dict[str, Any] | msgspec.Raw


class Item(msgspec.Struct):
    """An item of a reply, as far as we look into it."""

    type: str = ""
    call_id: str = ""
    name: str = ""
    id: Any = None
    arguments: Any = None
    content: Any = None
    summary: Any = None
    encrypted_content: Any = None
    phase: Any = None  # of a message: commentary or final_answer

    @property
    def is_call(self) -> bool:
        return self.type == "function_call"

    @property
    def can_go_back(self) -> bool:
        """Reasoning without content is looked up by its id, and not found: nothing of it was stored."""
        return self.type != "reasoning" or bool(self.encrypted_content or self.content)


TEXTS = ("type", "call_id", "name")
_decoder = msgspec.json.Decoder(Item)


def read(text: str | bytes | msgspec.Raw) -> Item:
    """An item; what has other types than it should is left out, down to an empty one."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvage(text)


def _salvage(text: str | bytes | msgspec.Raw) -> Item:
    try:
        value = json.loads(text if isinstance(text, str) else bytes(text).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return Item()
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    found = Item(*(_str(fields.get(name)) for name in TEXTS))
    for name in Item.__struct_fields__[len(TEXTS) :]:
        setattr(found, name, fields.get(name))
    return found


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""


# --- What is kept ---------------------------------------------------------------------------------------------------


def kept(items: Iterable[str]) -> tuple[str, ...]:
    """Of a reply's items, as JSON texts, those to be sent again; none where all that they say is its text."""
    texts = tuple(items)
    found = [read(each) for each in texts]
    if not any(each.type != "message" or each.phase for each in found):
        return ()
    if not all(each.can_go_back for each in found):
        return ()
    return texts if sum(map(len, texts)) <= STATE_MAX_BYTES else tuple(_slim(texts, found))


def _slim(texts: tuple[str, ...], found: list[Item]) -> Iterator[str]:
    """What we have elsewhere is left out: texts, and the arguments of calls, which may be whole files."""
    for text, item in zip(texts, found, strict=True):
        if item.is_call:
            yield json.dumps({name: value for name, value in json.loads(text).items() if name != "arguments"})
        elif item.type != "message":
            yield text


# --- What is sent ---------------------------------------------------------------------------------------------------


def build(messages: Iterable[Message]) -> list[Input]:
    """The items of a conversation that is `shaped` and has no system messages."""
    found: list[Input] = []
    ids: dict[str, str] = {}  # of the newest reply's calls: ours to the wire's
    used: set[str] = set()
    for each in messages:
        match each:
            case UserMessage():
                found.append({"type": "message", "role": "user", "content": _content(each)})
            case AssistantMessage():
                state = _own(each, used)
                ids = _ids(each, state, used)
                used.update(ids.values())
                found += _again(each, state) if state else _anew(each, ids)
            case ToolMessage():
                call_id = ids.get(each.call, each.call)
                found.append({"type": "function_call_output", "call_id": call_id, "output": _output(each)})
            case _:
                raise TypeError(type(each))
    return found


def _own(message: AssistantMessage, used: set[str]) -> list[tuple[str, Item]]:
    """The state's items, where they are still those of this message: the same calls, each with an id of its own."""
    texts = message.state.items if message.state else ()
    state = [(text, read(text)) for text in texts]
    calls = [item for _, item in state if item.is_call]
    is_same = [item.name for item in calls] == [call.name for call in message.calls]
    return state if is_same and all(item.call_id and item.call_id not in used for item in calls) else []


def _ids(message: AssistantMessage, state: list[tuple[str, Item]], used: set[str]) -> dict[str, str]:
    """The wire's ids of its calls: theirs, else ours; those of forked runs may stand twice in one conversation."""
    if state:
        theirs = [item.call_id for _, item in state if item.is_call]
        return {call.id: id for call, id in zip(message.calls, theirs, strict=True)}
    free = (next(filter(lambda id: id not in used, _forms(call.id))) for call in message.calls)
    return {call.id: id for call, id in zip(message.calls, free, strict=True)}


def _forms(id: str) -> Iterator[str]:
    yield id
    yield from (f"{id}_{number}" for number in count(2))


def _again(message: AssistantMessage, state: list[tuple[str, Item]]) -> Iterator[Input]:
    """As they came. What was left out is put in again: the text before the first call."""
    calls = iter(message.calls)
    is_said = any(item.type == "message" for _, item in state) or not message.text
    for text, item in state:
        if item.is_call and not is_said:
            is_said = True
            yield _said(message.text)
        call = next(calls) if item.is_call else None
        is_whole = call is None or item.arguments is not None
        yield msgspec.Raw(text) if is_whole else {**json.loads(text), "arguments": _object(call)}
    if not is_said:
        yield _said(message.text)


def _anew(message: AssistantMessage, ids: dict[str, str]) -> Iterator[Input]:
    """Without state: our text, then our calls."""
    if message.text:
        yield _said(message.text)
    for call in message.calls:
        yield {"type": "function_call", "call_id": ids[call.id], "name": call.name, "arguments": _object(call)}


def _said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": text}


def _object(call: Call | None) -> str:
    """Its arguments: some servers parse those of the history, and refuse the request over one that is no object."""
    text = call.arguments if call else ""
    try:
        return text if isinstance(json.loads(text), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _output(message: ToolMessage) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    text = [{"type": "input_text", "text": message.content}] if message.content else []
    return text + [_part(each) for each in message.images]


def _content(message: UserMessage) -> str | list[dict[str, Any]]:
    if not message.attached:
        return message.text
    text = [{"type": "input_text", "text": message.text}] if message.text else []
    return text + [_part(each) for each in message.attached]


def _part(attached: Image | File) -> dict[str, Any]:
    """`detail` is required of a picture, a name of a file. For sounds there is no word."""
    if isinstance(attached, Image):
        return {"type": "input_image", "image_url": attached.url, "detail": "auto"}
    if attached.kind == "audio":
        return {"type": "input_text", "text": not_shown(attached)}
    return {"type": "input_file", "filename": attached.name or "document.pdf", "file_data": attached.url}
