"""What a model server refused of a request: it is asked once more without it, and that is remembered for a while.

A refusal that names an optional field is no failure yet. The field is left out, or goes by its other name, or with
another value, and the request is sent again at once, which is no retry. What has been learned holds for that address
and model, in this process. It is learned once the server took the request, so a sentence that was misread costs one
request and no more.
"""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from agents.errors import ProviderError
from agents.providers.refusals import MISSED, NEEDED, SCHEMAS, SUCCESSORS, SYSTEM, Change, as_only, is_no_field, refusal

__all__ = ["MISSED", "SYSTEM", "Change", "Terms", "forget", "learn", "learned", "refusal"]

REMEMBERED_S = 6 * 3600.0  # servers are updated
REMEMBERED_MAX = 1_000  # addresses with a model
CHANGES_MAX = 8  # of one request, one after the other

# What somebody chose, by its name on the wires, in our words. What is in the request's `extra` is a client's choice.
CHOICES = {
    "temperature": "temperature",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "reasoning_effort": "effort",
    "reasoning": "effort",
    "thinking": "effort",
    "response_format": "output",
    "text": "output",
    "output_config": "output",
    "output_format": "output",
}
DEPENDENTS = {
    "tools": ("tool_choice", "parallel_tool_calls"),
    "stream": ("stream_options",),
    "reasoning_effort": ("reasoning_summary",),
}
# What a client's field is called on the other wires.
CLIENTS = {"response_format": SCHEMAS, "stop": ("stop_sequences",)}
_NOTHING: Any = object()

_memory: OrderedDict[tuple[str, str], tuple[float, tuple[Change, ...]]] = OrderedDict()


def learned(address: str, model: str) -> tuple[Change, ...]:
    """What this server has refused of requests to this model."""
    until, changes = _memory.get((address, model), (0.0, ()))
    return changes if until > time.monotonic() else ()


def learn(address: str, model: str, changes: Iterable[Change]) -> None:
    """Remember these, beside what is known, for REMEMBERED_S."""
    known = tuple(dict.fromkeys((*learned(address, model), *changes)))
    _memory[address, model] = (time.monotonic() + REMEMBERED_S, known[-2 * CHANGES_MAX :])
    _memory.move_to_end((address, model))
    while len(_memory) > REMEMBERED_MAX:
        _memory.popitem(last=False)


def forget() -> None:
    """Nothing was ever refused."""
    _memory.clear()


class Terms:
    """What one request may be sent with. For each sending: `fit`; where it is refused `refuses`, else `took`."""

    def __init__(self, address: str, model: str, *, needed: Collection[str] = (), extra: Iterable[str] = ()) -> None:
        """`needed`: fields that this request cannot do without; `extra`: names of those that its client wrote."""
        self._key = (address, model)
        self._known = learned(address, model)
        self._needed = needed
        self._clients = {name for each in extra for name in (each, *CLIENTS.get(each, ()))}
        self._new: list[Change] = []
        self._sent: dict[str, Any] = {}
        self._inside: set[str] = set()  # what was offered within messages
        self._missable: set[str] = set()
        self._lost: list[str] = []

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that hold for it."""
        return (*self._known, *self._new)

    def offer(self, name: str) -> bool:
        """Whether what has this name within messages may be sent; a refusal may be about it then."""
        if any(each.field == name and not each.is_missed for each in self.changes):
            return False
        self._inside.add(name)
        return True

    def misses(self, name: str) -> bool:
        """Whether the server wants it where it is not: one of MISSED. A refusal may say so from now on."""
        self._missable.add(name)
        return any(each.field == name and each.is_missed for each in self.changes)

    def fit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The request's fields as they are to be sent."""
        fitted = dict(body)
        for change in self.changes:
            if change.field not in self._needed:
                _apply(change, fitted)
        self._lost = [name for name in body if _is_lost(name, body, fitted)]
        self._sent = {name: value for name, value in fitted.items() if name not in NEEDED}  # the stream may be long
        return fitted

    def refuses(self, error: ProviderError) -> bool:
        """Whether the error is a refusal of something that need not be: then fit it, and send it once more."""
        sent = dict.fromkeys(self._inside) | {k: v for k, v in self._sent.items() if k not in self._needed}
        change = refusal(error, sent, missable=self._missable)
        if change is None or change in self.changes or len(self._new) >= CHANGES_MAX:
            return False
        is_clients = change.field in self._clients and not (change.successor or change.value)
        if is_clients and not is_no_field(error, sent.get(change.field)):
            change = replace(change, is_once=True)  # a client that sends nonsense switches nothing off for others
        self._new.append(change)
        self._inside.clear()
        self._missable.clear()
        return True

    def took(self) -> None:
        """The server took the request: what was changed for it was right."""
        if lasting := [each for each in self._new if not each.is_once]:
            learn(*self._key, lasting)
        self._known, self._new = self.changes, []

    def left_out(self, extra: Iterable[str] = ()) -> tuple[str, ...]:
        """What somebody chose and the server was not told, in our words; `extra` are names of the client's fields."""
        names = (CHOICES.get(each) or (each if each in extra else "") for each in self._lost)
        return tuple(dict.fromkeys(filter(None, names)))


def _apply(change: Change, body: dict[str, Any]) -> None:
    """Make the change where it is for this request."""
    name = change.field
    is_other = change.only is not None and as_only(body.get(name)) != change.only
    if change.is_missed or is_other or (change.beside and change.beside not in body):
        return
    if change.value:
        body[name] = change.value
    elif name in body:
        value = body.pop(name)
        if change.successor:
            body.setdefault(change.successor, value)
        for each in DEPENDENTS.get(name, ()):
            body.pop(each, None)


def _is_lost(name: str, asked: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether what was asked by this name is not what is sent by it or by its successor."""
    found = sent.get(name, sent.get(SUCCESSORS.get(name, ""), _NOTHING))
    return found is not asked[name] and (found is _NOTHING or bool(found != asked[name]))
