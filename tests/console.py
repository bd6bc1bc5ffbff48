"""One process that runs many manage.py commands on a server's data: Django is loaded once.

It reads a JSON list of arguments for each command, a line each, and answers with a line `{"told": ..., "failed": ...}`.
`token EMAIL`, which is none of manage.py's, tells a bearer token of that person.
"""

import io
import json
import sys
from typing import Any

import django
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import CommandError, call_command
from django.db import connections


class QuickHasher(PBKDF2PasswordHasher):
    """Makes hashes that the server can check as it does its own, in no time. The server makes none of these."""

    iterations = 1


def main() -> None:
    """Until its input ends."""
    django.setup()
    settings.PASSWORD_HASHERS = [f"{__name__}.QuickHasher"]
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(arguments: list[str]) -> dict[str, str]:
    """What the command told, or why it failed."""
    told = io.StringIO()
    try:
        if arguments[0] == "token":
            told.write(token_of(arguments[1]))
        else:
            call_command(*arguments, stdout=told)
    except CommandError as error:
        return {"told": told.getvalue(), "failed": str(error)}
    finally:
        leave()
    return {"told": told.getvalue(), "failed": ""}


def token_of(email: str) -> str:
    from accounts.models import User
    from accounts.sign_in.tokens import AccessToken

    return str(AccessToken.of(User.objects.get(email=email)))


def leave() -> None:
    """Keep no connection: a PostgreSQL that restarts ends them all, and a command begins as in a process of its own."""
    connection: Any = connections["default"]
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


if __name__ == "__main__":
    main()
