"""Parley's own dialect: the events as they are. Source: docs/native.md, version 1.

Each event is one frame: `id: <run>.<attempt>.<seq>`, and as data the event with `type`, `run`, `attempt` and `seq`.
A reader whose cursor is unknown gets `{"type": "log.reset"}` and then everything; one that is let go gets
`event: reconnect` and should come back with its last id.
"""

import random
import re
from typing import Any
from uuid import UUID

import msgspec

from accounts.errors import refuse
from agents.events import AnyEvent, ApprovalRequested, ReplyCompleted, RunStarted, without_state
from agents.options import RunOptions
from chat.doors import base, fields, sse
from chat.doors.base import RunInfo, known_only
from chat.run_request import RunRequest

NAME = "native"
CHOICES = ("content", "attachments", "model", "temperature", "effort", "archetype", "if_busy")
OPTIONS = ("output", "max_sentences", "max_tokens", "max_cost")
FIELDS = (*CHOICES, *OPTIONS, "parent", "stream")
BEGIN_FIELDS = (*CHOICES, *OPTIONS, "stream", "chat")
CHAT_CHOICES = ("title", "model", "temperature", "effort", "archetype")
PLACE = ("organization", "project")
CHAT_FIELDS = (*PLACE, *CHAT_CHOICES)
MAX_SENTENCES = 1000  # an answer that may have more has no limit to speak of
STATEFUL = (ReplyCompleted, ApprovalRequested)
_encode = msgspec.json.Encoder().encode


def parse(body: dict[str, Any]) -> RunRequest:
    """The run that a POST asks for. Raises Invalid for a field it does not know."""
    known_only(body, FIELDS)
    return RunRequest(**_chosen(body, CHOICES), **_parent(body), options=_options(body), door=NAME)


def parse_beginning(body: dict[str, Any]) -> tuple[dict[str, Any], RunRequest]:
    """The chat that a POST makes, and the run of its first message. Raises Invalid.

    Its organization is None where none is named: in its project's, or where its person chose.
    """
    known_only(body, BEGIN_FIELDS)
    chat = body.get("chat")
    if not isinstance(chat, dict):
        raise refuse("chat", f"Expected an object of: {', '.join(CHAT_FIELDS)}.")
    known_only(chat, CHAT_FIELDS)
    named = [each for each in PLACE if chat.get(each) is not None]
    place = {each: _id(chat[each], f"chat.{each}") if each in named else None for each in PLACE}
    return {**place, **_chosen(chat, CHAT_CHOICES)}, RunRequest(
        **_chosen(body, CHOICES), options=_options(body), door=NAME
    )


def _options(body: dict[str, Any]) -> RunOptions:
    output = fields.output(body.get("output"), "output")
    most = fields.optional(body, "max_sentences", fields.whole(1, MAX_SENTENCES))
    if output is not None and most is not None:
        raise refuse("max_sentences", "Expected none beside `output`: JSON has no sentences.")
    return RunOptions(output=output, max_sentences=most, **fields.cap(body))


def wants_stream(body: dict[str, Any]) -> bool:
    """Whether the answer is the run's stream rather than JSON."""
    if not isinstance(body.get("stream", False), bool):
        raise refuse("stream", "Expected true or false.")
    return bool(body.get("stream"))


def _chosen(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: body[name] for name in names if name in body}


def _id(value: Any, field: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise refuse(field, f"Expected the id of {'an' if field[0] == 'o' else 'a'} {field}.") from None


def _parent(body: dict[str, Any]) -> dict[str, Any]:
    if "parent" not in body:
        return {}
    try:
        return {"parent": None if body["parent"] is None else UUID(body["parent"])}
    except (ValueError, AttributeError, TypeError):
        expected = "Expected the id of a message of this chat, or null for its beginning."
        raise refuse("parent", expected) from None


class Encoder(base.Encoder):
    """Frames of the native dialect."""

    is_shared = True

    def __init__(self, run: RunInfo) -> None:
        if not re.fullmatch(r"[0-9a-f-]{36}", run.run):
            raise ValueError("a run's id is a UUID")
        self.run = run.run

    def open(self) -> list[bytes]:
        """A comment, so that proxies and clients see the stream begin."""
        return [sse.OK]

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """One frame."""
        own = "" if type(event) is RunStarted else f'"attempt":{attempt},'  # that one says it itself
        if type(event) in STATEFUL:
            event = without_state(event)
        place = f'{self.run}.{attempt}.{seq}\ndata: {{"run":"{self.run}","seq":{seq},{own}'
        return [b"id: " + place.encode() + _encode(event)[1:] + b"\n\n"]

    def reset(self) -> list[bytes]:
        """The cursor is unknown here: forget what you have, the whole follows."""
        return [sse.frame({"type": "log.reset", "run": self.run})]

    def let_go(self) -> list[bytes]:
        """Come back with your last id; not all at the same instant."""
        after_ms = random.randint(sse.RETRY_MS // 2, sse.RETRY_MS * 2)
        return [f"retry: {after_ms}\nevent: reconnect\ndata: {{}}\n\n".encode()]


class SocketEncoder(Encoder):
    """The same for a WebSocket: each frame is a line of JSON, `{"type": "run.event", "id": cursor, "event": {...}}`."""

    is_shared = False

    def open(self) -> list[bytes]:
        """Nothing."""
        return []

    def encode(self, attempt: int, seq: int, event: AnyEvent) -> list[bytes]:
        """One line; its id and event are those of a frame."""
        (frame,) = super().encode(attempt, seq, event)
        id, data = frame.removesuffix(b"\n\n").split(b"\n", 1)
        return [_line(id.removeprefix(b"id: "), data.removeprefix(b"data: "))]

    def reset(self) -> list[bytes]:
        """The cursor is unknown here: forget what you have of this run, the whole follows."""
        return [_line(b"", _encode({"type": "log.reset", "run": self.run}))]

    def let_go(self) -> list[bytes]:
        """Come back, on another connection, with your last id."""
        return [_encode({"type": "run.reconnect", "run": self.run}) + b"\n"]


def _line(id: bytes, event: bytes) -> bytes:
    return b'{"type":"run.event","id":"%s","event":%s}\n' % (id, event)
