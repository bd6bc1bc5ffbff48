"""Where somebody is signed in: what people see of it, and end. A row for each session and each pair of tokens.

A row says what is there; that a sign-in has ended is said by EndedSignIn (tokens, streams, tickets) and by its session
being gone. So a row that is missing lets nobody in and locks nobody out.
"""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import SignIn, User
from accounts.sign_in import ended, noting

IN_SESSION = "sign_in"  # under this name a session keeps its sign-in's id
AGENT_MAX_CHARS = 300
SEEN_EVERY_S = 600  # how exact last_seen_at is, for a browser's session; tokens are seen when they are refreshed
MOST_NOTED = 10_000  # sign-ins, of which a process remembers that it has noted them


def agent_of(request: HttpRequest) -> str:
    """How the program that asks calls itself, in one line."""
    named = request.META.get("HTTP_USER_AGENT", "")
    return " ".join("".join(each for each in named if each.isprintable()).split())[:AGENT_MAX_CHARS]


def note_tokens(user: User, agent: str) -> None:
    """The user has a pair of tokens of their sign-in, a new one or the next."""
    now = timezone.now()
    ends = now + ended.LONGEST
    if user.signed_in_until is not None:
        ends = min(ends, datetime.fromtimestamp(user.signed_in_until, UTC))
    seen = {"last_seen_at": now, "expires_at": ends}
    assert user.sign_in is not None, "whoever makes a pair names its sign-in"
    known = SignIn.objects.filter(pk=user.sign_in)
    if not known.update(**seen, **({"user_agent": agent} if agent else {})):
        SignIn.objects.create(pk=user.sign_in, user=user, user_agent=agent, token_version=user.token_version, **seen)


def begin_session(request: HttpRequest, user: User) -> SignIn:
    """The browser is signed in from now on: its session carries the sign-in's id."""
    session: Any = request.session
    if session.session_key is None:
        session.create()
    id, now = uuid4(), timezone.now()
    session[IN_SESSION] = str(id)
    _note(id)
    return SignIn.objects.create(
        pk=id, user=user, user_agent=agent_of(request), session_key=session.session_key,
        token_version=user.token_version, last_seen_at=now,
        expires_at=session.get_expiry_date(),
    )  # fmt: skip


def session_ends(request: HttpRequest, at: datetime) -> None:
    """The browser is signed in until then, and no longer."""
    request.session.set_expiry(at)
    if id := of_session(request):
        SignIn.objects.filter(pk=id).update(expires_at=at)


def end_before(request: HttpRequest) -> None:
    """What the browser was signed in to until now is over: its session has another key, or is gone."""
    key, id = request.COOKIES.get(settings.SESSION_COOKIE_NAME), of_session(request)
    ids = set(SignIn.objects.filter(session_key=key).values_list("pk", flat=True)) if key else set()
    for each in ids | ({id} if id else set()):
        ended.end_by_id(each)


def of_session(request: HttpRequest) -> UUID | None:
    """The sign-in of the request's session; None for a session that is older than these ids."""
    id = getattr(request, "session", {}).get(IN_SESSION)
    return UUID(id) if id else None


def see_session(request: HttpRequest, user: User) -> None:
    """Note that the session is used; one that has no row gets one. At most one query in SEEN_EVERY_S in a process."""
    id = of_session(request)
    if id is None:
        if getattr(request, "session", None) is not None and request.session.session_key:
            begin_session(request, user)
        return
    if _noted.get(id, -SEEN_EVERY_S) <= time.monotonic() - SEEN_EVERY_S:
        _note(id)
        SignIn.objects.filter(pk=id).update(last_seen_at=timezone.now())


_noted: dict[UUID, float] = {}


def _note(id: UUID) -> None:
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[id] = time.monotonic()


def sign_ins_of(user: User) -> QuerySet[SignIn]:
    """Theirs that hold, the one that was seen last first."""
    return SignIn.objects.visible_to(user).live()


def end_sign_in(user: User, id: UUID) -> None:
    """End one of theirs, at once: its session, its tokens, what it reads. Raises NotFound."""
    row = sign_ins_of(user).filter(pk=id).first()
    if row is None:
        raise NotFound
    with transaction.atomic():
        ended.end_by_id(row.pk)
        if row.session_key:
            Session.objects.filter(session_key=row.session_key).delete()
        noting.signed_out(user.pk, by=user)


def end_session(request: HttpRequest) -> None:
    """The session's sign-in is over: whoever reads by it is let go."""
    id = of_session(request)
    if id is not None:
        ended.end_by_id(id)


def keep_session(request: HttpRequest, user: User) -> None:
    """All of the user's sign-ins have just ended: the session of this request goes on, as a new one."""
    update_session_auth_hash(request, user)
    end_before(request)
    begin_session(request, user)


def forget_sessions(user: User) -> None:
    """Delete the sessions of somebody who goes: they would let nobody in, and lie there until they expire."""
    keys = SignIn.objects.filter(user=user).exclude(session_key="").values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
