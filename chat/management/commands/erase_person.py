"""`manage.py erase_person EMAIL`: erases a person, and says what there was of them in each store, and what is left."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.errors import RequestError
from accounts.models import User
from chat.management.commands.hand_over import person
from chat.services import people, stores


class Command(BaseCommand):
    help = (
        "Erases a person: their chats, what they said in those of others (ERASE_SHARED), what opens anything to them. "
        "Refused for the last owner of an organization: hand it over, or delete it, first. Says what was found and "
        "removed in each store; what a hold keeps is erased when that is released. Ends with 1 where something is left."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--dry-run", action="store_true", help="say what there is, and change nothing")
        parser.add_argument("--json", action="store_true", help="say it as one JSON object")

    def handle(self, *args: Any, email: str, dry_run: bool, json: bool, **options: Any) -> None:
        found = person(email)
        try:
            there, left = _there(found) if dry_run else _erased(found)
        except RequestError as error:
            raise CommandError(error.message) from error
        self._tell(there, left, dry_run, json)
        if left and not dry_run:
            raise CommandError("Something is left: a hold keeps it, or the chore `erasure` goes on with it.")

    def _tell(self, there: dict[str, int], left: dict[str, int], dry_run: bool, as_json: bool) -> None:
        removed = {} if dry_run else {name: count - left.get(name, 0) for name, count in there.items()}
        if as_json:
            self.stdout.write(json.dumps({"found": there, "removed": removed, "left": left}))
            return
        self.stdout.write(f"{'found':>8} {'removed':>8}  store")
        for name, count in there.items():
            self.stdout.write(f"{count:>8} {removed.get(name, 0):>8}  {name}")
        self.stdout.write("Nothing was changed." if dry_run else "Their account is closed.")


@transaction.atomic
def _there(found: User) -> tuple[dict[str, int], dict[str, int]]:
    """What there is of them. Raises Conflict where they could not go."""
    people.require_replaced(found)
    people.require_at_rest(found)
    people.require_unprotected(found)
    there = stores.found(found.pk)
    return there, there


def _erased(found: User) -> tuple[dict[str, int], dict[str, int]]:
    id, there = found.pk, stores.found(found.pk)
    people.delete_oneself(found)
    return there, stores.found(id)
