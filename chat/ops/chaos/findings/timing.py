"""How long things took: a dead process's runs until somebody went on, a stop until the provider saw it.

Which process executed a run, and when, is what the provider saw: each process has a key of its own.
"""

from collections.abc import Iterator
from typing import Any

from chat.ops.chaos.driver import Driven
from chat.ops.chaos.faults import Outage
from chat.ops.chaos.history import History
from chat.ops.chaos.upstream import Asked, Upstream

Audits = dict[str, dict[str, Any]]
DEADLY = ("kill", "freeze")


def takeovers(
    driven: list[Driven],
    audits: Audits,
    upstream: Upstream,
    outages: list[Outage],
    history: History,
    *,
    alone: bool,
) -> list[float]:
    """Seconds from the death of a process to the start of each of its runs by whoever goes on.

    While the database is away nobody can: such a time counts from when it was back. Where there is only one process,
    it counts from when that one was started again. Who claims a run and is killed before it says so dies of its own: it
    counts from that death.
    """
    found = []
    for outage in outages:
        if outage.what in DEADLY:
            for each, started, died in _taken_over(outage, driven, audits, upstream, outages):
                begin = max([died, alone and outage.back, *_back(outages, outage.gone, started)])
                found.append(max(0.0, started - begin))
                history.note(
                    "takeover", run=each.plan.number, fault=outage.what, process=outage.process, s=found[-1],
                    since_death_s=started - outage.gone,
                )  # fmt: skip
    return sorted(found)


def handovers(
    driven: list[Driven], audits: Audits, upstream: Upstream, outages: list[Outage], *, alone: bool
) -> list[float]:
    """Seconds from the exit of a process that was told to go to the start of each run it had left."""
    found = []
    for outage in outages:
        if outage.what == "term":
            for _, started, died in _taken_over(outage, driven, audits, upstream, outages):
                begin = max([died, alone and outage.back, *_back(outages, outage.gone, started)])
                found.append(max(0.0, started - begin))
    return sorted(found)


def _taken_over(
    outage: Outage, driven: list[Driven], audits: Audits, upstream: Upstream, outages: list[Outage]
) -> Iterator[tuple[Driven, float, float]]:
    """The runs that the process held when it went, when somebody went on with each, and since when nobody had it."""
    for each in driven:
        audit = audits.get(each.run)
        if audit is None or _holder(each.plan.number, upstream, outage.began) != outage.process:
            continue
        if audit["ended_at"] is None or audit["ended_at"] <= outage.gone:
            continue
        first = min((at for attempt, at in audit["started"] if at > outage.began and attempt > 1), default=None)
        if first is not None and not _died_again(outage, first, outages):
            yield each, first, _died(outage, audit["started"], first, outages)


def _died(outage: Outage, started: list[tuple[int, float]], first: float, outages: list[Outage]) -> float:
    """When the process died that held the run before whoever said first that it goes on: this one, or another that had
    claimed it meanwhile, whose attempt nothing was said of."""
    before = max((attempt for attempt, at in started if at <= outage.began), default=0)
    is_next = any(attempt == before + 1 for attempt, at in started if at == first)
    if is_next:
        return outage.gone
    return max(each.gone for each in outages if each.process and outage.gone <= each.gone < first)


def _died_again(outage: Outage, until: float, outages: list[Outage]) -> bool:
    """The same process went on, thawed, and went again: nobody took over the first time."""
    return any(each.process == outage.process and outage.began < each.began < until for each in outages)


def _holder(number: int, upstream: Upstream, at: float) -> str:
    """The process that showed itself last, for this run, before that time."""
    seen = [(each.at, each.process) for each in upstream.asked if each.run == number and each.at < at]
    seen += [(each.at, each.process) for each in upstream.effects if each.run == number and each.at < at]
    return max(seen, default=(0.0, ""))[1]


def _back(outages: list[Outage], began: float, ended: float) -> list[float]:
    """When the database was back, for each time that it was away in between."""
    return [
        min(each.ended, ended)
        for each in outages
        if each.what == "database" and each.began < ended and each.ended > began
    ]


def stops(
    driven: list[Driven], upstream: Upstream, outages: list[Outage], history: History
) -> tuple[list[float], list[float]]:
    """Seconds from sending a stop to the provider's seeing its request closed: all well, and during a fault.

    All is well where the servers, the process that was asked and the one that executed were there all the time.
    """
    calm: list[float] = []
    stormy: list[float] = []
    for each in driven:
        if each.stopped_at is None:
            continue
        for asked in upstream.asked:
            if asked.run == each.plan.number and _is_open(asked, each.stopped_at) and asked.ended_at is not None:
                took = asked.ended_at - each.stopped_at
                is_calm = not _disturbed(
                    outages, (asked.process, each.stopped_by), each.stopped_at - 1.0, asked.ended_at
                )
                (calm if is_calm else stormy).append(took)
                history.note("stop", run=each.plan.number, process=asked.process, s=took, calm=is_calm, end=asked.end)
    return sorted(calm), sorted(stormy)


def _is_open(asked: Asked, at: float) -> bool:
    return asked.at <= at and (asked.ended_at is None or asked.ended_at > at)


def _disturbed(outages: list[Outage], processes: tuple[str, str], begin: float, end: float) -> bool:
    """Whether one of the processes, or a server, was away in that time. A process is named with or without its start:
    web1.2 is the second that was web1."""
    return any(
        each.began < end and each.ended > max(begin, each.began) and _is_one_of(each.process, processes)
        for each in outages
    )


def _is_one_of(away: str, processes: tuple[str, str]) -> bool:
    return not away or away in processes or away.partition(".")[0] in processes
