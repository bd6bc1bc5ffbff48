"""`manage.py hold`: lists the holds that hold, places one, or releases one."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import RequestError
from chat.management.commands.hand_over import person
from chat.models import Hold, HoldScope
from chat.services import holds

SCOPES = (HoldScope.ORGANIZATION, HoldScope.PROJECT, HoldScope.CHAT)


class Command(BaseCommand):
    help = (
        "Lists the holds that hold. With --user, --organization, --project or --chat places one, with --release ends "
        "one. What a hold is on is not erased, though it may be deleted; what was, is erased when no hold is on it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--user", metavar="EMAIL", help="hold all chats of this person, and what they said elsewhere")
        for scope in SCOPES:
            what.add_argument(f"--{scope}", type=UUID, metavar="ID", help=f"hold the {scope}")
        what.add_argument("--release", type=UUID, metavar="ID", help="release the hold of this id")
        parser.add_argument("--reason", default="", help="such as the number of a case; needed to place one")

    def handle(self, *args: Any, user: str | None, release: UUID | None, reason: str, **options: Any) -> None:
        scope, subject = next(((str(each), options[each]) for each in SCOPES if options[each]), (HoldScope.USER, None))
        subject = person(user).pk if user else subject
        if release:
            self._release(release)
        elif subject:
            self._place(str(scope), subject, reason)
        else:
            self._list()

    def _place(self, scope: str, subject: UUID, reason: str) -> None:
        if not reason.strip():
            raise CommandError("Say why: --reason TEXT.")
        try:
            made = holds.place(scope=scope, subject=subject, reason=reason.strip(), by=None)
        except RequestError as error:
            raise CommandError(" ".join(text for texts in error.fields.values() for text in texts)) from error
        self.stdout.write(f"Hold {made.pk} is placed on the {scope} {made.name}.")

    def _release(self, id: UUID) -> None:
        found = Hold.objects.live().filter(pk=id).first()
        if found is None:
            raise CommandError(f"There is no hold {id} that holds.")
        holds.release(found, None)
        self.stdout.write("It is released. `manage.py chores --run erasure` erases at once what was deleted meanwhile.")

    def _list(self) -> None:
        for each in Hold.objects.live():
            self.stdout.write(f"{each.pk}  {each.scope} {each.subject} ({each.name}): {each.reason}")
        if not Hold.objects.live().exists():
            self.stdout.write("There is none.")
