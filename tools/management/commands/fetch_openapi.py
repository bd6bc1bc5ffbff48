"""`manage.py fetch_openapi URL`: an OpenAPI file is fetched once and kept, and tools are made of the copy."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tools.errors import OutwardError
from tools.openapi import kept
from tools.openapi.reading import Document, DocumentRefused
from tools.outward import Answer, fetch


class Command(BaseCommand):
    help = "Fetches an OpenAPI file and keeps it in PARLEY_DATA, for tools.from_openapi(URL). Again, for a newer one."
    requires_system_checks = []  # one of them says that this is to be run

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", help="as tools.from_openapi names it")

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["url"]
        try:
            document = self._kept(url, asyncio.run(fetch(url, max_bytes=settings.OPENAPI_MAX_BYTES)))
        except (DocumentRefused, OutwardError) as error:
            raise CommandError(f"Nothing was kept: {error}") from error
        title = str((document.get("info") or {}).get("title") or "")[:100]
        self.stdout.write(f"Kept: {title or url}, {len(document['paths']):,} paths. Restart Parley to use it.")

    def _kept(self, url: str, answer: Answer) -> Document:
        if answer.status != 200:
            raise CommandError(f"Nothing was kept: {url} answered {answer.status}, not 200.")
        return kept.keep(url, answer.body)
