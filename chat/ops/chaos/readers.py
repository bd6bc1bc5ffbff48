"""Readers that leave and come back at any place, as clients on bad networks do, and keep what they were shown.

What a reader holds at the end must be the log as a late reader gets it: taken-back turns gone, nothing else missing.
"""

import asyncio
import json
import random
import socket
import struct
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chat.ops.chaos.api import FAILURES, Api

TERMINALS = ("run.completed", "run.failed", "run.cancelled")
SILENCE_S = 15.0  # the processes say something every two


@dataclass(frozen=True)
class Shown:
    """One event of a stream."""

    id: str
    data: str
    seq: int
    type: str
    agent: str

    @property
    def is_end(self) -> bool:
        """The run's last."""
        return self.type in TERMINALS


def parse(lines: list[str]) -> Shown | None:
    """A frame's lines as an event; None for comments and for `reconnect`."""
    fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(":"))
    if "data" not in fields or "event" in fields:
        return None
    event: dict[str, Any] = json.loads(fields["data"])
    return Shown(
        fields.get("id", ""), fields["data"], event.get("seq", 0), event["type"], event.get("agent", "")
    )  # fmt: skip


def parse_all(text: str) -> list[Shown]:
    """The events of a whole stream."""
    return [event for frame in text.split("\n\n") if (event := parse(frame.split("\n"))) is not None]


def kept(shown: list[Shown]) -> list[Shown]:
    """What a reader holds who follows resets: without the turns that were taken back, and without the resets."""
    held: list[Shown] = []
    for event in shown:
        if event.type == "log.reset":
            held = []
        elif event.type == "turn.reset":
            _take_back(held, event.agent)
        else:
            held.append(event)
    return held


def _take_back(held: list[Shown], agent: str) -> None:
    """Drop the agent's open turn."""
    for start in range(len(held) - 1, -1, -1):
        if held[start].type == "turn.started" and held[start].agent == agent:
            held[start:] = [each for each in held[start:] if each.agent != agent]
            return


@dataclass
class Reader:
    """One reader of one run."""

    run: str
    seed: int
    is_slow: bool = False
    shown: list[Shown] = field(default_factory=list)
    resumes: int = 0
    resets: int = 0  # times that its cursor was not known
    longest_gap_s: float = 0.0  # without an open stream that brought something

    async def follow(self, api: Api, give_up_at: float) -> None:
        """Read until the run's end, in pieces."""
        dice = random.Random(self.seed)
        await asyncio.sleep(dice.uniform(0, 1.5))
        while not self.is_done and time.monotonic() < give_up_at:
            with suppress(*FAILURES):
                await self._read_some(api, dice)
            self.resumes += 1
            await asyncio.sleep(dice.uniform(0, 0.5))

    @property
    def is_done(self) -> bool:
        """It has seen the end."""
        return bool(self.shown) and self.shown[-1].is_end

    async def _read_some(self, api: Api, dice: random.Random) -> None:
        """A piece: to a place where it leaves, or to where it is cut."""
        url = f"{dice.choice(api.installation.webs).url}/api/runs/{self.run}/events"
        headers = {**api.headers, **({"Last-Event-ID": self.shown[-1].id} if self.shown else {})}
        leave_after = dice.randint(1, 60) if dice.random() < 0.8 else 1_000_000
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=SILENCE_S)
        async with api.session.get(url, headers=headers, timeout=timeout) as answer:
            if answer.status != 200:
                await asyncio.sleep(0.3)
                return
            async with aclosing(_events(answer)) as events:
                async for event in events:
                    self._take(event)
                    leave_after -= 1
                    if event.is_end or leave_after <= 0:
                        break
                    if self.is_slow:
                        await asyncio.sleep(0.05)
            if not self.is_done:
                _leave(answer, is_rude=dice.random() < 0.5)

    def _take(self, event: Shown) -> None:
        self.resets += event.type == "log.reset"
        self.shown.append(event)


async def _events(answer: aiohttp.ClientResponse) -> AsyncGenerator[Shown, None]:
    lines: list[str] = []
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line:
            lines.append(line)
            continue
        event = parse(lines)
        lines = []
        if event is not None:
            yield event


def _leave(answer: aiohttp.ClientResponse, *, is_rude: bool) -> None:
    """Cut the connection: with a FIN, or rudely with a RST."""
    transport = answer.connection.transport if answer.connection is not None else None
    if is_rude and transport is not None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    answer.close()


async def stall(api: Api, run: str, until: asyncio.Event) -> None:
    """A dead reader: it asks for the stream and never reads, with hardly any room to receive."""
    process = random.Random(run).choice(api.installation.webs)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        try:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", process.port))
            head = f"Host: 127.0.0.1\r\nAuthorization: {api.headers['Authorization']}"
            await loop.sock_sendall(sock, f"GET /api/runs/{run}/events HTTP/1.1\r\n{head}\r\n\r\n".encode())
        except OSError:
            return
        await until.wait()
