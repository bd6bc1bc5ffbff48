"""`manage.py reset_link EMAIL`: a link by which a person sets a new password, to hand on."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.sign_in.resetting import link_for


class Command(BaseCommand):
    help = "Prints a link by which the person sets a new password. It works once; a change of password ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower(), is_active=True, is_guest=False).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email!r}, or they are deactivated.")
        self.stderr.write(f"For {user.email}, once, for {settings.RESET_LIFETIME_S} seconds:")
        self.stdout.write(link_for(user, by=None))
