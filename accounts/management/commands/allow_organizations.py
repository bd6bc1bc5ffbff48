"""`manage.py allow_organizations EMAIL`: this person may make organizations of their own, where operators alone may."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.organizations.services import MAY_MAKE


class Command(BaseCommand):
    help = (
        "Lets a person make organizations of their own (ORGANIZATIONS_BY=operators), or with --no-more takes it back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--no-more", action="store_true", help="take it back; what they made stays")

    def handle(self, *args: Any, email: str, no_more: bool, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower(), is_guest=False).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email!r}. Make them an account first: manage.py create_user.")
        app, codename = MAY_MAKE.split(".")
        permission = Permission.objects.get(content_type__app_label=app, codename=codename)
        change = user.user_permissions.remove if no_more else user.user_permissions.add
        change(permission)
        self.stdout.write(f"{user.email} may {'no longer ' if no_more else ''}make organizations.")
