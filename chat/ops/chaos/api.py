"""The public API as a client uses it: any web process, and again elsewhere where one does not answer."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from chat.ops.chaos.history import History
from chat.ops.chaos.installation import OWNER, PASSWORD, Installation

TIMEOUT = aiohttp.ClientTimeout(total=10)
GIVE_UP_S = 120.0
FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


class GaveUp(Exception):
    """No process has answered in all that time."""


@dataclass(frozen=True)
class Reply:
    """An answer, and who gave it when."""

    status: int
    body: Any
    process: str
    asked_at: float


class Api:
    """One person's way to the installation."""

    def __init__(self, installation: Installation, history: History, session: aiohttp.ClientSession) -> None:
        self.installation = installation
        self.history = history
        self.session = session
        self.headers: dict[str, str] = {}

    async def sign_in(self) -> None:
        """Get a token."""
        reply = await self.call("POST", "/api/auth/token", {"email": OWNER, "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {reply.body['access']}"}

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", dice: random.Random | None = None
    ) -> Reply:
        """Ask one process, and another where it does not answer, is not able to or is too busy. Raises GaveUp."""
        end = time.monotonic() + GIVE_UP_S
        chosen = dice or random.Random(path)
        while time.monotonic() < end:
            reply = await self._try(method, path, body, key, chosen)
            if reply is not None and reply.status < 500 and reply.status != 429:
                return reply
            await asyncio.sleep(chosen.uniform(0.1, 0.6))
        raise GaveUp(f"{method} {path}")

    async def whole(self, path: str, web: int) -> str:
        """All that one web process answers: for streams that end by themselves."""
        process = self.installation.webs[web]
        async with self.session.get(process.url + path, headers=self.headers, timeout=TIMEOUT) as answer:
            return await answer.text()

    async def _try(self, method: str, path: str, body: Any, key: str, dice: random.Random) -> Reply | None:
        process = dice.choice(self.installation.webs)
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        asked_at = time.time()
        try:
            async with self.session.request(
                method, process.url + path, json=body, headers=headers, timeout=TIMEOUT
            ) as answer:
                reply = Reply(answer.status, await _json(answer), process.name, asked_at)
        except FAILURES as error:
            self.history.note("no_answer", path=path, process=process.tag, error=type(error).__name__)
            return None
        if reply.status >= 400:
            self.history.note(
                "refused", path=path, process=process.tag, status=reply.status, took_s=time.time() - asked_at
            )
        return reply


async def _json(answer: aiohttp.ClientResponse) -> Any:
    try:
        return await answer.json(content_type=None)
    except ValueError:
        return None
