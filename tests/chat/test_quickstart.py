"""manage.py quickstart: the first owner, once."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Membership, Organization, Project, User
from chat.models import Chat
from tests import environment
from tests.live import Server
from tools.git.repository import Repository

pytestmark = pytest.mark.django_db
GENERATED = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b")


def quickstart() -> str:
    out = StringIO()
    call_command("quickstart", stdout=out)
    return out.getvalue()


def test_it_makes_an_owner_who_can_begin_at_once() -> None:
    said = quickstart()
    owner = Membership.objects.get(role="owner").user
    project = Project.objects.get()
    chat = Chat.objects.visible_to(owner).get()
    assert chat.project == project
    assert chat.archetype == "project_navigator"
    assert "README.md" in {entry.path for entry in Repository(project.pk).at("main").list()}
    assert owner.email in said and owner.is_staff


def test_the_generated_password_is_shown_once_and_works() -> None:
    shown = GENERATED.search(quickstart())
    assert shown
    assert User.objects.get().check_password(shown[0])
    again = quickstart()
    assert not GENERATED.search(again)
    assert "changepassword owner@example.com" in again


def test_two_installations_get_two_passwords() -> None:
    first = GENERATED.search(quickstart())
    Organization.objects.all().delete()
    User.objects.all().delete()
    second = GENERATED.search(quickstart())
    assert first and second and first[0] != second[0]


def test_the_owner_is_the_one_the_environment_names(settings: Any) -> None:
    settings.PARLEY_OWNER_EMAIL, settings.PARLEY_OWNER_PASSWORD = "Me@Example.org", "a long enough secret"
    said = quickstart()
    assert User.objects.get(email="me@example.org").check_password("a long enough secret")
    assert "a long enough secret" not in said and not GENERATED.search(said)


def test_an_owner_who_is_there_keeps_their_password(settings: Any) -> None:
    settings.PARLEY_OWNER_EMAIL, settings.PARLEY_OWNER_PASSWORD = "me@example.org", "a long enough secret"
    quickstart()
    settings.PARLEY_OWNER_PASSWORD = "another long secret"
    said = quickstart()
    assert User.objects.get().check_password("a long enough secret")
    assert "not the one in PARLEY_OWNER_PASSWORD" in said and "changepassword me@example.org" in said


def test_a_second_owner_is_not_made_but_said_how_to(settings: Any) -> None:
    quickstart()
    settings.PARLEY_OWNER_EMAIL = "me@example.org"
    assert "create_user me@example.org" in quickstart()
    assert User.objects.count() == 1


def test_a_bad_address_is_refused_and_nothing_is_made(settings: Any) -> None:
    settings.PARLEY_OWNER_EMAIL = "no address"
    with pytest.raises(CommandError, match="PARLEY_OWNER_EMAIL: 'no address'"):
        quickstart()
    assert not User.objects.exists()


def test_a_weak_password_is_refused_in_production(settings: Any) -> None:
    settings.PARLEY_OWNER_PASSWORD = "short"
    settings.IS_DEVELOPMENT = False
    with pytest.raises(CommandError, match="too short"):
        quickstart()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("key", "url", "said"),
    [
        ("", "https://api.openai.com/v1", "demo"),
        ("sk-secret", "https://api.openai.com/v1", "gpt-4.1-mini at https://api.openai.com/v1"),
        ("", "http://127.0.0.1:11434/v1", "gpt-4.1-mini at http://127.0.0.1:11434/v1"),
    ],
)
def test_it_says_which_model_answers_and_never_the_key(key: str, url: str, said: str, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = key, url
    printed = quickstart()
    assert said in printed and "sk-secret" not in printed


@pytest.mark.live
def test_four_at_once_on_an_empty_database_make_one_owner() -> None:
    server = Server()
    with ThreadPoolExecutor(4) as pool:
        said = [done.stdout for done in pool.map(lambda _: server.manage("quickstart"), range(4))]
    count = "from accounts.models import *; print('count', Membership.objects.count(), Project.objects.count())"
    assert "count 1 1" in server.manage("shell", "-c", count).stdout
    assert sum("Made a first owner" in text for text in said) == 1


@pytest.mark.live
def test_it_fails_in_words_where_the_database_does_not_answer() -> None:
    environ = Server().environ() | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "manage.py", "quickstart"], cwd=environment.ROOT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "The database does not answer" in done.stderr and "Traceback" not in done.stderr
