"""Uploaded files as the server renders them: small pictures, sounds, others by name, and what is to be said of each."""

from typing import Any

import pytest
from django.utils import translation

from accounts.models import User
from chat.attachments.storing import write_text
from chat.models import Attachment, AttachmentState, AttachmentUse, Chat, Message, Sharing, TextState
from chat.page.attaching import SHOWN_CHARS
from tests.chat.test_page_views import say, signed_in

READY = {"state": AttachmentState.READY}


def attached(chat: Chat, **fields: Any) -> Attachment:
    """An attachment of the chat's person that a message of theirs has."""
    values = {
        "type": "file",
        "name": "plan.pdf",
        "media_type": "application/pdf",
        "bytes": 1_234_567,
        **READY,
        **fields,
    }
    row = Attachment.objects.create(organization=chat.organization, user=chat.user, **values)
    facts = {name: getattr(row, name) for name in ("type", "name", "media_type", "bytes", "width", "height")}
    message = say(chat, "See.", author=chat.user, attachments=[{**facts, "id": str(row.pk)}])
    AttachmentUse.objects.create(attachment=row, message=message)
    return row


def page_of(chat: Chat, language: str = "en") -> str:
    return signed_in(chat.user).get(f"/chats/{chat.pk}/", headers={"Accept-Language": language}).content.decode()


PHOTO = {"type": "image", "name": 'a "photo".png', "media_type": "image/png", "width": 1200, "height": 800}
SOUND = {"type": "audio", "name": "said.webm", "media_type": "audio/webm", "bytes": 20_000}


@pytest.mark.parametrize(
    ("fields", "told", "not_told"),
    [
        (
            PHOTO,
            [
                'class="shown"',
                'src="/api/attachments/{id}/thumbnail" alt="a &quot;photo&quot;.png"',
                'width="300" height="200"',
                'data-source="/api/attachments/{id}/content"',
                'aria-haspopup="dialog"',
            ],
            ["download="],
        ),
        (PHOTO | {"width": None, "height": None}, ['class="thumbnail" loading="lazy"'], ["width="]),
        (
            {},
            [
                '<a href="/api/attachments/{id}/content" download="plan.pdf"><bdi>plan.pdf</bdi></a>',
                " · 1.2 MB</span></li>",
            ],
            ["<audio", '<details class="words"'],
        ),
        (
            SOUND,
            ['class="sound"', '<audio controls preload="none" src="/api/attachments/{id}/content"', " · 20 kB"],
            ["words"],
        ),
        (
            SOUND | {"text_state": TextState.READY, "text_chars": 12},
            ['<details class="words" data-source="/attachments/{id}/text/"><summary>Words</summary>'],
            [],
        ),
        (
            {"text_state": TextState.READY, "text_chars": 12},
            ['<details class="words" data-source="/attachments/{id}/text/"><summary>Text</summary>'],
            [],
        ),
        ({"text_state": TextState.PENDING}, [": its text is being read"], ["unreadable"]),
        (
            {"text_state": TextState.FAILED, "text_error": "It is <locked>."},
            ['class="unreadable"', ": Text could not be read: It is &lt;locked&gt;."],
            [],
        ),
        ({"state": AttachmentState.GOING}, ["<bdi>plan.pdf</bdi>: not kept any more"], ["/api/attachments/"]),
    ],
)
def test_each_kind_is_shown_as_what_it_is(
    chat: Chat, fields: dict[str, Any], told: list[str], not_told: list[str]
) -> None:
    row = attached(chat, **fields)
    page = page_of(chat)
    listed = page[page.index('<ul class="attachments">') : page.index("</ul>", page.index('<ul class="attachments">'))]
    for each in told:
        assert each.format(id=row.pk) in listed
    for each in not_told:
        assert each not in listed


def test_it_is_said_in_the_readers_language(chat: Chat) -> None:
    attached(chat, text_state=TextState.FAILED, text_error="It is locked.")
    page = page_of(chat, "de")
    assert " · 1,2 MB</span>" in page and ": Der Text konnte nicht gelesen werden: It is locked." in page


def test_many_files_cost_one_query(chat: Chat, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        attached(chat, name=f"{number}.pdf")
    client = signed_in(chat.user)
    with django_assert_max_num_queries(16):
        page = client.get(f"/chats/{chat.pk}/").content.decode()
    assert page.count("/content") == 20


def test_the_text_is_read_by_whoever_sees_the_message_and_by_nobody_else(chat: Chat, bob: User, charlie: User) -> None:
    row = attached(chat, **SOUND, text_state=TextState.READY, text_chars=5)
    write_text(row.pk, "Hello <b>")
    path = f"/attachments/{row.pk}/text/"
    told = signed_in(chat.user).get(path)
    assert told.content == b"Hello <b>" and told["Content-Type"] == "text/plain; charset=utf-8"
    assert "no-store" in told["Cache-Control"] and told["X-Content-Type-Options"] == "nosniff"
    assert [signed_in(each).get(path).status_code for each in (bob, charlie)] == [404, 404]
    chat.sharing = Sharing.PROJECT
    chat.save()
    assert [signed_in(each).get(path).status_code for each in (bob, charlie)] == [200, 404]


def test_a_long_text_is_shown_by_its_beginning_and_one_that_was_not_read_is_not_there(chat: Chat) -> None:
    row = attached(chat, text_state=TextState.READY, text_chars=SHOWN_CHARS + 1)
    write_text(row.pk, "x" * (SHOWN_CHARS + 1))
    told = signed_in(chat.user).get(f"/attachments/{row.pk}/text/").content.decode()
    assert told == "x" * SHOWN_CHARS + "…"
    Attachment.objects.update(text_state=TextState.FAILED)
    assert signed_in(chat.user).get(f"/attachments/{row.pk}/text/").status_code == 404


def test_in_a_frame_they_are_shown_by_name(chat: Chat, api: Any) -> None:
    attached(chat, **PHOTO)
    attached(chat, **SOUND)
    client = api(chat.user)
    page = client.get(f"/embed/chats/{chat.pk}/messages/").content.decode()
    assert "a &quot;photo&quot;.png" in page and "said.webm" in page
    assert "/api/attachments/" not in page and "<audio" not in page and "<img" not in page


@pytest.mark.parametrize(("base", "is_offered"), [("", False), ("http://127.0.0.1:1", True)])
def test_the_microphone_is_offered_where_sounds_are_read(
    alice: User, settings: Any, base: str, is_offered: bool
) -> None:
    settings.TRANSCRIPTION_BASE_URL = base
    page = signed_in(alice).get("/").content.decode()
    assert ('class="icon-button record"' in page) == is_offered
    assert ('id="recording-template"' in page) == is_offered


@pytest.mark.parametrize(("most", "said"), [(25_000_000, "25 MB"), (1_500_000, "1.5 MB")])
def test_how_much_a_file_may_have_is_said_before_one_is_chosen(
    alice: User, settings: Any, most: int, said: str
) -> None:
    settings.ATTACHMENT_MAX_BYTES = most
    with translation.override("en"):
        page = signed_in(alice).get("/").content.decode()
    assert f'title="Attach files, of up to {said} each"' in page and f'data-bytes="{most}"' in page


def test_a_message_that_is_gone_shows_no_file(chat: Chat) -> None:
    row = attached(chat)
    Message.objects.update(status="deleted", attachments=[])
    assert str(row.pk) not in page_of(chat)
