"""The doing: each chore has a task of its own in each process, so none waits for another or ends with it."""

import asyncio
import logging
import pathlib
import random
import traceback
from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts.db import AWAY, db
from chat.ops.chores import lease
from chat.ops.chores.table import CHORES, Duty

PAUSE_S = 0.05  # between two batches: others want to write too
log = logging.getLogger(__name__)


async def run() -> None:
    """Do each chore whenever it is due and nobody else is at it, for ever; at once over where all of them are off."""
    await asyncio.gather(*(_keep(duty) for duty in CHORES))


async def _keep(duty: Duty) -> None:
    while every_s := duty.every_s:
        await asyncio.sleep(every_s / duty.looks * random.uniform(0.5, 1.0))  # not all processes in step
        try:
            if await db(_claimed, duty):
                await _do(duty)
        except DatabaseFault as error:
            log.warning("%s waits, the database does not answer: %s", duty.name, type(error).__name__)
        except Exception:
            log.exception("%s could not begin or end; it is tried again", duty.name)


def _claimed(duty: Duty) -> bool:
    return duty.has_work() and lease.claim(duty)


async def _do(duty: Duty) -> None:
    doing = batches(duty)
    while await db(next, doing, False):  # noqa: ASYNC110 - a pause, it waits for nothing
        await asyncio.sleep(PAUSE_S)


def batches(duty: Duty) -> Iterator[bool]:
    """Do a chore that we have claimed: True after each batch but the last, for a pause. Its row tells how it ended.

    Ends early where the chore is somebody else's by now. Raises where the database is away: then the lease lapses, and
    whoever looks first begins again. Sync.
    """
    counts: dict[str, int] = {}
    try:
        steps = duty.begin()
        counts = steps.counts
        while steps.step():
            yield True
            if not lease.renew(duty):
                log.warning("%s took too long over a batch: another process is at it", duty.name)
                return
    except AWAY:
        raise
    except Exception as error:
        log.exception("%s failed; it is tried again when it is due again", duty.name)
        lease.finish(duty, _some(counts), _where(error))
        return
    _end(duty, _some(counts))


def _end(duty: Duty, told: dict[str, int]) -> None:
    lease.finish(duty, told)
    if told:
        log.info("%s: %s", duty.name, ", ".join(f"{count} {name}" for name, count in told.items()))


def _some(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _where(error: Exception) -> str:
    """The error's class and the place in our code; its text stays in the log, as it may quote what people said."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _is_ours(each.filename)]
    file = pathlib.Path(frames[-1].filename).relative_to(settings.BASE_DIR)
    return f"{type(error).__name__} in {frames[-1].name}, {file}:{frames[-1].lineno}"


def _is_ours(file: str) -> bool:
    return pathlib.Path(file).is_relative_to(settings.BASE_DIR) and "site-packages" not in file
