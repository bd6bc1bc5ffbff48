"""`manage.py create_user EMAIL --organization NAME --role ROLE`: one more person."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.errors import Invalid
from accounts.models import Membership, Organization, Role, User
from accounts.organizations.noting import joined, made_person
from accounts.sign_in.new_people import checked_email, weakness


class Command(BaseCommand):
    help = (
        "Makes a person and a member of an organization. The password comes from PARLEY_PASSWORD, or is asked for. "
        "Who is there already keeps their password and becomes a member. An owner may begin a new organization."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--organization", required=True, metavar="NAME", help="its name, or its id")
        parser.add_argument("--role", choices=Role.values, default=Role.EDITOR.value, help="editor unless given")
        parser.add_argument("--name", default="", help="what other people see; the address's first part unless given")

    def handle(self, *args: Any, email: str, organization: str, role: str, name: str, **options: Any) -> None:
        try:
            email = checked_email(email)
        except Invalid as error:
            raise CommandError(error.message) from error
        _check_length("--organization", organization, Organization, least=1)
        _check_length("--name", name, User)
        user = User.objects.filter(email=email).first()
        password = "" if user else _password()  # asked for before the transaction, which holds a lock
        with transaction.atomic():
            place = _organization(organization, Role(role))
            if user and Membership.objects.filter(user=user, organization=place).exists():
                raise CommandError(
                    f"{email} is a member of {place} already. Roles are changed in the admin or by the API."
                )
            member = user or User.objects.create_user(email, password, name=name)
            if user is None:
                made_person(member, by=audit.operator(), organization_id=place.pk)
            joined(Membership.objects.create(organization=place, user=member, role=role), by=audit.operator())
        how = "was there already and keeps their password; now" if user else "was made:"
        self.stdout.write(f"{email} {how} {role} in {place}.")


def _check_length(option: str, text: str, table: type[Organization] | type[User], *, least: int = 0) -> None:
    """Raises CommandError for a name that the table does not hold."""
    most = table._meta.get_field("name").max_length
    assert most is not None
    if not least <= len(text.strip()) <= len(text) <= most:
        raise CommandError(f"{option}: expected {least} to {most} characters.")


def _password() -> str:
    """PARLEY_PASSWORD, or what is typed twice."""
    password = settings.PARLEY_PASSWORD or _asked_for()
    if reason := weakness(password):
        raise CommandError(f"That password will not do: {reason}")
    return password


def _asked_for() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Give the password in PARLEY_PASSWORD: there is no terminal to ask on.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise CommandError("The two are not the same.")
    return password


def _organization(name: str, role: Role) -> Organization:
    """The one of that name or id; a new one for its first owner."""
    found = list(Organization.objects.filter(pk=name) if _is_id(name) else Organization.objects.filter(name=name))
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(one.pk) for one in found)
        raise CommandError(f"{len(found)} organizations are named {name!r}. Say which by its id: {ids}")
    if role is Role.OWNER and not _is_id(name):
        return Organization.objects.create(name=name)
    names = ", ".join(repr(one) for one in Organization.objects.values_list("name", flat=True)[:20]) or "none yet"
    raise CommandError(f"There is no organization {name!r}; there are: {names}. With --role owner it would be made.")


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
