"""`manage.py test_sse URL`: do events pass as they are sent, and if not, what holds them back?"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.ops.sse_check import Unreachable, diagnose, measure, report


class Command(BaseCommand):
    help = (
        "Reads a test stream through whatever lies before the server, shows headers and gaps, and names what buffers."
    )
    requires_system_checks = ()  # it may run anywhere

    def add_arguments(self, parser: ArgumentParser) -> None:
        public = settings.PARLEY_PUBLIC_URL
        parser.add_argument("url", nargs="?", default=public, help=f"where people reach Parley ({public})")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        try:
            found = measure(url)
        except Unreachable as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(f"  {line}" for line in report(found)))
        if problems := diagnose(found):
            raise CommandError("\n".join(problems))
        self.stdout.write("Streams pass: every event came when it was sent.")
