"""The items of a reply while they come: which one an event belongs to, and what of it was told already.

An event names its item by `item_id` and by `output_index`. Seen: ids that differ from event to event of one item
(GitHub Copilot), a call that has its name and id only at its end (HEXUXIU/M365-Copilot2API#77), items that come whole,
without deltas, and replies whose items stand only in the last event (NVIDIA-NeMo/Switchyard#777).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.providers.base import CallPiece, Piece, ReasoningPiece, TextPiece
from agents.providers.responses.events import Event
from agents.providers.responses.items import Item, read

APART = "\n\n"  # between two messages of a reply, or two parts of its reasoning


@dataclass(eq=False)
class Coming:
    """An item, as far as it has come."""

    kind: str
    number: int = 0  # of a call: 0, 1, 2 ...
    name: str = ""
    told: list[str] = field(default_factory=list)  # of a call: pieces of its arguments
    told_chars: int = 0  # of a message or reasoning
    whole: str = ""  # its JSON text, once it is whole
    thinks_by: str = ""  # which events tell its reasoning: some servers send the same by two


class Output:
    """The items of one reply, in the order they came."""

    def __init__(self) -> None:
        self.items: list[Coming] = []
        self._by_id: dict[str, Coming] = {}
        self._by_index: dict[int, Coming] = {}
        self._calls = 0
        self._heard: Coming | None = None  # whose text was told last
        self._thought: tuple[Coming, int] | None = None  # whose reasoning was told last, and which part of it

    @property
    def has_calls(self) -> bool:
        return self._calls > 0

    @property
    def whole(self) -> list[str]:
        """The items as they came; none where one of them is not whole."""
        texts = [each.whole for each in self.items]
        return texts if all(texts) else []

    def begin(self, event: Event, item: Item) -> Iterator[Piece]:
        """An item begins."""
        coming = self._open(item.type, event, item)
        if coming.kind == "function_call":
            yield from self.argue(coming, item.name or "", "")

    def find(self, event: Event, kind: str) -> Coming:
        """The item of an event, which may not have been told to begin."""
        found = self._known(event)
        if found is None or found.kind != kind:
            last = self.items[-1] if self.items else None
            is_last = last is not None and last.kind == kind and not last.whole and event.output_index is None
            found = last if is_last and last is not None else self._open(kind, event, None)
        return found

    def say(self, coming: Coming, text: str) -> Iterator[Piece]:
        """The next piece of a message."""
        if text:
            if self._heard not in (None, coming):
                yield TextPiece(APART)
            self._heard = coming
            coming.told_chars += len(text)
            yield TextPiece(text)

    def think(self, coming: Coming, text: str, part: int, by: str) -> Iterator[Piece]:
        """The next piece of reasoning."""
        coming.thinks_by = coming.thinks_by or by
        if text and coming.thinks_by == by:
            if self._thought not in (None, (coming, part)):
                yield ReasoningPiece(APART)
            self._thought = (coming, part)
            coming.told_chars += len(text)
            yield ReasoningPiece(text)

    def argue(self, coming: Coming, name: str, arguments: str) -> Iterator[Piece]:
        """The next piece of a call."""
        name = "" if coming.name else name
        coming.name = coming.name or name
        if name or arguments:
            coming.told.append(arguments)
            yield CallPiece(coming.number, name, arguments)

    def argue_rest(self, coming: Coming, name: str, whole: Any) -> Iterator[Piece]:
        """What of a call's whole arguments was not told yet."""
        text = json.dumps(whole) if isinstance(whole, dict) else whole if isinstance(whole, str) else ""
        told = "".join(coming.told)
        yield from self.argue(coming, name, text[len(told) :] if text.startswith(told) else "")

    def end(self, coming: Coming, item: Item, text: str) -> Iterator[Piece]:
        """An item is whole: what of it was not told yet."""
        coming.whole = text
        match coming.kind:
            case "function_call":
                yield from self.argue_rest(coming, item.name or "", item.arguments)
            case "message":
                yield from self.say(coming, "".join(_texts(item.content))[coming.told_chars :])
            case "reasoning" if not coming.told_chars:
                parts = _texts(item.summary) or _texts(item.content)
                yield from self.think(coming, APART.join(parts), 0, "whole")

    def placed(self, whole: list[Item]) -> list[Coming]:
        """Each item of the whole reply as it came: by its id, else the next of its kind, else a new one."""
        by_id = [self._with_id(item) for item in whole]
        rest = [each for each in self.items if each not in by_id]
        found: list[Coming] = []
        for item, known in zip(whole, by_id, strict=True):
            coming = known or next((each for each in rest if _may_be(each, item)), None)
            if coming in rest:
                rest.remove(coming)
            found.append(coming or self._open(item.type, Event(), item))
        self._sort(found)
        return found

    def _with_id(self, item: Item) -> Coming | None:
        found = self._by_id.get(_str(item.id))
        return found if found is not None and found.kind == item.type else None

    def _sort(self, whole: list[Coming]) -> None:
        """As the whole reply has them, where it has them all and its calls are numbered so."""
        numbers = [each.number for each in whole if each.kind == "function_call"]
        if len(whole) == len(self.items) == len(set(whole)) and numbers == sorted(numbers):
            self.items = list(whole)

    def _known(self, event: Event) -> Coming | None:
        found = self._by_id.get(event.item_id or "")
        return found or (self._by_index.get(event.output_index) if event.output_index is not None else None)

    def _open(self, kind: str, event: Event, item: Item | None) -> Coming:
        coming = Coming(kind)
        if kind == "function_call":
            coming.number = self._calls
            self._calls += 1
        if id := _str(item.id if item else event.item_id):
            self._by_id[id] = coming
        if event.output_index is not None:
            self._by_index[event.output_index] = coming
        self.items.append(coming)
        return coming


def _may_be(coming: Coming, item: Item) -> bool:
    """Whether an item of the whole reply may be this one, by another id: a call has two."""
    if coming.kind != "function_call" or not coming.whole:
        return coming.kind == item.type
    return item.is_call and read(coming.whole).call_id in ("", item.call_id)


def _str(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(parts: Any) -> list[str]:
    """The texts of an item's parts: said, refused, summed up or thought."""
    found = parts if isinstance(parts, list) else []
    texts = [each.get("text") or each.get("refusal") for each in found if isinstance(each, dict)]
    return [each for each in texts if isinstance(each, str)]
