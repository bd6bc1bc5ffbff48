"""What people of the soak ask for by HTTP, beside the streams that the bench reads."""

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.bench.load import STAMP
from tests.bench.systems import Parley

TIMEOUT_S = 60


@dataclass
class Told:
    """What a native stream said up to where it was left."""

    last_id: str = ""
    numbers: list[int] = field(default_factory=list)  # of the provider's chunks
    types: list[str] = field(default_factory=list)

    def take(self, id: str, data: str) -> None:
        """One frame."""
        event = json.loads(data)
        self.last_id = id or self.last_id
        self.types.append(event["type"])
        if event["type"] == "text.delta":
            self.numbers += [int(number) for number, _ in STAMP.findall(data.encode())]


@dataclass
class Web:
    """A browser, with the token of `parley` at the API and its own cookies at pages."""

    session: aiohttp.ClientSession
    parley: Parley

    async def new_chat(self, model: str) -> str:
        """Its id."""
        body = {**self.parley.where, "title": "soak", "model": model}
        return str((await self.json("POST", "/api/chats/", body))["id"])

    async def json(self, method: str, path: str, body: Any = None) -> Any:
        """A request that must succeed."""
        async with self._ask(method, path, body, self._signed()) as answer:
            _require_ok(answer, path)
            return await answer.json()

    async def text(self, path: str) -> str:
        """A page that must be there, by the cookies that are."""
        async with self._ask("GET", path, None, {}) as answer:
            _require_ok(answer, path)
            return await answer.text()

    async def stream(self, method: str, path: str, body: Any = None, *, after: str = "", leaves: int = 0) -> Told:
        """A native stream behind an id, to its end or until so many chunks were read."""
        told, id = Told(), ""
        resumes = {"Last-Event-ID": after} if after else {}
        async with self._ask(method, path, body, {**self._signed(), **resumes}) as answer:
            _require_ok(answer, path)
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    id = value
                elif name == "data":
                    told.take(id, value)
                if leaves and len(told.numbers) >= leaves:
                    break
        return told

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        waits = aiohttp.ClientTimeout(total=TIMEOUT_S)
        return self.session.request(method, self.parley.server.url + path, json=body, headers=headers, timeout=waits)

    def _signed(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.parley.token}"}


def _require_ok(answer: aiohttp.ClientResponse, path: str) -> None:
    if answer.status not in (200, 201, 202):
        raise AssertionError(f"{path}: {answer.status}")
