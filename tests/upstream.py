"""A fake OpenAI upstream on real sockets: chat completions that stream as scripted, break as scripted, and are counted.

In tests:  upstream = Upstream().start(); upstream.script(Turn(text=["Hel", "lo"]), key="abc"); ... upstream.close()
By itself: python -m tests.upstream --port 9100

A request is answered by the script of its key (`[[key=abc]]` in what the user said), in order; one more request than
was scripted is refused. Without a script the user's text says what comes: `[[n=200 delay_ms=5 fault=cut at=3]]`,
`CALL read_file {"path": "README.md"}`.

POST /v1/chat/completions, GET /v1/models; for other processes also POST /script {key, turns}, POST /release {gate},
GET /stats, POST /reset.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests import upstream_messages, upstream_responses, upstream_turns
from tests.upstream_turns import ScriptedCall, Turn, Wire

__all__ = ["ScriptedCall", "Seen", "Turn", "Upstream"]

NONSENSE = ["{}", "[]", '"text"', "null", "17", '{"choices": []}', '{"choices": [{}]}', '{"choices": [{"delta": []}]}',
            '{"choices": "x"}', '{"object": "weather.report", "wind": 3}']  # fmt: skip
FLOOD_BYTES = 5_000_000


WIRES: dict[str, Wire] = {  # by the last part of the path
    "completions": upstream_turns,
    "messages": upstream_messages,
    "responses": upstream_responses,
}


@dataclass
class Seen:
    """One request that the upstream got. Times are of time.monotonic()."""

    number: int
    path: str
    headers: dict[str, str]  # by lower-case name
    body: dict[str, Any]
    key: str = ""
    opened_at: float = field(default_factory=time.monotonic)
    first_byte_at: float | None = None
    ended_at: float | None = None
    end: str = "open"  # open, finished, client_left, aborted (by a fault)
    chunks: int = 0
    waits_at: str = ""  # the gate
    wire: Wire = upstream_turns

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As chat completions has them."""
        return self.wire.messages(self.body)

    def public(self) -> dict[str, Any]:
        """For /stats: whether there was a key, not which."""
        headers = {name: value for name, value in self.headers.items() if name != "authorization"}
        rest = {name: value for name, value in vars(self).items() if name != "wire"}
        return {**rest, "headers": headers, "has_authorization": "authorization" in self.headers}


