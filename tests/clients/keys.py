"""An API key of a server's owner, as an operator makes one."""

from tests.live import OWNER, Server

ORGANIZATION = "First organization"  # what quickstart makes


def new_key(server: Server, *scopes: str) -> str:
    """A new key's text."""
    named = [word for scope in scopes for word in ("--scope", scope)]
    told = server.quickly("create_key", OWNER, "--organization", ORGANIZATION, "--name", "tests", *named)
    return next(line for line in told.splitlines() if line.startswith("pk_"))
