"""One process that runs many manage.py commands on a server's data: Django is loaded once.

It reads a JSON list of arguments for each command, a line each, and answers with a line `{"told": ..., "failed": ...}`.
"""

import io
import json
import sys

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
        connections.close_all()
    return {"told": told.getvalue(), "failed": ""}


if __name__ == "__main__":
    main()
