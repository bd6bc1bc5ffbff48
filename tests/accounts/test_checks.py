"""System checks: production refuses what only development may have."""

import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.checks import check_security
from tests import environment

KEY, OTHER = "Zk3vQ9wLr7TnXc2BmPf8HsYd5GjUe1Ao6RiWlKxNtVbCzMq4SpDh", "q8Rz5WmTn2XvLc7BkPf3HsYd9GjUe6AoIiVlKxNtQbCz"
THIRD = "Vb6NqT1xYd8MzKc4RsLw9FgHpJ3uEaOiXtQnBvZkC5mP7yUeS2"
FOURTH = "k7QdW2xLpZs9RbVt4NcYm6HgJf1EuAo8IiXvKwTqCzBnM3yPr5"
GOOD = {
    "SECRET_KEY": KEY,
    "SECRETS_KEYS": [THIRD],
    "ACTING_KEYS": [FOURTH],
    "SIMPLE_JWT": {**settings.SIMPLE_JWT, "SIGNING_KEY": OTHER},
    "PARLEY_ENV": "production",
}


def jwt(key: str) -> dict[str, Any]:
    return {"SIMPLE_JWT": {**settings.SIMPLE_JWT, "SIGNING_KEY": key}}


# What is wrong, and the check that says so.
BAD = {
    "a short key": ({"SECRET_KEY": KEY[:31]}, "E001"),
    "a long key that is easy to guess": ({"SECRET_KEY": "a" * 60}, "E001"),
    "a short key for tokens": (jwt(KEY[:31]), "E001"),
    "a short previous key": ({"JWT_PREVIOUS_KEY": "short"}, "E001"),
    "a short key for secrets": ({"SECRETS_KEYS": [THIRD, "short"]}, "E001"),
    "a key for secrets that signs": ({"SECRETS_KEYS": [THIRD, OTHER]}, "E002"),
    "a short key for tokens of tools": ({"ACTING_KEYS": [FOURTH, "short"]}, "E001"),
    "a key for tokens of tools that signs ours": ({"ACTING_KEYS": [FOURTH, KEY]}, "E002"),
    "a key for secrets that signs tokens of tools": ({"ACTING_KEYS": [THIRD]}, "E002"),
    "one key for both": (jwt(KEY), "E002"),
    "debug": ({"DEBUG": True}, "E003"),
    "any host": ({"ALLOWED_HOSTS": ["parley.example", "*"]}, "E004"),
    "any origin with cookies": ({"CORS_ALLOW_CREDENTIALS": True, "CORS_ALLOW_ALL_ORIGINS": True}, "E005"),
    "origins by pattern": ({"CORS_ALLOW_CREDENTIALS": True, "CORS_ALLOWED_ORIGIN_REGEXES": [".*"]}, "E005"),
}


def ids(**changes: Any) -> list[str]:
    with override_settings(**{**GOOD, **changes}):
        return [str(error.id).removeprefix("accounts.") for error in check_security()]


def test_a_good_production_passes() -> None:
    assert ids() == []


@pytest.mark.parametrize(("changes", "id"), BAD.values(), ids=BAD.keys())
def test_production_refuses(changes: dict[str, Any], id: str) -> None:
    assert ids(**changes) == [id]


@pytest.mark.parametrize("what", ["a short key", "debug", "any host"])
def test_development_may(what: str) -> None:
    assert ids(**BAD[what][0], PARLEY_ENV="development") == []


def test_no_key_is_told() -> None:
    with override_settings(**{**GOOD, "SECRET_KEY": "swordfish"}):
        assert "swordfish" not in str(check_security())


def manage(folder: pathlib.Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **env, "PARLEY_DATA": str(folder), "PARLEY_ENV": "production"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=environment.ROOT, env=environ, capture_output=True, text=True)


def test_the_deploy_check_has_nothing_to_warn_of(tmp_path: pathlib.Path) -> None:
    public = {"PARLEY_PUBLIC_URL": "https://parley.example", "SECRET_KEY": KEY, "JWT_SIGNING_KEY": OTHER}
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **public)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_key_under_its_other_name_is_checked_and_stops_every_command(tmp_path: pathlib.Path) -> None:
    done = manage(tmp_path, "migrate", JWT_SECRET="short")
    assert done.returncode == 1
    assert "accounts.E001" in done.stderr
