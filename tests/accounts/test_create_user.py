"""manage.py create_user."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Membership, Organization, User

GOOD = "a long enough secret"


def create(email: str, *words: str) -> str:
    out = StringIO()
    call_command("create_user", email, *words, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def password(settings: Any) -> None:
    settings.PARLEY_PASSWORD = GOOD


def test_it_makes_a_member_who_can_sign_in(organization: Organization) -> None:
    assert create("Dora@Example.com", "--organization", "Acme", "--role", "viewer") == (
        "dora@example.com was made: viewer in Acme.\n"
    )
    dora = User.objects.get(email="dora@example.com")
    assert dora.check_password(GOOD) and not dora.is_staff
    assert Membership.objects.get(user=dora).role == "viewer"


def test_it_takes_the_organization_s_id(organization: Organization) -> None:
    create("dora@example.com", "--organization", str(organization.pk))
    assert Membership.objects.get(user__email="dora@example.com").organization == organization


def test_a_person_who_is_there_keeps_their_password(charlie: User, organization: Organization) -> None:
    assert "keeps their password" in create(charlie.email, "--organization", "Acme")
    assert not User.objects.get(pk=charlie.pk).check_password(GOOD)
    assert Membership.objects.filter(user=charlie).count() == 2


def test_a_first_owner_begins_an_organization(organization: Organization) -> None:
    create("dora@example.com", "--organization", "New", "--role", "owner")
    assert Membership.objects.get(organization__name="New").role == "owner"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no address", "--organization", "Acme"], "is no e-mail address"),
        (["dora@example.com", "--organization", "Akme"], "there are: 'Acme'"),
        (["dora@example.com", "--organization", "Acme", "--role", "king"], "invalid choice: 'king'"),
        (["dora@example.com"], "--organization"),
        (["alice@example.com", "--organization", "Acme"], "is a member of Acme already"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(words: list[str], said: str, alice: User) -> None:
    with pytest.raises(CommandError, match=said):
        create(*words)
    assert User.objects.count() == 1 and Organization.objects.count() == 1


@pytest.mark.parametrize(("password", "said"), [("short", "too short"), ("", "PARLEY_PASSWORD")])
def test_a_weak_or_missing_password_is_refused(
    password: str, said: str, organization: Organization, settings: Any
) -> None:
    settings.PARLEY_PASSWORD = password
    with pytest.raises(CommandError, match=said):
        create("dora@example.com", "--organization", "Acme")
    assert not User.objects.exists()


def test_two_organizations_of_one_name_are_told_apart_by_id(organization: Organization) -> None:
    twin = Organization.objects.create(name="Acme")
    with pytest.raises(CommandError, match=str(twin.pk)):
        create("dora@example.com", "--organization", "Acme")