class Upstream:
    """The server, in a thread of its own, and what a test asks of it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self._tls = tls
        self._changed = threading.Condition()
        self._seen: list[Seen] = []
        self._scripts: dict[str, deque[Turn]] = {}
        self._struck: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Event] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)

    # What a test uses. All of it may be called from any thread.

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/v1"

    def start(self, port: int = 0) -> "Upstream":
        self._thread.start()
        self.port = port
        self.accept()
        return self

    def accept(self) -> None:
        """Listen (again, on the same port)."""
        self._run(self._listen())

    def refuse(self) -> None:
        """Listen no more: connections are refused. Those that are open stay."""
        self._run(self._stop_listening())

    def script(self, *turns: Turn, key: str = "") -> None:
        """Answer the next requests of this key by these turns, in order."""
        with self._changed:
            self._scripts.setdefault(key, deque()).extend(turns)

    def unused(self, key: str = "") -> int:
        """How many scripted turns nobody has asked for."""
        with self._changed:
            return len(self._scripts.get(key, ()))

    def requests(self, key: str | None = None) -> list[Seen]:
        """The chat completions asked for so far (of one key), oldest first."""
        with self._changed:
            return [seen for seen in self._seen if key is None or seen.key == key]

    def wait_for(self, condition: Callable[[list[Seen]], Any], *, key: str | None = None, timeout_s: float = 5) -> Any:
        """Block until the condition on the requests holds and give its value. In async tests call it by to_thread."""
        with self._changed:
            value = self._changed.wait_for(lambda: condition(self.requests(key)), timeout_s)
            assert value, f"the upstream waited {timeout_s} s in vain; it saw: {self.requests(key)}"
            return value

    @property
    def connections(self) -> int:
        """How many are open, busy or not."""
        return len(self._writers)

    def release(self, gate: str) -> None:
        """Let the turn that waits, or will wait, at this gate go on."""
        self._loop.call_soon_threadsafe(lambda: self._gate(gate).set())

    def reset(self) -> None:
        """Forget requests and scripts."""
        with self._changed:
            self._seen.clear()
            self._scripts.clear()
            self._struck.clear()

    def close(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def stats(self) -> dict[str, Any]:
        """What GET /stats says."""
        seen = [each.public() for each in self.requests()]
        return {"requests": len(seen), "open": sum(each["end"] == "open" for each in seen), "seen": seen}

    # The server. From here on all is run in its own thread.

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Connection(self._serve), "127.0.0.1", self.port, ssl=self._tls, backlog=2048, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    async def _stop(self) -> None:
        await self._stop_listening()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while request := await _read_request(reader):
                await self._answer(*request, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], raw: bytes, writer: asyncio.StreamWriter) -> None:
        body = json.loads(raw) if raw else {}
        match urlsplit(path).path.rstrip("/").rpartition("/")[2]:
            case name if name in WIRES:
                await self._complete(Seen(next(self._numbers), path, headers, body, wire=WIRES[name]), writer)
            case "models":
                models = [{"id": "fake", "object": "model", "created": 1_700_000_000, "owned_by": "fake"}]
                _send(writer, 200, {"object": "list", "data": models})
            case "script":
                self.script(*msgspec.convert(body["turns"], list[Turn]), key=body.get("key", ""))
                _send(writer, 200, {})
            case "release":
                self._gate(body["gate"]).set()
                _send(writer, 200, {})
            case "stats":
                _send(writer, 200, self.stats())
            case "reset":
                self.reset()
                _send(writer, 200, {})
            case _:
                _send(writer, 404, {"error": {"message": "unknown path"}})

    async def _complete(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        turn = self._choose(seen)
        answer = self._loop.create_task(self._play(turn, seen, writer))
        connection = writer.transport.get_protocol()
        assert isinstance(connection, _Connection)
        gone = self._loop.create_task(connection.gone.wait())
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        is_left = not answer.done()
        for task in (answer, gone):
            task.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)
        has_failed = not answer.cancelled() and isinstance(answer.exception(), ConnectionError)
        self._end(seen, "client_left" if is_left or has_failed else "finished")

    def _choose(self, seen: Seen) -> Turn:
        """The turn that answers; the request is in the list from now on."""
        with self._changed:
            seen.key = upstream_turns.key_of(seen.messages)
            self._seen.append(seen)
            self._changed.notify_all()
            if refused := seen.wire.refusal(seen.body):
                return refused
            script = self._scripts.get(seen.key)
            if script is not None:
                return script.popleft() if script else _refusal("the script has no turn left")
            try:
                turn = upstream_turns.turn_from_text(seen.messages)
            except msgspec.ValidationError as error:
                return _refusal(str(error))
            self._struck[turn.key] += 1
            if turn.times and self._struck[turn.key] > turn.times:
                turn.fault = ""
            return turn

    async def _play(self, turn: Turn, seen: Seen, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(turn.initial_ms / 1000)
        if turn.fault == "refuse":
            return self._cut(seen, writer)
        if turn.fault == "hang":
            await _silence(turn.s)
        seen.first_byte_at = time.monotonic()
        if turn.status:
            return _send(writer, turn.status, _error_body(turn), {"retry-after": turn.retry_after})
        if turn.verbatim:
            return _send_bytes(writer, 200, turn.verbatim.encode(), turn.content_type)
        match turn.fault:
            case "redirect":
                return _send(writer, 307, {}, {"location": "/v1/elsewhere/chat/completions"})
            case "html":
                return _send_bytes(writer, 200, b"<!doctype html><title>Sign in</title>", "text/html")
            case "gzip":
                return _send_bytes(writer, 200, b"\x1f\x8b\x08", "text/event-stream", {"content-encoding": "gzip"})
            case "empty":
                return _send_bytes(writer, 200, b"", "text/event-stream")
            case _ if not seen.body.get("stream"):
                return _send(writer, 200, seen.wire.whole(turn, seen.body))
            case _:
                await self._stream(turn, seen, writer)

    async def _stream(self, turn: Turn, seen: Seen, writer: asyncio.StreamWriter) -> None:
        _send_head(writer, 200, {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"})
        # `done` and `empty` are replies in which nothing else comes.
        pieces = [] if turn.fault == "done" else list(seen.wire.pieces(turn, seen.body))
        at = turn.at if turn.at >= 0 else len(pieces)
        for number, piece in enumerate(pieces):
            if turn.fault and number == at and not await self._strike(turn, seen, writer):
                return
            await self._pause(turn, seen, number)
            _write(writer, seen.wire.frame(piece))
            seen.chunks += 1
            if turn.delay_ms or number % max(turn.burst, 1) == 0:
                await writer.drain()
        if turn.fault and at >= len(pieces) and not await self._strike(turn, seen, writer):
            return
        await self._pause(turn, seen, len(pieces))
        for piece in seen.wire.ending(turn, seen.body, seen.chunks):
            _write(writer, seen.wire.frame(piece))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _pause(self, turn: Turn, seen: Seen, number: int) -> None:
        if turn.gate and number == turn.gate_at:
            self._wait_at(seen, turn.gate)
            await self._gate(turn.gate).wait()
            self._wait_at(seen, "")
        if turn.delay_ms and number:
            await asyncio.sleep(turn.delay_ms / 1000)

    async def _strike(self, turn: Turn, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        """Do what the fault says; whether the reply goes on behind it."""
        await writer.drain()
        match turn.fault:
            case "stall":
                await _silence(turn.s)
                return True
            case "cut":
                await asyncio.sleep(0.05)  # what was written arrives first: a reset overtakes bytes not yet read
                self._cut(seen, writer)
                return False
            case "eof" | "done":
                if turn.fault == "done":
                    _write(writer, seen.wire.frame("[DONE]"))
                writer.write(b"0\r\n\r\n")
                return False
            case "badjson":
                _write(writer, seen.wire.frame('{"id": "chatcmpl-fake", "choices": [{"delta": {"content": "oops'))
                return True
            case "nonsense":
                for each in NONSENSE:
                    _write(writer, seen.wire.frame(each))
                return True
            case "error":
                body = turn.body or {"message": "secret-in-the-body", "type": "server_error", "code": None}
                _write(writer, seen.wire.frame(seen.wire.error(body)))
                writer.write(b"0\r\n\r\n")
                return False
            case "flood":
                await _flood(writer)
                return True
            case _:
                return True

    def _cut(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        """Reset the connection: without SO_LINGER a close would look like a clean end."""
        self._end(seen, "aborted")
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def _end(self, seen: Seen, how: str) -> None:
        with self._changed:
            if seen.end == "open":
                seen.end, seen.ended_at = how, time.monotonic()
                self._changed.notify_all()

    def _wait_at(self, seen: Seen, gate: str) -> None:
        with self._changed:
            seen.waits_at = gate
            self._changed.notify_all()

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())


class _Connection(asyncio.StreamReaderProtocol):
    """A connection that tells at once when its client has left."""

    def __init__(self, serve: Callable[..., Any]) -> None:
        super().__init__(asyncio.StreamReader(limit=2**24), serve)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return first.split(" ")[1], headers, body


def _refusal(message: str) -> Turn:
    return Turn(fault="400", body={"error": {"message": f"fake upstream: {message}"}})


def _error_body(turn: Turn) -> Any:
    return turn.body or {"error": {"message": "secret-in-the-body", "type": "fake", "code": None}}


async def _silence(seconds: float) -> None:
    await asyncio.sleep(seconds or 3600)


async def _flood(writer: asyncio.StreamWriter) -> None:
    """One line that does not end for 5 MB."""
    for _ in range(FLOOD_BYTES // 50_000):
        writer.write(b"c350\r\n" + b"x" * 50_000 + b"\r\n")
        await writer.drain()


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))


def _send(writer: asyncio.StreamWriter, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    _send_bytes(writer, status, json.dumps(body).encode(), "application/json", headers)


def _send_bytes(
    writer: asyncio.StreamWriter, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None
) -> None:
    _send_head(writer, status, {"content-type": content_type, "content-length": str(len(body)), **(headers or {})})
    writer.write(body)


def _send_head(writer: asyncio.StreamWriter, status: int, headers: dict[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in headers.items() if value)]
    writer.write("\r\n".join([*lines, "", ""]).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake OpenAI upstream.")
    parser.add_argument("--port", type=int, default=9100)
    upstream = Upstream().start(parser.parse_args().port)
    print(f"OPENAI_BASE_URL={upstream.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
