"""What opens a server for one call: the project's token, or that of the person whose run it is, renewed in time."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from accounts.db import db
from tools.mcp.errors import McpError
from tools.mcp.oauth import tokens
from tools.mcp.oauth.errors import NotSignedIn, SignInError
from tools.mcp.oauth.tokens import Access
from tools.mcp.spec import ServerSpec
from tools.mcp.specs import spec_of
from tools.models import McpAuth, McpServer

Result = TypeVar("Result")


async def asked_as(user: UUID, server: McpServer, work: Callable[[ServerSpec], Awaitable[Result]]) -> Result:
    """What the work came to. Raises McpError, SecretUnreadable; NotSignedIn where the person has to sign in first."""
    spec = spec_of(server)
    if server.auth != McpAuth.OAUTH:
        return await work(spec)
    try:
        return await _as_person(user, spec, work)
    except SignInError as error:
        raise McpError("sign_in", error.host, str(error)) from None


async def _as_person(user: UUID, spec: ServerSpec, work: Callable[[ServerSpec], Awaitable[Result]]) -> Result:
    """A token that the server takes no more is renewed once, as nothing was done by it."""
    access = await tokens.access_of(spec.id, user)
    try:
        return await work(_opened(spec, user, access))
    except McpError as fault:
        if fault.code == "scope":
            await db(tokens.want, spec.id, user, fault.said)
            raise NotSignedIn from fault
        if fault.code != "auth":
            raise
    return await work(_opened(spec, user, await tokens.renewed(spec.id, user, access)))


def _opened(spec: ServerSpec, user: UUID, access: Access) -> ServerSpec:
    """A person's connections are theirs alone, and of this sign-in."""
    return replace(spec, token=access.token, principal=f"person {user} {access.sign_in}")


def sign_in_url(server: UUID) -> str:
    """The page on which a person signs in at the server: ours, so that it knows who they are."""
    return f"{settings.PARLEY_PUBLIC_URL}/servers/mcp/{server}/sign-in"
