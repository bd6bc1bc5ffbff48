"""What every other test stands on."""

import asyncio

import pytest
from django.conf import settings
from django.db import connection

from accounts.db import db
from accounts.models import Organization, User
from chat.models import Chat
from tests import environment


def test_the_database_is_the_profile_s(db: None) -> None:
    vendors = {"embedded": "sqlite", "scaled": "postgresql"}
    assert connection.vendor == vendors[environment.profile()]
    assert bool(settings.REDIS_URL) == (environment.profile() == "scaled")


def test_each_worker_has_a_folder_and_a_database_of_its_own() -> None:
    assert environment.MADE.folders[0] == settings.PARLEY_DATA


def test_no_key_of_the_shell_reaches_the_tests() -> None:
    assert settings.OPENAI_API_KEY == ""


def test_charlie_is_outside(chat: Chat, charlie: User, elsewhere: Organization) -> None:
    assert Chat.objects.exists()
    assert not Chat.objects.visible_to(charlie).exists()
    assert list(Organization.objects.visible_to(charlie)) == [elsewhere]


@pytest.mark.django_db(transaction=True)
async def test_the_threads_of_db_see_the_rows_of_a_test(chat: Chat, alice: User) -> None:
    seen = await asyncio.gather(*[db(Chat.objects.visible_to(alice).count) for _ in range(8)])
    assert seen == [1] * 8
