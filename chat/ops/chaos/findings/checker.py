"""The one checker: what was promised, counted, after all is quiet."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chat.models import ANSWER
from chat.ops.chaos.api import FAILURES, Api
from chat.ops.chaos.driver import Driven
from chat.ops.chaos.faults import Outage
from chat.ops.chaos.findings.timing import handovers, stops, takeovers
from chat.ops.chaos.history import History
from chat.ops.chaos.installation import Installation
from chat.ops.chaos.plan import MARK
from chat.ops.chaos.readers import Shown, kept, parse_all
from chat.ops.chaos.upstream import TITLE, Upstream

QUIET_S = 90.0
SETTLE_S = 15.0
SPARE_TASKS = 6  # a process may hold so many more than when it had just started: what its libraries keep for later


@dataclass
class Findings:
    """What was found. Lists of seconds are sorted."""

    ends: Counter[str] = field(default_factory=Counter)  # runs by how they ended
    work: Counter[str] = field(default_factory=Counter)  # the same of work that answers nothing, with its kind
    acked: int = 0
    lost: int = 0
    doubled: int = 0
    gaps: int = 0
    doubles: int = 0
    differing: int = 0  # readers
    not_once_ended: int = 0
    folds: int = 0
    effects: int = 0
    two_live: int = 0  # runs that were live while another of their chat was
    answers: int = 0  # that are not what the script says
    unscripted: int = 0  # failed without the script's saying so
    untitled: int = 0  # chats that were answered and have no title from the model
    leaked_tasks: int = 0
    leaked_streams: int = 0
    leaked_leases: int = 0
    takeover_s: list[float] = field(default_factory=list)
    handover_s: list[float] = field(default_factory=list)
    stop_s: list[float] = field(default_factory=list)
    stop_in_fault_s: list[float] = field(default_factory=list)
    readers: int = 0
    resumes: int = 0
    resets: int = 0  # cursors that were not known
    repeated: int = 0  # model calls beyond one a turn, those the script's own faults ask for left out

    @property
    def broken(self) -> int:
        """Everything that must be 0, added up."""
        return (
            self.lost + self.doubled + self.gaps + self.doubles + self.differing + self.not_once_ended + self.folds
            + self.effects + self.two_live + self.answers + self.unscripted + self.untitled + self.leaked_tasks
            + self.leaked_streams + self.leaked_leases
        )  # fmt: skip


class Checker:
    """Looks at everything once the runs are over."""

    def __init__(
        self,
        installation: Installation,
        api: Api,
        upstream: Upstream,
        history: History,
        driven: list[Driven],
        outages: list[Outage],
    ) -> None:
        self.installation = installation
        self.api = api
        self.upstream = upstream
        self.history = history
        self.driven = driven
        self.outages = outages
        self.found = Findings()

    async def check(self) -> Findings:
        """Wait for quiet, then count."""
        audits = await self._quiet()
        self._check_logs(audits)
        await self._check_readers()
        await self._check_chats()
        self._check_effects()
        self._measure(audits)
        await self._check_leaks()
        return self.found

    async def _quiet(self) -> dict[str, dict[str, Any]]:
        """Every run's audit, by id, once none is open, or when waiting longer is no use."""
        loop = asyncio.get_running_loop()
        end = loop.time() + QUIET_S
        while True:
            lines = (await asyncio.to_thread(self.installation.manage, "check_log", "--json")).splitlines()
            audits = {each["run"]: each for each in map(json.loads, lines)}
            if not any(each["is_open"] for each in audits.values()) or loop.time() > end:
                return audits
            await asyncio.sleep(1)

    def _check_logs(self, audits: dict[str, dict[str, Any]]) -> None:
        found, wrong = self.found, self._wrong
        for driven in self.driven:
            if not driven.run:
                continue
            found.acked += 1
            audit = audits.get(driven.run)
            if audit is None:
                found.lost += 1
                wrong("lost", driven)
                continue
            scripted = " as scripted" if driven.plan.may_fail else f": {audit['error']}"
            found.ends[audit["status"] + (scripted if audit["status"] == "failed" else "")] += 1
            if audit["status"] == "failed" and not driven.plan.may_fail:
                found.unscripted += audit["error"] != "poison"  # three crashes of its processes: that is a promise
                wrong("failed_unscripted", driven, error=audit["error"])
        for audit in audits.values():
            found.gaps += audit["gaps"]
            found.doubles += audit["doubles"]
            found.not_once_ended += audit["ends"] != 1 or audit["after_end"] > 0
            found.folds += bool(audit["fold_differs"])
            found.leaked_leases += audit["holds_lease"]
            if audit["kind"] != ANSWER:
                self._check_work(audit)
            if audit["gaps"] or audit["doubles"] or audit["ends"] != 1 or audit["fold_differs"]:
                self.history.note("wrong", kind="log", **audit)
        self._check_turns(audits)

    def _check_work(self, audit: dict[str, Any]) -> None:
        """What answers nothing succeeds, whatever strikes: only a run that three processes died of fails."""
        self.found.work[f"{audit['kind']} {audit['status']}"] += 1
        if audit["status"] != "succeeded" and audit["error"] != "poison":
            self.found.unscripted += 1
            self.history.note("wrong", kind="work", **audit)

    def _check_turns(self, audits: dict[str, dict[str, Any]]) -> None:
        """In each chat a run begins when the one before it has ended."""
        chats: dict[str, list[tuple[float, float, str]]] = {}
        for audit in audits.values():
            if audit["kind"] == ANSWER and audit["started"] and audit["ended_at"]:
                chats.setdefault(audit["chat"], []).append((audit["started"][0][1], audit["ended_at"], audit["run"]))
        for spans in chats.values():
            for before, after in pairwise(sorted(spans)):
                if after[0] < before[1] - 0.001:
                    self.found.two_live += 1
                    self.history.note("wrong", kind="two_live", runs=[before, after])

    async def _check_readers(self) -> None:
        """Each reader holds what a late reader gets, at every web process."""
        for driven in self.driven:
            if not driven.run:
                continue
            logs = [parse_all(await self._log(driven.run, web)) for web in range(len(self.installation.webs))]
            if any(each != logs[0] for each in logs):
                self.found.differing += 1
                self._wrong("processes_differ", driven, logs=logs)
            for reader in driven.readers:
                self.found.readers += 1
                self.found.resumes += reader.resumes
                self.found.resets += reader.resets
                held = kept(reader.shown)
                if held != logs[0]:
                    self.found.differing += 1
                    self._count_missing(held, logs[0])
                    self._wrong("reader", driven, log=logs[0], shown=reader.shown)

    def _count_missing(self, held: list[Shown], log: list[Shown]) -> None:
        ids, wanted = Counter(each.id for each in held), Counter(each.id for each in log)
        self.found.gaps += (wanted - ids).total()
        self.found.doubles += (ids - wanted).total()

    async def _log(self, run: str, web: int) -> str:
        for _ in range(20):
            try:
                return await self.api.whole(f"/api/runs/{run}/events", web)
            except FAILURES:
                await asyncio.sleep(0.5)
        return ""

    async def _check_chats(self) -> None:
        """One message and one answer for each key; the answers are the script's."""
        for chat in {each.chat for each in self.driven if each.chat}:
            path = f"/api/chats/{chat}/messages/?page_size=200"
            messages = (await self.api.call("GET", path)).body["results"]
            asked = Counter(int(found[1]) for each in messages if (found := MARK.search(each["content"])))
            self.found.doubled += sum(count - 1 for count in asked.values())
            answers = {each["parent"]: each for each in messages if each["role"] == "assistant"}
            if any(each["status"] == "completed" for each in answers.values()):
                await self._check_title(chat)
            for message in messages:
                if found := MARK.search(message["content"]):
                    self._check_answer(int(found[1]), answers.get(message["id"]))

    async def _check_title(self, chat: str) -> None:
        """A chat that was answered bears the model's title; but for one whose title three processes died of."""
        title = (await self.api.call("GET", f"/api/chats/{chat}/")).body["title"]
        if title != TITLE and not self.found.work["title failed"]:
            self.found.untitled += 1
            self.history.note("wrong", kind="untitled", chat=chat, title=title)

    def _check_answer(self, number: int, answer: dict[str, Any] | None) -> None:
        driven = next(each for each in self.driven if each.plan.number == number)
        text = driven.plan.text
        said = answer["content"] if answer else None
        is_right = answer is not None and (
            said == text if answer["status"] == "completed" else _begins_as(str(said), driven)
        )
        if not is_right:
            self.found.answers += 1
            self._wrong("answer", driven, said=said, status=answer and answer["status"])

    def _check_effects(self) -> None:
        for call, count in Counter(each.call for each in self.upstream.effects).items():
            if count > 1:
                self.found.effects += count - 1
                self.history.note("wrong", kind="effect", call=call, count=count)
        asked = Counter((each.run, each.turn) for each in self.upstream.asked)
        broken = Counter(
            (each.run, each.turn) for each in self.upstream.asked if self._is_scripted(each.run, each.turn)
        )
        self.found.repeated = sum(asked.values()) - len(asked) - sum(count > 1 for count in broken.values())

    def _is_scripted(self, run: int, turn: int) -> bool:
        plan = self.upstream.plans.get(run)
        return plan is not None and turn < len(plan.turns) and bool(plan.turns[turn].fault)

    def _measure(self, audits: dict[str, dict[str, Any]]) -> None:
        found, alone = self.found, len(self.installation.processes) == 1
        found.takeover_s = takeovers(self.driven, audits, self.upstream, self.outages, self.history, alone=alone)
        found.handover_s = handovers(self.driven, audits, self.upstream, self.outages, alone=alone)
        found.stop_s, found.stop_in_fault_s = stops(self.driven, self.upstream, self.outages, self.history)

    async def _check_leaks(self) -> None:
        """What processes still hold that nobody needs any more."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_S
        while True:
            held = {each.name: (each.idle, await each.holds()) for each in self.installation.processes}
            extra = {name: max(0, now["tasks"] - idle["tasks"] - SPARE_TASKS) for name, (idle, now) in held.items()}
            streams = sum(now["readers"] + now["runs"] + now["feeds"] for _, now in held.values())
            if not (sum(extra.values()) or streams or self.upstream.open) or loop.time() > end:
                break
            await asyncio.sleep(1)
        self.found.leaked_tasks = sum(extra.values())
        self.found.leaked_streams = streams + self.upstream.open
        self.history.note("holds", **{name: {"idle": idle, "now": now} for name, (idle, now) in held.items()})

    def _wrong(self, kind: str, driven: Driven, **fields: Any) -> None:
        self.history.note("wrong", kind=kind, number=driven.plan.number, run=driven.run, chat=driven.chat, **fields)


def _begins_as(said: str, driven: Driven) -> bool:
    """What was said before it was stopped or broke is the beginning of the script."""
    return driven.plan.text.startswith(said)
