"""`manage.py create_key EMAIL --organization NAME --scope llm --name NAME`: an API key, shown once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import audit
from accounts.errors import RequestError
from accounts.models import Organization, User
from accounts.sign_in import keys
from accounts.sign_in.scopes import SCOPES

DAYS_MAX = 3650


class Command(BaseCommand):
    help = (
        "Makes an API key with the rights of a person in one organization and prints it: it cannot be shown again. "
        "Programs send it as `Authorization: Bearer KEY`. revoke_key ends it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="whose rights it has")
        parser.add_argument("--organization", required=True, metavar="NAME", help="its name, or its id")
        scopes = "; ".join(f"{name}: {what}" for name, what in SCOPES.items())
        parser.add_argument("--scope", action="append", required=True, choices=list(SCOPES), dest="scopes", help=scopes)
        parser.add_argument("--name", required=True, help="what it is for, as people will find it in lists")
        parser.add_argument("--days", type=int, default=keys.LIFETIME.days, help="until it expires; 0: never")

    def handle(
        self, *args: Any, email: str, organization: str, scopes: list[str], name: str, days: int, **options: Any
    ) -> None:
        if not 0 <= days <= DAYS_MAX:
            raise CommandError(f"--days: expected 0 to {DAYS_MAX}.")
        user = User.objects.filter(email=email.lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email!r}. create_user makes a person.")
        ends = timezone.now() + timedelta(days=days) if days else None
        try:
            place = _organization(user, organization)
            key, token = keys.create_key(
                user=user, organization=place, scopes=scopes, name=name, expires_at=ends, by=audit.operator()
            )
        except RequestError as error:
            raise CommandError(error.message) from error
        until = f"until {ends:%Y-%m-%d}" if ends else "until it is revoked"
        self.stderr.write(f"{user.email} in {place}, for {', '.join(key.scopes)}, {until}. It is shown only now:")
        self.stdout.write(token)


def _organization(user: User, name: str) -> Organization:
    """The one of that name or id that the person is a member of."""
    theirs = list(Organization.objects.visible_to(user))
    found = [each for each in theirs if name in (each.name, str(each.pk))]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(each.pk) for each in found)
        raise CommandError(f"{len(found)} of their organizations are named {name!r}. Say which by its id: {ids}")
    names = ", ".join(repr(each.name) for each in theirs) or "none"
    raise CommandError(f"{user.email} is in no organization {name!r}; they are in: {names}.")
