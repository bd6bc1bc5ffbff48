"""A row as the client wants it: where the server is, with its token opened for this one use. Sync."""

import hashlib
from typing import TYPE_CHECKING

from accounts.secrets import opened
from tools.mcp.spec import ServerSpec
from tools.models import McpServer

if TYPE_CHECKING:
    from tools.openapi.masking import Mask


def spec_of(server: McpServer) -> ServerSpec:
    """The server as it may be asked now. Raises SecretUnreadable. Where people sign in themselves, without a token.

    Its connections are the project's, and of this address and token alone: with another one, a new connection.
    """
    mark = hashlib.sha256(f"{server.url} {server.token}".encode()).hexdigest()[:16]
    return ServerSpec(
        id=server.pk,
        url=server.url,
        token=opened(server.token) if server.token else None,
        protocol=server.protocol or None,
        discovered=server.discovered,
        principal=f"project {server.project_id} {mark}",
        project=server.project_id,
    )


def mask_of(spec: ServerSpec) -> "Mask":
    """Takes the server's token out of what it says."""
    from tools.openapi import masking  # not before a server is asked: what is beside it reads YAML

    return masking.mask_of(spec.token or "")
