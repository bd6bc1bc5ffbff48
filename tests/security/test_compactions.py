"""`encrypted_content` says nothing to who has it, and is read here for its person alone."""

import base64
import zlib
from typing import Any

import pytest
from django.core import signing

from accounts.errors import Invalid
from accounts.models import Membership, Organization, Role, User
from accounts.secrets import STORED, seal
from accounts.sign_in import keys
from chat.doors.openai.responses.compaction import PURPOSE, SIGNED, compacted, read_compaction
from chat.models import Message

pytestmark = pytest.mark.django_db
SECRET = "the secret word is plover"
FIELD = "input.0.encrypted_content"


def made_for(user: User) -> str:
    return compacted(user, [Message(content=SECRET, attachments=[])], SECRET, 2)


def by_key(user: User, organization: Organization) -> User:
    """The person as an API key of that organization has them."""
    token = keys.create_key(user=user, organization=organization, scopes=["llm"], name="x", expires_at=None)[1]
    key = keys.find(token)
    key.user.key = key
    return key.user


def is_read(user: User, text: str) -> bool:
    try:
        kept = read_compaction(user, text, FIELD)
    except Invalid as error:
        assert list(error.fields) == [FIELD]
        return False
    assert (kept["said"], kept["summary"]) == ([{"content": SECRET, "attachments": []}], SECRET)
    assert kept.get("level", 2) == 2  # earlier versions said none
    return True


def test_it_tells_nothing_to_who_has_it(alice: User) -> None:
    text = made_for(alice)
    assert text.isascii() and "plover" not in text
    raw = base64.urlsafe_b64decode(text)
    assert b"plover" not in raw and zlib.compress(SECRET.encode())[2:20] not in raw
    assert made_for(alice) != text


def test_who_reads_it(
    alice: User, bob: User, charlie: User, organization: Organization, elsewhere: Organization
) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.VIEWER)
    here, there = by_key(alice, organization), by_key(alice, elsewhere)
    own, of_key = made_for(alice), made_for(here)
    table: list[tuple[User, str, bool]] = [
        (alice, own, True), (here, own, False), (there, own, False), (bob, own, False), (charlie, own, False),
        (alice, of_key, True), (here, of_key, True), (by_key(alice, organization), of_key, True),
        (there, of_key, False), (bob, of_key, False), (by_key(bob, organization), of_key, False),
    ]  # fmt: skip
    assert [is_read(user, text) for user, text, _ in table] == [expected for *_, expected in table]


@pytest.mark.parametrize("change", ["", "x", "cut", "turned", "ключ", "stored", "other salt", "A" * 1_000_000])
def test_what_is_none_of_ours_is_refused_by_name(alice: User, change: str) -> None:
    text = made_for(alice)
    forged = {
        "cut": text[:-10],
        "turned": text[::-1],
        "stored": seal("{}", STORED),  # what is sealed for another purpose
        "other salt": signing.dumps({"said": [], "summary": ""}, salt="x"),
    }
    assert not is_read(alice, forged.get(change, change))


def test_what_an_earlier_version_gave_is_read(alice: User) -> None:
    said: dict[str, Any] = {"said": [{"content": SECRET, "attachments": []}], "summary": SECRET}
    assert is_read(alice, signing.dumps(said, salt=SIGNED, compress=True))


def test_the_key_that_sealed_it_is_gone(alice: User, settings: Any) -> None:
    text = made_for(alice)
    settings.SECRETS_KEYS = ["another key of secrets", *settings.SECRETS_KEYS]
    assert is_read(alice, text)
    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    assert not is_read(alice, text)
    assert PURPOSE != STORED
