"""A person's tokens at an MCP server: stored, used, and renewed by one at a time over all processes.

Authorization servers give each refresh token once: of two who bring the same, the second ends the whole sign-in. So who
renews first claims the row; the others wait for what comes of it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.db import db
from accounts.secrets import SecretUnreadable, opened, seal
from tools.mcp.oauth import flow
from tools.mcp.oauth.authority import Kept
from tools.mcp.oauth.errors import NotSignedIn, SignInError
from tools.mcp.oauth.flow import Begun, Tokens
from tools.models import McpSignIn

EARLY_S = 60.0  # a token is renewed so long before it ends
SPARE_S = 15.0  # for writing down what was renewed; then whoever claimed it has died
PAUSE_S = 0.2  # between two looks at what somebody else renews

_renewing: set[asyncio.Task["Access"]] = set()


@dataclass(frozen=True)
class Access:
    """What opens the server for one person now."""

    sign_in: UUID
    version: int
    token: str = field(repr=False)


async def access_of(server: UUID, user: UUID) -> Access:
    """The person's token, renewed where it has ended. Raises NotSignedIn, SignInError."""
    row = await db(_row, server, user)
    if row.expires_at is None or row.expires_at > timezone.now() + timedelta(seconds=EARLY_S):
        return await db(_opened, row)
    return await _renewed(row)


async def renewed(server: UUID, user: UUID, refused: Access) -> Access:
    """Another one than the server has refused just now. Raises NotSignedIn, SignInError."""
    row = await db(_row, server, user)
    return await (db(_opened, row) if row.version != refused.version else _renewed(row))


def keep(server: UUID, user: UUID, begun: Begun, tokens: Tokens) -> None:
    """Store what a sign-in has come to, in the place of an older one."""
    told = {**_told(tokens), "issuer": begun.issuer, "client_id": begun.client, "wanted": ""}
    told["scope"] = flow.scope_of(tokens, begun.scope)
    told["refresh_token"] = seal(tokens.refresh_token) if tokens.refresh_token else ""
    made, is_new = McpSignIn.objects.get_or_create(server_id=server, user_id=user, defaults=told)
    if not is_new:
        McpSignIn.objects.filter(pk=made.pk).update(version=F("version") + 1, renewing_until=None, **told)


def want(server: UUID, user: UUID, scope: str) -> None:
    """Ask for this, too, when the person signs in next."""
    McpSignIn.objects.filter(server=server, user=user).update(wanted=scope[: flow.SCOPE_MAX_CHARS])


def _row(server: UUID, user: UUID) -> McpSignIn:
    """With its server. Raises NotSignedIn where there is none of the authorization server that is asked today."""
    row = McpSignIn.objects.select_related("server").filter(server=server, user=user).first()
    kept = Kept.of(row.server.authority) if row else None
    if row is None or kept is None or (row.issuer, row.client_id) != (kept.authority.issuer, kept.client.id):
        raise NotSignedIn
    return row


def _opened(row: McpSignIn) -> Access:
    try:
        return Access(row.pk, row.version, opened(row.access_token))
    except SecretUnreadable:
        raise NotSignedIn from None


async def _renewed(row: McpSignIn) -> Access:
    """By whoever claims it; the others wait. What is under way ends, whoever still waits for it: else it is lost."""
    until = time.monotonic() + settings.MCP_CONNECT_TIMEOUT_S + SPARE_S
    while time.monotonic() < until:
        if await db(_claim, row):
            task = asyncio.create_task(_renew(row))
            _renewing.add(task)
            task.add_done_callback(_ended)
            return await asyncio.shield(task)
        await asyncio.sleep(PAUSE_S)
        before, row = row, await db(_row, row.server_id, row.user_id)
        if row.version != before.version:
            return await db(_opened, row)
    raise SignInError("down")


def _ended(task: asyncio.Task[Access]) -> None:
    """What came of it is in the row, for whoever asks next."""
    _renewing.discard(task)
    if not task.cancelled():
        task.exception()


async def _renew(row: McpSignIn) -> Access:
    kept = Kept.of(row.server.authority)
    assert kept is not None  # _row
    try:
        tokens = await flow.renewed(kept, await db(_refresh_token, row))
    except SignInError as error:
        await db(_give_up if error.code == "refused" else _let_go, row)
        if error.code == "refused":
            raise NotSignedIn from None
        raise
    return await db(_keep_renewed, row, tokens)


def _claim(row: McpSignIn) -> bool:
    """Whether it is this one who renews. Raises NotSignedIn where there is nothing to renew it by."""
    if not row.refresh_token:
        raise NotSignedIn
    now = timezone.now()
    is_free = Q(renewing_until=None) | Q(renewing_until__lt=now)
    until = now + timedelta(seconds=settings.MCP_CONNECT_TIMEOUT_S + SPARE_S)
    return bool(_same(row).filter(is_free).update(renewing_until=until))


def _refresh_token(row: McpSignIn) -> str:
    try:
        return opened(row.refresh_token)
    except SecretUnreadable:
        raise SignInError("refused") from None


def _keep_renewed(row: McpSignIn, tokens: Tokens) -> Access:
    """A server that gives no new refresh token lets the old one hold, and one that says no scope means the same."""
    told = _told(tokens)
    if tokens.refresh_token:
        told["refresh_token"] = seal(tokens.refresh_token)
    if tokens.scope is not None:
        told["scope"] = flow.scope_of(tokens, "")
    if not _same(row).update(version=row.version + 1, renewing_until=None, **told):
        raise NotSignedIn  # signed out, or anew, meanwhile
    return Access(row.pk, row.version + 1, tokens.access_token)


def _told(tokens: Tokens) -> dict[str, object]:
    lasts = tokens.expires_in
    ends = None if lasts is None else datetime.fromtimestamp(time.time() + lasts, UTC)
    return {"access_token": seal(tokens.access_token), "expires_at": ends, "updated_at": timezone.now()}


def _give_up(row: McpSignIn) -> None:
    """It holds no more: the person signs in anew."""
    _same(row).delete()


def _let_go(row: McpSignIn) -> None:
    _same(row).update(renewing_until=None)


def _same(row: McpSignIn) -> QuerySet[McpSignIn]:
    return McpSignIn.objects.filter(pk=row.pk, version=row.version)
