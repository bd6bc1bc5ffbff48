"""Stored secrets: sealed, opened by any of the keys, shown by their end only."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rest_framework import serializers

from accounts import secrets
from accounts.http.fields import Closed
from accounts.http.secret_fields import SecretBody, SecretShown
from accounts.secrets import SecretUnreadable, hint, opened, seal
from tests.environment import ROOT

NEW, OLD, TOKEN = "n" * 20 + "ew-key-of-secrets", "o" * 20 + "ld-key-of-secrets", "ghp_0123456789abcdefa1b2"


class ForgeBody(Closed):
    token = SecretBody()


class ForgeShown(serializers.Serializer[Any]):
    token = SecretShown()


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.SECRETS_KEYS = [NEW]


@pytest.mark.parametrize("text", [TOKEN, "", "kurz", "mit Umlaut äöü und \U0001f511", "x" * 10_000, "line\nbreak\0"])
def test_what_was_sealed_is_opened(text: str) -> None:
    sealed = seal(text)
    assert opened(sealed) == text and sealed.isascii()
    assert seal(text) != sealed, "the same secret twice does not show"
    assert not text or text not in sealed


def test_a_new_key_goes_in_front_and_the_old_one_opens_until_it_is_gone(settings: Any) -> None:
    settings.SECRETS_KEYS = [OLD]
    old = seal(TOKEN)
    settings.SECRETS_KEYS = [NEW, OLD]
    new = seal(TOKEN)
    assert opened(old) == opened(new) == TOKEN
    settings.SECRETS_KEYS = [NEW]
    assert opened(new) == TOKEN, "the first key seals"
    with pytest.raises(SecretUnreadable):
        opened(old)


@pytest.mark.parametrize("change", ["", "A", "other", "other key"])
def test_what_was_changed_or_sealed_elsewhere_is_refused_and_the_error_says_nothing_of_it(
    change: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = seal(TOKEN)
    if change == "other key":
        settings.SECRETS_KEYS = [OLD]
    bad = {"": "", "A": sealed[:-3] + "AAA", "other": "not sealed at all", "other key": sealed}[change]
    with caplog.at_level(logging.DEBUG), pytest.raises(SecretUnreadable) as told:
        opened(bad)
    shown = f"{told.value!r} {told.value} {caplog.text} {told.value.__cause__!r}"
    assert "SECRETS_KEYS" in shown and TOKEN not in shown and NEW not in shown and "other" not in shown
    assert hint(bad) == ""


def test_no_representation_of_what_holds_the_keys_shows_them() -> None:
    cipher = secrets._cipher((NEW,), secrets.STORED)
    assert NEW not in repr(cipher) + repr(cipher.__dict__) + repr(secrets._cipher)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (TOKEN, {"set": True, "hint": "...a1b2"}),
        ("0123456789abcdef", {"set": True, "hint": "...cdef"}),
        ("0123456789abcde", {"set": True, "hint": ""}),
        (None, {"set": False, "hint": ""}),
    ],
)
def test_rest_shows_whether_there_is_one_and_its_end(stored: str | None, shown: dict[str, Any]) -> None:
    sealed = "" if stored is None else seal(stored)
    assert ForgeShown({"token": sealed}).data == {"token": shown}


def test_of_one_whose_key_is_gone_rest_shows_that_there_is_one(settings: Any) -> None:
    sealed = seal(TOKEN)
    settings.SECRETS_KEYS = [OLD]
    assert ForgeShown({"token": sealed}).data == {"token": {"set": True, "hint": ""}}


def test_rest_takes_one_and_gives_it_to_be_stored_sealed() -> None:
    body = ForgeBody(data={"token": f" {TOKEN}\n"})
    assert body.is_valid()
    assert opened(body.validated_data["token"]) == TOKEN
    assert TOKEN not in repr(body.validated_data) and body.data == {}
    empty = ForgeBody(data={"token": ""})
    assert empty.is_valid() and empty.validated_data == {"token": ""}


@pytest.mark.parametrize(
    "bad", [1, None, ["x"], {"set": True}, "x" * 4_001, "two\nlines of a secret", "geheimnisvoll-ä"]
)
def test_rest_refuses_by_the_field_s_name_and_does_not_say_what_was_sent(bad: Any) -> None:
    body = ForgeBody(data={"token": bad})
    assert not body.is_valid() and list(body.errors) == ["token"]
    assert not isinstance(bad, str) or bad not in str(body.errors)


def test_a_key_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    seen = set()
    for _ in range(2):
        environ = {"PATH": os.environ["PATH"], "PARLEY_DATA": str(tmp_path), "PARLEY_ENV_FILE": os.devnull}
        show = "import config.settings as s; print(s.SECRETS_KEYS, s.KEPT_SECRETS)"
        done = subprocess.run([sys.executable, "-c", show], cwd=ROOT, env=environ, capture_output=True, text=True)
        seen.add(done.stdout)
    assert len(seen) == 1 and "'SECRETS_KEYS'" in seen.pop()
    assert (tmp_path / "secrets_key").stat().st_mode & 0o777 == 0o600
