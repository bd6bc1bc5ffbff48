"""An API key of a server's owner, as an operator makes one."""

from tests.live import OWNER, Server

ORGANIZATION = "First organization"  # what quickstart makes


def new_key(server: Server, *scopes: str) -> str:
    """A new key's text."""
    named = [word for scope in scopes for word in ("--scope", scope)]
    done = server.manage("create_key", OWNER, "--organization", ORGANIZATION, "--name", "tests", *named)
    return next(line for line in done.stdout.splitlines() if line.startswith("pk_"))
