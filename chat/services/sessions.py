"""Sessions of system 2's door: opened with a run, and found again by the secret that its client holds. Sync."""

import functools
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.counts import is_full
from accounts.db.compiled import Compiled
from accounts.db.writes import Insert
from accounts.errors import NotFound, RequestError, TooMany
from accounts.models import User
from accounts.sign_in import keys
from accounts.sign_in.hashed import hash_of
from chat.metering import rates
from chat.metering.gcra import US, Standing
from chat.models import ChatSession, Run, Task


def open_session(*, user: User, run: Run, task: Task | None = None) -> ChatSession:
    """A session to read this run in, for CHAT_SESSION_S. The task is kept on it, on both messages and on the chat.

    Within the run's transaction, which has the chat locked. Raises TooMany.
    """
    theirs = ChatSession.objects.filter(user=user)
    if is_full(theirs, "SESSIONS_PER_PERSON"):
        told = f"{settings.SESSIONS_PER_PERSON} sessions of yours are kept still. Try again when some have ended."
        raise TooMany(told, code="too_many_sessions", retry_after_s=settings.CHAT_SESSION_S)
    _count_prompt(user, run)
    session = ChatSession(
        user=user,
        token_version=user.token_version,
        key=user.key,
        model=run.model,
        chat=run.asked_in,
        project_id=run.asked_in.project_id,
        task=task,
        run=run,
        expires_at=timezone.now() + timedelta(seconds=settings.CHAT_SESSION_S),
    )
    session.token_hash = hash_of(token_of(session.pk))
    _add([session])
    if task is not None:
        _keep(task, run)
    return session


def _count_prompt(user: User, run: Run) -> None:
    """Raise TooMany, `rate_limited`, for a chat with CHAT_SESSION_PROMPTS prompts within the last CHAT_SESSION_S."""
    most, window_s = settings.CHAT_SESSION_PROMPTS, settings.CHAT_SESSION_S
    if not most:
        return
    held = _held_us(run, most)
    left = most - len(held)
    if left:
        return rates.stand(user, [Standing("session", most, window_s, most, left - 1, window_s * US)])
    refused = Standing("session", most, window_s, most, 0, reset_us=held[-1], wait_us=held[0])
    rates.stand(user, [refused])
    rates.refuse(refused)


def _held_us(run: Run, most: int) -> list[int]:
    """For how long each session of the run's chat counts still, the soonest first; so many at most. One query."""
    now = timezone.now()
    soonest = _held(most)(run.asked_in.pk, now)
    return [(each - now) // timedelta(microseconds=1) for each in soonest]


@functools.cache
def _held(most: int) -> Compiled[datetime]:
    """When so many sessions of a chat end that have not yet, the soonest first."""

    def find(chat: UUID, now: datetime) -> Any:
        held = ChatSession.objects.filter(chat_id=chat, expires_at__gt=now).order_by("expires_at")
        return held.values_list("expires_at", flat=True)[:most]

    return Compiled(find, UUID, datetime)


REFUSED = "chat.services.sessions.refused"


def refused_session(error: RequestError) -> str:
    """The id of a session that only says why nothing was started, for CHAT_SESSION_S. Nothing of it is stored."""
    return signing.dumps([error.code, error.message], salt=REFUSED)


def raise_refusal(token: str) -> None:
    """Raise what was refused, where this is such an id."""
    try:
        code, message = signing.loads(token, salt=REFUSED, max_age=settings.CHAT_SESSION_S)
    except signing.BadSignature:
        return
    raise RequestError(message, code=code)


def token_of(session: UUID) -> str:
    """The session's id on the wire: made from the server's secret, so that it need not be stored to be told again."""
    return salted_hmac("chat.models.ChatSession", str(session), algorithm="sha256").hexdigest()


def find_session(token: str) -> ChatSession:
    """The session of that id, with its user. Raises NotFound where there is none or it has ended."""
    session = _sessions.first(hash_of(token))
    if session is None or not _is_users_still(session):
        raise unknown_session()
    session.user.key = session.key  # it opens no more than what made it, and no longer
    if session.expires_at <= timezone.now():
        raise NotFound("The session has expired. Start a new one.", code="session_expired")
    return session


_add = Insert(ChatSession)
_sessions: Compiled[ChatSession] = Compiled(
    lambda token: ChatSession.objects.select_related("user", "key").filter(token_hash=token), str
)


def unknown_session() -> NotFound:
    """What is said of a session that never was, has lost its user, or is somebody else's: the three look the same."""
    return NotFound("There is no such session, or it is not yours. Start a new one.", code="session_unknown")


def _is_users_still(session: ChatSession) -> bool:
    if session.key is not None:
        return keys.holds(session.key)
    return session.user.is_active and session.user.token_version == session.token_version


def _keep(task: Task, run: Run) -> None:
    for message in (run.question, run.answer):
        message.task = task
        message.save(update_fields=["task"])
    run.asked_in.tasks.add(task)
