"""Refreshes: a server of other houses is asked which tools it has, and what is new, changed or gone is written down."""

import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from accounts.db import db
from accounts.permissions import Permissions
from accounts.secrets import SecretUnreadable
from agents import events as ev
from agents.errors import WorkFailed
from agents.events import AnyEvent
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.models.facts import RunFacts
from chat.runner.kinds.base import Kind
from tools.mcp.acting import asked_as
from tools.mcp.client import discover
from tools.mcp.errors import McpCode, McpError
from tools.mcp.oauth.errors import NotSignedIn
from tools.mcp.rows import ServerChanged, take
from tools.mcp.spec import Found, ServerSpec
from tools.models import McpServer, McpServerState

NAME = "discover"
CODES: dict[McpCode, str] = {
    "auth": "mcp_auth",
    "scope": "mcp_auth",
    "sign_in": "mcp_sign_in",
    "refused_url": "mcp_refused",
    "refused_address": "mcp_refused",
    "moved": "mcp_refused",
    "too_large": "mcp_invalid",
    "bad_answer": "mcp_invalid",
    "not_found": "mcp_invalid",
}
SPARE_S = 30.0  # the client says itself what took too long
UNAVAILABLE = "mcp_unavailable"  # all else: it may go better at another time
MOVED_ON = "The server was changed or taken away meanwhile. Refresh it again."
SIGN_IN = "Sign in at the server first, then ask again."
UNREADABLE = "The token that is stored cannot be read. Give it anew."


class Asked(msgspec.Struct, frozen=True):
    """Which server is asked: its run's request."""

    server: UUID


class DiscoverWork:
    """One refresh. Whoever takes it over asks again."""

    input_tokens = 0
    read_from = None
    reason = "stop"

    def __init__(self, run: Run) -> None:
        self.timeout_s = settings.MCP_CONNECT_TIMEOUT_S + settings.MCP_LIST_TIMEOUT_S + SPARE_S
        self.asked = msgspec.convert(run.request, Asked)
        self.user = run.user_id
        self.result: Any = None

    def goes_on_from(self, fold: Fold) -> None:
        """It begins anew."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """Nothing."""
        return []

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """That it asks. Raises WorkFailed; then what is known of the server's tools stays as it was."""
        yield [ev.WorkProgressed(at=time.time(), text="Asking for its tools", done=0, total=0)]
        try:
            spec, found = await asked_as(self.user, await db(self._server), _asked)
            self.result = asdict(await db(take, spec, found))
        except McpError as error:
            code = CODES.get(error.code, UNAVAILABLE)
            raise WorkFailed(code, error.person, retryable=code == UNAVAILABLE) from error
        except NotSignedIn as error:
            raise WorkFailed("mcp_sign_in", SIGN_IN) from error
        except SecretUnreadable as error:
            raise WorkFailed("mcp_auth", UNREADABLE) from error
        except (ServerChanged, McpServer.DoesNotExist) as error:
            raise WorkFailed(UNAVAILABLE, MOVED_ON, retryable=True) from error

    def _server(self) -> McpServer:
        """Without what is known of it: which protocol it speaks may have changed."""
        server = McpServer.objects.get(pk=self.asked.server)
        server.protocol, server.discovered = "", None
        return server


async def _asked(spec: ServerSpec) -> tuple[ServerSpec, Found]:
    return spec, await discover(spec)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> DiscoverWork:
    """The work, from what was asked."""
    return DiscoverWork(run)


def end(run: RunFacts, fold: Fold) -> None:
    """Write to the server why it came to nothing; what it has come to is there already."""
    terminal = fold.terminal
    if run.asked and isinstance(terminal, ev.RunFailed):
        error = {"code": terminal.code, "message": terminal.message}
        rows = McpServer.objects.filter(pk=msgspec.convert(run.asked, Asked).server)
        rows.update(state=McpServerState.FAILED, error=error)


KIND = Kind(NAME, load, end, asks_model=False, needs="admin")
