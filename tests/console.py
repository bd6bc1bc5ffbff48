"""One process that runs many manage.py commands on a server's data: Django is loaded once.

It reads a JSON list of arguments for each command, a line each, and answers with a line `{"told": ..., "failed": ...}`.
"""

import io
import json
import sys
from typing import Any

import django
from django.core.management import CommandError, call_command
from django.db import connections


def main() -> None:
    """Until its input ends."""
    django.setup()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(arguments: list[str]) -> dict[str, str]:
    """What the command told, or why it failed."""
    told = io.StringIO()
    try:
        call_command(*arguments, stdout=told)
    except CommandError as error:
        return {"told": told.getvalue(), "failed": str(error)}
    finally:
        leave()
    return {"told": told.getvalue(), "failed": ""}


def leave() -> None:
    """Keep no connection: a PostgreSQL that restarts ends them all, and a command begins as in a process of its own."""
    connection: Any = connections["default"]
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


if __name__ == "__main__":
    main()
