"""`python manage.py COMMAND`: what cannot be done for a reason outside of the code is said in one sentence."""

import gc
import os
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config.logs import cut

OF_THE_CODE = ("makemigrations", "makemessages", "compilemessages", "startapp")  # their files are for everybody


def run(words: Sequence[str]) -> None:
    """Run one management command with Parley's settings. Exits with 1 where it cannot, and tells why."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if any("\udc80" <= each <= "\udcff" for word in words for each in word):
        sys.exit("An argument is no text in UTF-8. Type it again, in a terminal that speaks UTF-8.")
    try:
        _run(words)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--traceback" in words or not (reason := _reason(error)):
            raise
        sys.exit(cut(reason))


def _run(words: Sequence[str]) -> None:
    gc.disable()  # what is imported stays: to look for garbage in it takes a fifth of a server's start
    import config.settings  # noqa: F401  (Django's own way would show a trace for what it says)
    from config.own_apps.loading import set_up
    from config.own_files import keep_to_owner

    if not {*words} & {*OF_THE_CODE}:
        keep_to_owner()
    if os.environ.get("RUN_MAIN") != "true":  # runserver's own process waits for a change, and shows the trace
        set_up()
    gc.freeze()  # nor is it walked through later
    gc.enable()
    execute_from_command_line(list(words))


def _reason(error: Exception) -> str | None:
    """What went wrong outside of the code, and what to do; None for a bug of ours."""
    from accounts.db.faults import fault_of

    fault = fault_of(error)
    return fault.in_words(error) if fault else None
