"""What opens an MCP server: nothing, a token of the project, or people's own sign-ins there. Stores nothing."""

from accounts.errors import refuse
from tools.models import McpAuth, McpServer

TOKEN = "Expected none: people sign in at this server themselves (auth is oauth)."
NO_TOKEN = "Expected the token that is sent as a bearer token."
LEFT = "Expected none: with a token, auth is bearer."
CLIENT = "Expected none where auth is not oauth."
ALONE = "Expected none without a client_id."


def set_opening(
    server: McpServer,
    *,
    auth: str | None = None,
    token: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
) -> None:
    """Set it in the row; None leaves what is there, and an `auth` that is not named follows from the token. Secrets
    come sealed. Raises Invalid.
    """
    is_oauth = (auth or (server.auth if not token else "")) == McpAuth.OAUTH
    if is_oauth:
        _set_oauth(server, token, client_id, client_secret)
    else:
        _require_none(client_id=client_id, client_secret=client_secret)
        _set_token(server, auth, token)


def _set_oauth(server: McpServer, token: str | None, client_id: str | None, client_secret: str | None) -> None:
    """Another client is another registration: what was found is found anew, and nobody is signed in by it."""
    if token:
        raise refuse("token", TOKEN)
    if server.auth != McpAuth.OAUTH or client_id is not None or client_secret is not None:
        server.authority = None
    server.auth, server.token = McpAuth.OAUTH, ""
    if client_id is not None:
        server.client_id, server.client_secret = client_id, ""  # a secret is of one client
    if client_secret is not None:
        server.client_secret = client_secret
    if server.client_secret and not server.client_id:
        raise refuse("client_secret", ALONE)


def _require_none(**client: str | None) -> None:
    for field, value in client.items():
        if value:
            raise refuse(field, CLIENT)


def _set_token(server: McpServer, auth: str | None, token: str | None) -> None:
    server.token = server.token if token is None else token
    if auth == McpAuth.NONE and token:
        raise refuse("token", LEFT)
    if auth == McpAuth.NONE:
        server.token = ""
    if auth == McpAuth.BEARER and not server.token:
        raise refuse("token", NO_TOKEN)
    server.auth = McpAuth.BEARER if server.token else McpAuth.NONE
    server.client_id, server.client_secret, server.authority = "", "", None
