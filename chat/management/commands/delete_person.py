"""`manage.py delete_person EMAIL`: says what goes with a person; with --yes, they go."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import RequestError
from chat.management.commands.hand_over import person
from chat.services import people


class Command(BaseCommand):
    help = "Says what is deleted with a person, and with --yes deletes it. Chats that others need: hand_over first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--yes", action="store_true", help="delete them; else nothing is changed")

    def handle(self, *args: Any, email: str, yes: bool, **options: Any) -> None:
        found = person(email)
        counts = people.what_goes(found)
        self.stdout.write("\n".join([f"With {email} goes:", *(f"{n:>8}  {kind}" for kind, n in counts.items())]))
        if not yes:
            self.stdout.write("Nothing was changed. Chats that others need: manage.py hand_over. To delete: --yes.")
            return
        try:
            people.delete_person(found, by=None)
        except RequestError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{email} is deleted.")
