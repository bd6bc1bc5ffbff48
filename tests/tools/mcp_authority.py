"""The SDK's own MCP server with its own authorization server, in a process: each refresh token holds once.

`python -m tests.tools.mcp_authority SECONDS` serves on a port that it prints, with access tokens that last so long.
Whoever opens the page of agreement has agreed, as the next person: "person 1", "person 2", ...
"""

import os
import secrets
import socket
import sys
import threading
import time
from collections import Counter

import anyio
import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp_types import ToolAnnotations
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

SLOWLY_S = 0.4  # that renewing takes: time for others to want the same
COUNTS: Counter[str] = Counter()


class People(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """All in memory. Who brings a refresh token a second time ends the whole sign-in."""

    def __init__(self, lasts_s: int) -> None:
        self.lasts_s = lasts_s
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.used: dict[str, str] = {}  # refresh tokens that were brought: of whom

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        COUNTS["clients"] += 1
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        COUNTS["people"] += 1
        code = secrets.token_urlsafe(24)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=f"person {COUNTS['people']}",
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        code = self.codes.pop(authorization_code.code)
        return self._tokens(code.client_id, code.scopes, code.resource, code.subject)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        if refresh_token in self.used:
            COUNTS["reused"] += 1
            self._end(self.used[refresh_token])
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        COUNTS["renewed"] += 1
        self.refresh.pop(refresh_token.token)
        self.used[refresh_token.token] = refresh_token.subject or ""
        await anyio.sleep(SLOWLY_S)
        return self._tokens(refresh_token.client_id, scopes, refresh_token.resource, refresh_token.subject)

    async def load_access_token(self, token: str) -> AccessToken | None:
        found = self.access.get(token)
        return found if found and (found.expires_at or 0) > time.time() else None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        COUNTS["revoked"] += 1
        self._end(token.subject or "")

    def _tokens(self, client: str, scopes: list[str], resource: str | None, subject: str | None) -> OAuthToken:
        access, refresh = f"canary-{secrets.token_urlsafe(24)}", f"canary-{secrets.token_urlsafe(24)}"
        told = {"client_id": client, "scopes": scopes, "resource": resource, "subject": subject}
        self.access[access] = AccessToken(token=access, expires_at=int(time.time()) + self.lasts_s + 1, **told)
        self.refresh[refresh] = RefreshToken(token=refresh, **told)
        return OAuthToken(access_token=access, refresh_token=refresh, expires_in=self.lasts_s, scope=" ".join(scopes))

    def _end(self, subject: str) -> None:
        self.access = {name: each for name, each in self.access.items() if each.subject != subject}
        self.refresh = {name: each for name, each in self.refresh.items() if each.subject != subject}


def made(url: str, lasts_s: int) -> MCPServer:
    """The server, whose tools know who asks."""
    people = People(lasts_s)
    server = MCPServer(
        "Shop",
        auth_server_provider=people,
        auth=AuthSettings(
            issuer_url=url,  # type: ignore[arg-type]
            resource_server_url=f"{url}/mcp",  # type: ignore[arg-type]
            client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=["shop"]),
            revocation_options=RevocationOptions(enabled=True),
            required_scopes=["shop"],
            validate_token_resource=True,
        ),
    )

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def who() -> str:
        """Who asks."""
        access = get_access_token()
        return f"You are {access.subject if access else 'nobody'}, with {access.token if access else 'nothing'}."

    @server.custom_route("/counts", methods=["GET"])
    async def counts(request: Request) -> Response:
        return JSONResponse({name: COUNTS[name] for name in ("clients", "people", "renewed", "reused", "revoked")})

    @server.custom_route("/forget", methods=["POST"])
    async def forget(request: Request) -> Response:
        people.access.clear()
        people.refresh.clear()
        return Response()

    return server


def main() -> None:
    """Serve until whoever began this is gone."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    print(port, flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    app = made(f"http://127.0.0.1:{port}", int(sys.argv[1])).streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])


if __name__ == "__main__":
    main()
