"""Sending what is due, in every process, beside its runs: nobody who does something waits for it."""

import asyncio
import logging

from django.conf import settings
from django.db import Error as DatabaseFault

from accounts.db import db
from chat.webhooks import waking
from chat.webhooks.claiming import Due, Told, claim, note
from chat.webhooks.signing import headers
from tools.cleaning import clean
from tools.errors import OutwardError
from tools.outward import fetch

log = logging.getLogger(__name__)
ANSWER_MAX_BYTES = 1_000  # of what a receiver says, so much is kept
UNREADABLE = "Its secret cannot be read: it was sealed by a key that is not among SECRETS_KEYS any more. Rotate it."


async def run() -> None:
    """Deliver whatever is due, for ever; at once over where WEBHOOKS_EVERY_S is 0."""
    if settings.WEBHOOKS_EVERY_S:
        await _Sender().run()


class _Sender:
    """The deliveries under way in this process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._may_be_due = waking.bind()

    async def run(self) -> None:
        """Look whenever something was written or is over here, and every now and then for what others left."""
        while True:
            for each in await self._claim():
                task = asyncio.create_task(deliver(each))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
            await self._rung()

    async def _claim(self) -> list[Due]:
        room = settings.WEBHOOKS_AT_ONCE - len(self._tasks)
        try:
            return await db(claim, room) if room > 0 else []
        except DatabaseFault as error:
            log.warning("webhooks wait, the database does not answer: %s", type(error).__name__)
        except Exception:
            log.exception("webhooks could not be looked at; it is tried again")
        return []

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._may_be_due.set()

    async def _rung(self) -> None:
        try:
            async with asyncio.timeout(settings.WEBHOOKS_EVERY_S):
                await self._may_be_due.wait()
        except TimeoutError:
            pass
        self._may_be_due.clear()


async def deliver(due: Due) -> None:
    """Try one, and write down what has come of it. What cannot be written down is tried again, with the same id."""
    try:
        await db(note, due, await _tried(due))
    except DatabaseFault as error:
        log.warning("delivery %s is tried again, the database does not answer: %s", due.id, type(error).__name__)
    except Exception:
        log.exception("delivery %s broke off; it is tried again", due.id)


async def _tried(due: Due) -> Told:
    if not due.secrets:
        return Told(error=UNREADABLE)
    try:
        answer = await fetch(
            due.url,
            method="POST",
            headers={"Content-Type": "application/json", **headers(due.event, due.body, due.secrets)},
            body=due.body.encode(),
            timeout_s=settings.WEBHOOKS_TIMEOUT_S,
            first_bytes=ANSWER_MAX_BYTES,
        )
    except OutwardError as error:
        return Told(error=str(error))
    return Told(answer.status, clean(answer.body.decode(errors="replace")), headers=answer.headers)
