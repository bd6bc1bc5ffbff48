"""What a procedure is, and the call it is given."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from accounts.db import db
from accounts.http.idempotency import Answer, once
from accounts.models import User
from chat.access import get_run
from chat.doors.reading import Reader
from chat.models import Run


@dataclass(frozen=True)
class Call:
    """One call of a request."""

    user: User
    path: str
    input: dict[str, Any]
    key: str | None = None  # its Idempotency-Key

    def once(self, make: Callable[[], Answer]) -> Answer:
        """What `make` answers, done once for each key. Sync."""
        body = json.dumps(self.input, sort_keys=True).encode()
        return once(user=self.user, key=self.key, route=f"tRPC {self.path}", body=body, make=make)

    def start(self, begin: Callable[[], Run]) -> Reader:
        """Start a run, once for each key: who reads it from its start. Sync."""
        begun: list[Run] = []

        def make() -> Answer:
            begun.append(begin())
            return Answer(200, {}, begun[0].pk)

        made = self.once(make)
        assert made.run_id is not None
        return Reader(self.user, get_run(self.user, made.run_id) if made.replayed else begun[0])


@dataclass(frozen=True)
class Procedure:
    """Something that can be called; `run` gives the JSON that it answers. A subscription has none: it is streamed."""

    kind: Literal["query", "mutation", "subscription"]
    run: Callable[[Call], Awaitable[Any]] | None = None
    starts_runs: bool = False

    @property
    def method(self) -> str:
        """The only one it takes."""
        return "POST" if self.kind == "mutation" else "GET"


def query(run: Callable[[Call], Any]) -> Procedure:
    """Reads, with sync code."""
    return Procedure("query", _in_thread(run))


def mutation(run: Callable[[Call], Any], *, starts_runs: bool = False) -> Procedure:
    """Changes something, with sync code."""
    return Procedure("mutation", _in_thread(run), starts_runs)


def _in_thread(run: Callable[[Call], Any]) -> Callable[[Call], Awaitable[Any]]:
    async def running(call: Call) -> Any:
        return await db(run, call)

    return running
