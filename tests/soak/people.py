"""A steady load of every kind: people who ask at each door, leave and come back, cancel, watch, read and administer."""

import asyncio
import contextlib
import itertools
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp

from tests.bench import socket
from tests.bench.doors import DOORS
from tests.bench.load import Heard, Wish
from tests.bench.systems import Parley
from tests.live import OWNER, PASSWORD
from tests.soak.reading import Web
from tests.soak.verdict import PEOPLE

WISH = Wish(60, 20)
LONG = Wish(500, 20)  # is cancelled
CANCELS_S = 0.5  # after so long
ANEW = 10  # turns in a chat, then in the next one: conversations stay as long as they are
SIGNS_IN_S = 600
FAULTS_KEPT = 20
TOOL = "Which files are there?"  # the model without a provider calls a tool for it
ADMIN = ("", "chat/run/", "chat/chat/", "chat/message/", "chat/usageday/", "accounts/user/")

Turn = Callable[[Parley, int], Awaitable[None]]


class Crowd:
    """`await Crowd(parley).live(seconds)`: what they did is counted in `done`, what went wrong in `faults`."""

    def __init__(self, parley: Parley) -> None:
        self.parley = parley
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.faults: list[str] = []
        self.until = 0.0
        self.doors = itertools.cycle(DOORS)

    async def live(self, seconds: float) -> None:
        """All of them at work for so long; each ends what they have begun."""
        self.until = time.monotonic() + seconds
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            self.web = Web(session, self.parley)
            await self._sign_in_to_the_admin(session)
            work: list[tuple[str, Turn, float]] = [
                *[("answers", self._answer, 0.2)] * 4, *[("readers that came back", self._resume, 0.3)] * 2,
                ("cancels", self._cancel, 0.5), ("tool runs", self._tool, 1.0), ("reads", self._read, 0.5),
                ("admin pages", self._admin, 1.0), ("WebSockets", self._watch, 0.3),
                ("deflated WebSockets", self._watch_deflated, 0.3),
            ]  # fmt: skip
            assert len(work) == PEOPLE
            signing_in = asyncio.create_task(self._signs_in())
            await asyncio.gather(*(self._keeps(*each) for each in work))
            signing_in.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await signing_in
        for name in {name for name, _, _ in work} - set(self.done):
            self._fault(name, "not one in all the time")

    async def _keeps(self, name: str, turn: Turn, pause_s: float) -> None:
        """One person, who does one thing again and again in chats of their own."""
        mine = Parley(
            name, self.parley.server, where=self.parley.where, model="demo" if turn == self._tool else "bench"
        )
        for number in itertools.count():
            if time.monotonic() >= self.until:
                return
            try:
                mine.token = self.parley.token
                if number % ANEW == 0:
                    mine.asked, mine.chats = [], [await self.web.new_chat(mine.model)]
                await turn(mine, number)
                self.done[name] += 1
            except Exception as error:  # counted, and the person goes on
                self._fault(name, f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause_s)

    def _fault(self, name: str, text: str) -> None:
        self.failed[name] += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(f"{name}: {text[:500]}")

    async def _signs_in(self) -> None:
        while True:
            await asyncio.sleep(SIGNS_IN_S)
            self.parley.token = await asyncio.to_thread(self.parley.server.token)

    async def _answer(self, mine: Parley, number: int) -> None:
        """An answer at the next door, streamed to its end."""
        mine.door = next(self.doors)
        _require_whole(await mine.ask(0, WISH), mine.door)

    async def _resume(self, mine: Parley, number: int) -> None:
        """Leaves half way, and comes back with the last id."""
        path = f"/api/chats/{mine.chats[0]}/runs"
        first = await self.web.stream("POST", path, {"content": str(WISH), "stream": True}, leaves=WISH.chunks // 2)
        run = first.last_id.partition(".")[0]
        await asyncio.sleep(0.2)
        rest = await self.web.stream("GET", f"/api/runs/{run}/events", after=first.last_id)
        _require(first.numbers + rest.numbers == list(range(WISH.chunks)), f"gap or repeat behind {first.last_id}")
        _require(rest.types[-1:] == ["run.completed"], f"its end is {rest.types[-1:]}")

    async def _cancel(self, mine: Parley, number: int) -> None:
        run = await mine.start(mine.chats[0], LONG)
        await asyncio.sleep(CANCELS_S)
        await self.web.json("POST", f"/api/runs/{run}/cancel", {})
        told = await self.web.stream("GET", f"/api/runs/{run}/events")
        _require(told.types[-1:] == ["run.cancelled"], f"its end is {told.types[-1:]}")

    async def _tool(self, mine: Parley, number: int) -> None:
        path = f"/api/chats/{mine.chats[0]}/runs"
        told = await self.web.stream("POST", path, {"content": TOOL, "stream": True})
        _require("tool.returned" in told.types and told.types[-1] == "run.completed", f"it said {told.types}")

    async def _read(self, mine: Parley, number: int) -> None:
        """The list of chats, a page of messages, a search, the chat's page, the metrics."""
        await self.web.json("GET", "/api/chats/")
        found = await self.web.json("GET", f"/api/chats/{mine.chats[0]}/messages/?page_size=100")
        _require("results" in found, f"a page of messages is {found}")
        await self.web.json("GET", f"/api/search/?q=chunks&page_size={number % 20 + 1}")
        await self.web.text(f"/chats/{mine.chats[0]}/")
        await self.web.text("/api/metrics")

    async def _admin(self, mine: Parley, number: int) -> None:
        page = await self.web.text(f"/admin/{ADMIN[number % len(ADMIN)]}")
        _require("/admin/logout/" in page, "the admin does not know who it is")

    async def _watch(self, mine: Parley, number: int) -> None:
        _require_whole(await socket.plain(mine).ask(0, WISH), "WebSocket")

    async def _watch_deflated(self, mine: Parley, number: int) -> None:
        _require_whole(await socket.deflated(mine).ask(0, WISH), "deflated WebSocket")

    async def _sign_in_to_the_admin(self, session: aiohttp.ClientSession) -> None:
        address = f"{self.parley.server.url}/admin/login/"
        form = await self.web.text("/admin/login/")
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form))
        sent = {"username": OWNER, "password": PASSWORD, "csrfmiddlewaretoken": token}
        async with session.post(address, data=sent, headers={"Referer": address}) as answer:
            _require(answer.status == 200, f"signing in to the admin: {answer.status}")


def _require_whole(heard: Heard, where: str) -> None:
    """All of WISH's chunks came once and in order."""
    _require(
        heard.is_whole(WISH.chunks),
        f"{where}: {heard.status} {heard.fault or f'{len(heard.numbers)} chunks, not whole'}",
    )


def _require(is_so: bool, else_: str) -> None:
    if not is_so:
        raise AssertionError(else_)
