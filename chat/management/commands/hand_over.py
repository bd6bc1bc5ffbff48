"""`manage.py hand_over FROM TO [--organization NAME]`: one person's chats become another's."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.admin_lists import as_uuid
from accounts.errors import RequestError
from accounts.models import Organization, User
from chat.services import people


class Command(BaseCommand):
    help = "Makes the chats of one person another's own, all of them or those in one organization."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="FROM", help="an address")
        parser.add_argument("to", metavar="TO", help="the address of somebody who may write where the chats are")
        parser.add_argument("--organization", default="", metavar="NAME", help="its name, or its id")

    def handle(self, *args: Any, source: str, to: str, organization: str, **options: Any) -> None:
        place = _organization(organization) if organization else None
        try:
            count = people.hand_over(source=person(source), to=person(to), by=None, organization=place)
        except RequestError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{count} chats of {source} are {to}'s now.")


def person(email: str) -> User:
    """Who signs in with the address. Raises CommandError."""
    found = User.objects.filter(email=email.strip().lower()).first()
    if found is None:
        raise CommandError(f"Nobody signs in as {email!r}.")
    return found


def _organization(name: str) -> Organization:
    by = {"pk": name} if as_uuid(name) else {"name": name}
    found = list(Organization.objects.filter(**by)[:2])
    if len(found) != 1:
        raise CommandError(f"There are {len(found)} organizations {name!r}; expected one. Say which by its id.")
    return found[0]
