"""The messages of a request as content blocks, each vendor's own thing where it stood. Pure."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import msgspec

from agents.events import Call
from agents.messages import AssistantMessage, File, Image, Message, ToolMessage, UserMessage, not_shown
from agents.providers.anthropic.blocks import THOUGHTS

Block = dict[str, Any] | msgspec.Raw

MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[^,;]+)*;base64,(?P<data>.*)", re.DOTALL)
ID = re.compile(r"[a-zA-Z0-9_-]+")  # what is taken as a call's


class _Item(msgspec.Struct):
    """A piece of state: see agents.providers.anthropic.blocks."""

    type: str
    chars: int = 0
    id: str = ""


_decoder = msgspec.json.Decoder(_Item)


class Content:
    """Makes the messages of one request, and knows on the way what calls are named."""

    def __init__(self) -> None:
        self.names: set[str] = set()  # of the tools that were called
        self._ids: dict[str, str] = {}  # a call's on the wire, by ours: of those that share one, the newest's
        self._used: set[str] = set()  # on the wire

    def of(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        """The messages, neighbours of one role in one."""
        found: list[dict[str, Any]] = []
        for message in messages:
            role = "assistant" if isinstance(message, AssistantMessage) else "user"
            blocks = self._blocks(message)
            if blocks and found and found[-1]["role"] == role:
                found[-1]["content"] += blocks
            elif blocks:
                found.append({"role": role, "content": blocks})
        return found

    def _blocks(self, message: Message) -> list[Block]:
        match message:
            case UserMessage():
                return [*map(picture, message.images), *map(document, message.files), *_text(message.text)]
            case ToolMessage():
                return [self._result(message)]
            case AssistantMessage():
                return list(self._as_it_came(message))
            case _:
                raise TypeError(type(message))

    def _as_it_came(self, message: AssistantMessage) -> Iterator[Block]:
        """The blocks in the order in which they came; without state the text first, then the calls."""
        calls, at = list(message.calls), 0
        state = [(each, _decoder.decode(each)) for each in (message.state.items if message.state else ())]
        cuts = _cuts([item.chars for _, item in state if item.type == "text"], len(message.text))
        for text, item in state:
            if item.type in THOUGHTS:
                yield msgspec.Raw(text.encode())
            elif item.type == "text":
                cut = next(cuts)
                yield from _text(message.text[at : at + cut])
                at += cut
            elif item.type == "tool_use" and calls:
                yield self._call(calls.pop(0), item.id)
            else:  # a call that was not run: what was thought behind it would stand in another place
                break
        yield from _text(message.text[at:])
        for call in calls:
            yield self._call(call, "")

    def _call(self, call: Call, id: str) -> Block:
        self.names.add(call.name)
        self._ids[call.id] = next(each for each in _forms(id, call.id) if each not in self._used)
        self._used.add(self._ids[call.id])
        return {"type": "tool_use", "id": self._ids[call.id], "name": call.name, "input": _object(call.arguments)}

    def _result(self, message: ToolMessage) -> Block:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": self._ids[message.call]}
        if message.images:
            block["content"] = [*map(picture, message.images), *_text(message.content)]
        elif message.content:
            block["content"] = message.content
        if message.is_error:
            block["is_error"] = True
        return block


def made_id(call: str) -> str:
    """A call's id on the wire, where its vendor gave none: the same in each request."""
    return f"toolu_{hashlib.sha256(call.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _forms(theirs: str, ours: str) -> Iterator[str]:
    """What a call may be named, best first: an id may stand twice in one conversation, on the wire it may not."""
    if ID.fullmatch(theirs):
        yield theirs
    yield made_id(ours)
    yield from (made_id(f"{number}/{ours}") for number in count(2))


def picture(image: Image) -> Block:
    """An image as one of the forms that are taken; what has none is told in words."""
    found = DATA_URL.fullmatch(image.url)
    if found is None and image.url.startswith("https:"):
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    if found is None or found["type"] not in MEDIA_TYPES:
        return {"type": "text", "text": not_shown(image)}
    return {"type": "image", "source": {"type": "base64", "media_type": found["type"], "data": found["data"]}}


def document(file: File) -> Block:
    """A PDF; a sound, for which there is no word, is told in words."""
    if file.kind == "audio":
        return {"type": "text", "text": not_shown(file)}
    source = {"type": "base64", "media_type": file.media_type, "data": file.data}
    return {"type": "document", "source": source, **({"title": file.name} if file.name else {})}


def _cuts(chars: list[int], length: int) -> Iterator[int]:
    """How long each part of the text is; all of it is the first, where it is not what came any more."""
    return iter(chars if sum(chars) == length else [length, *(0 for _ in chars)])


def _text(text: str) -> list[Block]:
    """Nothing, of a text that shows nothing: such are refused."""
    return [{"type": "text", "text": text}] if text.strip() else []


def _object(arguments: str) -> Block:
    """A call's arguments as they were written; an empty object, where they are none."""
    try:
        data = arguments.encode()
        return msgspec.Raw(data) if isinstance(msgspec.json.decode(data), dict) else {}
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}
