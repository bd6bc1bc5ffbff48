"""Drives the planned runs: submits, is impatient, doubles, stops; each with its readers."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from chat.ops.chaos import archetype
from chat.ops.chaos.api import Api, GaveUp, Reply
from chat.ops.chaos.history import History
from chat.ops.chaos.plan import RunPlan
from chat.ops.chaos.readers import Reader, stall

KEYS = UUID("6f1f9c4e-7c0f-4d9b-9d8b-0f6d5f0c7a11")  # the namespace of idempotency keys
RUN_S = 180.0


@dataclass
class Driven:
    """What became of one planned run, as its client saw it."""

    plan: RunPlan
    chat: str = ""
    run: str = ""  # "" where no submit was answered
    readers: list[Reader] = field(default_factory=list)
    stopped_at: float | None = None  # when the stop that was answered was sent
    stopped_by: str = ""  # the process that was asked to


class Driver:
    """Submits up to `at_once` runs at a time."""

    def __init__(self, api: Api, history: History, *, seed: int, at_once: int, has_slow: bool) -> None:
        self.api = api
        self.history = history
        self.seed = seed
        self.at_once = at_once
        self.has_slow = has_slow
        self.driven: list[Driven] = []
        self.done = 0
        self._chats: dict[int, asyncio.Task[str]] = {}
        self._organization = ""

    async def drive(self, plans: list[RunPlan], may_begin: Callable[[], bool]) -> None:
        """Drive them all to their ends; none begins any more once `may_begin` says no."""
        listed = await self.api.call("GET", "/api/projects/")
        self._organization = listed.body["results"][0]["organization"]
        self._project = listed.body["results"][0]["id"]
        room = asyncio.Semaphore(self.at_once)

        async def one(plan: RunPlan) -> None:
            async with room:
                if may_begin():
                    await self._drive(plan)
                self.done += 1

        async with asyncio.TaskGroup() as group:
            for plan in plans:
                group.create_task(one(plan))

    async def _drive(self, plan: RunPlan) -> None:
        driven = Driven(plan)
        self.driven.append(driven)
        try:
            driven.chat = await self._chat(plan.chat)
            driven.run = await self._submit(plan, driven.chat)
        except GaveUp as error:
            self.history.note("gave_up", run=plan.number, error=str(error))
            return
        end = time.monotonic() + RUN_S
        driven.readers = [
            Reader(driven.run, seed, is_slow=self.has_slow and index == 1 and plan.number % 5 == 0)
            for index, seed in enumerate(plan.reader_seeds)
        ]
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            if self.has_slow and plan.number % 5 == 0:
                group.create_task(stall(self.api, driven.run, over))
            if plan.stop_after_s is not None:
                group.create_task(self._stop(driven, plan.stop_after_s))
            await asyncio.gather(*(each.follow(self.api, end) for each in driven.readers))
            over.set()

    async def _chat(self, number: int) -> str:
        if number not in self._chats:
            self._chats[number] = asyncio.create_task(self._new_chat(number))
        return await self._chats[number]

    async def _new_chat(self, number: int) -> str:
        body = {
            "organization": self._organization,
            "project": self._project,
            "archetype": archetype.NAME,
        }
        reply = await self.api.call("POST", "/api/chats/", body, key=str(uuid5(KEYS, f"{self.seed} chat {number}")))
        return str(reply.body["id"])

    async def _submit(self, plan: RunPlan, chat: str) -> str:
        """The run's id. Doubled, both are answered and must say the same."""
        dice = random.Random(plan.submit_seed)
        times = 2 if plan.is_doubled else 1
        replies = await asyncio.gather(
            *(self._post(plan, chat, random.Random(dice.getrandbits(32))) for _ in range(times))
        )
        runs = {str(each.body["run"]["id"]) for each in replies if each.status in (200, 201)}
        if len(runs) != 1:
            said = [(each.status, each.body) for each in replies]
            self.history.note("submit_fault", run=plan.number, said=said)
            raise GaveUp(f"submit of {plan.number}: {said}")
        self.history.note("acked", run=plan.number, id=next(iter(runs)))
        return runs.pop()

    async def _post(self, plan: RunPlan, chat: str, dice: random.Random) -> Reply:
        key = str(uuid5(KEYS, f"{self.seed} run {plan.number}"))
        return await self.api.call("POST", f"/api/chats/{chat}/runs", {"content": plan.content}, key=key, dice=dice)

    async def _stop(self, driven: Driven, after_s: float) -> None:
        """Ask any process to stop the run; it may be over by then."""
        await asyncio.sleep(after_s)
        dice = random.Random(driven.plan.submit_seed + 1)
        try:
            reply = await self.api.call("POST", f"/api/runs/{driven.run}/cancel", {}, dice=dice)
        except GaveUp:
            return
        if reply.status == 202:
            driven.stopped_at, driven.stopped_by = reply.asked_at, reply.process
            self.history.note("stopped", run=driven.plan.number, process=reply.process, asked_at=reply.asked_at)
