"""`manage.py revoke_key PREFIX`: end an API key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.models import ApiKey
from accounts.sign_in import keys


class Command(BaseCommand):
    help = "Ends the API key that begins so, at once and for good. Streams that it opened end within seconds."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "prefix", metavar="PREFIX", help="how the key begins, as in the admin: pk_ and 8 characters"
        )

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        found = list(ApiKey.objects.filter(prefix=prefix[: keys.SHOWN_CHARS]))
        if len(found) != 1:
            raise CommandError(f"{len(found) or 'No'} keys begin with that." + (" Use the admin." if found else ""))
        was_live = keys.revoke(found, by=audit.operator())
        self.stdout.write(f"{found[0]} is revoked." if was_live else f"{found[0]} was revoked before.")
