"""Files with a message: names that people have are taken as they are, and a file alone is a message."""

import unicodedata

import pytest

from chat.models import Message
from chat.runner.history import history
from tests.chat.rows import say

pytestmark = pytest.mark.django_db
FILE = {"type": "file", "name": "a.txt", "content": "Hello"}
NAMES = [
    "Screenshot 2024-03-01 at 9.41.12\u202fAM.png",  # a Mac's
    "a\u00a0b\u2009c\u3000d.txt",
    unicodedata.normalize("NFD", "Übersicht für Zoë.txt"),
    "👩\u200d👩\u200d👧 plan 🏴\U000e0067\U000e0062\U000e007f.txt",
    "می\u200cخواهم.txt",
    "\u200fשלום\u200e.txt",
    "newer than this Python \U0001fae9.txt",
    "\uf8ff logo\ufeff soft\u00adhyphen.txt",
    unicodedata.normalize("NFD", "é" * 255),
    "n" * 255,
    "a \"b\" <c> & 'd' \\ / : * ? | %.txt",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_people_have_are_taken_and_given_back_as_they_are(api, alice, chat, name):
    body = {"content": "See", "attachments": [{**FILE, "name": name}]}
    made = api(alice).post(f"/api/chats/{chat.pk}/messages/", body, format="json")
    assert made.status_code == 201, made.json()
    assert made.json()["attachments"][0]["name"] == name
    for each in (made, api(alice).get(f"/api/chats/{chat.pk}/export/")):
        assert all(value.isascii() and value.isprintable() for value in each.headers.values())


@pytest.mark.parametrize(
    "name",
    [
        "a\tb",
        "a\rb",
        "a\x7fb",
        "a\u0085b",
        "a\u2028b",
        "a\u2029b",
        "\u202da",
        "\u2067a",
        "x" * 256,
        "\x1b[2J",
        "a" + "\u0301\u0327" * 9_000,
    ],
)
def test_a_name_that_breaks_lines_or_turns_the_writing_is_refused_and_nothing_is_stored(api, alice, chat, name):
    body = {"content": "See", "attachments": [{**FILE, "name": name}]}
    refused = api(alice).post(f"/api/chats/{chat.pk}/messages/", body, format="json")
    assert refused.status_code == 400
    assert list(refused.json()["error"]["fields"]) == ["attachments.0.name"]
    assert not Message.objects.exists()


@pytest.mark.parametrize("content", ["", " \n", None])
def test_a_file_alone_is_a_message_and_all_that_the_model_reads_of_it(api, alice, chat, content):
    body = {"attachments": [FILE], **({} if content is None else {"content": content})}
    made = api(alice).post(f"/api/chats/{chat.pk}/messages/", body, format="json")
    assert made.status_code == 201, made.json()
    (told,) = history(Message.objects.get(pk=made.json()["id"]))
    assert told.text == '<file name="a.txt">\nHello\n</file>'


def test_a_message_keeps_its_file_when_its_text_is_taken_away_but_not_neither(api, alice, chat):
    bare, filed = say(chat, alice), say(chat, alice, attachments=[FILE])
    patch = lambda message, **body: api(alice).patch(f"/api/messages/{message.pk}/", body, format="json")  # noqa: E731
    assert patch(filed, content="").json()["content"] == ""
    for message, body in ((bare, {"content": ""}), (filed, {"content": " ", "attachments": []})):
        refused = patch(message, **body)
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["content"])
    filed.refresh_from_db()
    assert filed.attachments == [FILE]
