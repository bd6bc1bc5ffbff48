"""Files that are uploaded and attached: whose they may be, what is kept of them, what a model reads, when they go."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as configured
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.errors import RequestError
from accounts.models import Membership, Organization, Role, User
from accounts.sign_in.keys import create_key
from agents.messages import UserMessage
from chat.attachments import storing, taking
from chat.attachments.going import Attachments
from chat.attachments.reading import Reading
from chat.models import Attachment, AttachmentState, AttachmentUse, Chat, ChatShare, Message
from chat.models.chats import Access
from chat.run_request import Item, RunRequest
from chat.runner.history import history
from chat.services import people
from chat.services.items import add_items
from chat.services.messages import create_message, edit_message
from chat.services.runs import start_run
from chat.transfer import person
from chat.transfer.reading import read
from chat.transfer.storing import Place, store
from chat.transfer.writing import written
from tests import photos
from tests.chat.rows import answer, say
from tests.media import MP3, PDF, wav
from tests.pictures import HEIC
from tests.sounds import ogg

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
AT = "/api/attachments/"


@pytest.fixture(autouse=True)
def nothing_stored() -> Iterator[None]:
    """The storage is the process's: each test begins and ends with it empty."""
    yield
    for id in set(storing.ids()):
        storing.remove(id)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """`with committed():` does what follows the commit, as outside of tests."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def put(client: APIClient, data: bytes, name: str = "a", **query: str) -> Any:
    address = "&".join(f"{key}={value}" for key, value in {"name": name, **query}.items())
    return client.post(f"{AT}?{address}", data, content_type="application/octet-stream")


def stored(user: User, organization: Organization, data: bytes = b"Hello", name: str = "a.txt") -> Attachment:
    return taking.take(user, organization.pk, name, data)


def named(row: Attachment, **more: Any) -> dict[str, Any]:
    return {"type": row.type, "id": str(row.pk), **more}


def sent(chat: Chat, user: User, *rows: Attachment, text: str = "See") -> Message:
    return create_message(user=user, chat=chat, content=text, attachments=[named(each) for each in rows])


def told(message: Message, reading: Reading | None = None) -> UserMessage:
    found = history(message, None, reading).messages[-1]
    assert isinstance(found, UserMessage)
    return found


def kept() -> set[UUID]:
    return set(storing.ids())


# --- What is taken ----------------------------------------------------------------------------------------------------

DOCX = b"PK\x03\x04" + b"\x00" * 26 + b"word/document.xml" + b"\x00" * 40
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + b"\x00" * 20
M4A = b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00" + b"\x00" * 40
TAKEN = {
    # what it is called -> bytes, type, media type
    "photo.png": (photos.photo(), "image", "image/jpeg"),
    "a.exe": (photos.see_through(), "image", "image/png"),
    "photo.jpg": (PDF, "file", "application/pdf"),
    "a.docx": (DOCX, "file", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "a.bin": (b"Just words, \xc3\xbc too.", "file", "text/plain"),
    "wide.txt": ("Wörter".encode("utf-16"), "file", "text/plain"),
    "old.txt": ("Wörter".encode("latin-1"), "file", "text/plain"),
    "a.png": (b"<!DOCTYPE html><script>1</script>", "file", "text/html"),
    "a.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "file", "image/svg+xml"),
    "a.xml": (b'<?xml version="1.0"?><a/>', "file", "application/xml"),
    "a.wav": (wav(2.0), "audio", "audio/wav"),
    "a.mp3": (MP3 * 100, "audio", "audio/mpeg"),
    "a.webm": (WEBM, "audio", "audio/webm"),
    "a.m4a": (M4A, "audio", "audio/mp4"),
    "a.ogg": (b"OggS" + b"\x00" * 24 + b"OpusHead" + b"\x00" * 20, "audio", "audio/ogg"),
    "long.ogg": (ogg(2.5), "audio", "audio/ogg"),
    "a.flac": (b"fLaC" + b"\x00" * 40, "audio", "audio/flac"),
}
SECONDS = {"a.wav": 2.0, "a.mp3": 2.6, "long.ogg": 2.5}  # of those that say how long they are


@pytest.mark.parametrize("name", TAKEN)
def test_a_file_is_what_its_bytes_are(api: Api, alice: User, organization: Organization, name: str) -> None:
    data, type, media_type = TAKEN[name]
    made = put(api(alice), data, name)
    assert made.status_code == 201, made.json()
    told = made.json()
    assert (told["type"], told["media_type"], told["name"], told["state"]) == (type, media_type, name, "ready")
    content = api(alice).get(told["url"])
    assert len(content.content) == told["bytes"] and content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    if type == "image":
        assert content.headers["Content-Disposition"].startswith("inline")
        assert photos.opened(api(alice).get(told["thumbnail_url"]).content).width <= 320
    else:
        assert content.content == data and content.headers["Content-Disposition"].startswith("attachment")
        assert content.headers["Content-Type"] not in ("text/html", "image/svg+xml", "application/xml")
        assert told["thumbnail_url"] is None and api(alice).get(f"{AT}{told['id']}/thumbnail").status_code == 404
    assert told["seconds"] == (pytest.approx(SECONDS[name], abs=0.1) if name in SECONDS else None)
    assert set(told["text"]) == {"state", "chars", "error"}
    row = Attachment.objects.get()
    assert (row.user, row.organization, row.used_at) == (alice, organization, None) and len(row.sha256) == 64


NOT_TAKEN = {
    "nothing": (b"", "empty"),
    "a bomb": (photos.bomb(), "9,000 x 9,000 pixels"),
    "half an image": (photos.photo(900, 900)[:2_000], "damaged or cut off"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(50), "nothing that is known here"),
    "a script that begins as an image": (b"GIF89a/*" + bytes(40) + b"*/=1", "cannot be read"),
    "HEIC": (HEIC, "Most Compatible"),
    "TIFF": (b"II*\x00" + bytes(50), "a TIFF picture"),
    "ZIP": (b"PK\x03\x04" + bytes(50), "a ZIP file"),
    "a film": (b"\x00\x00\x00\x18ftypisom" + bytes(20) + b"hdlr" + bytes(8) + b"vide", "a film"),
    "a film of a browser's": (WEBM + b"V_VP9", "a film"),
}


@pytest.mark.parametrize("what", NOT_TAKEN)
def test_what_is_not_taken_says_so_in_a_sentence_and_leaves_nothing(
    api: Api, alice: User, organization: Organization, what: str
) -> None:
    data, sentence = NOT_TAKEN[what]
    refused = put(api(alice), data)
    assert refused.status_code == 400, refused.content
    error = refused.json()["error"]
    assert list(error["fields"]) == ["file"] and sentence in error["fields"]["file"][0], error
    assert not Attachment.objects.exists() and not kept()


def test_a_form_with_one_file_is_taken_under_its_name(api: Api, alice: User) -> None:
    body = {"file": SimpleUploadedFile("Übersicht.txt", b"Hello", "image/png")}
    made = api(alice).post(AT, body, format="multipart")
    assert made.status_code == 201, made.json()
    assert (made.json()["name"], made.json()["media_type"]) == ("Übersicht.txt", "text/plain")


@pytest.mark.parametrize("more", [{}, {"other": "x"}, {"file": "text"}, {"file": [b"a", b"b"]}])
def test_another_form_is_refused(api: Api, alice: User, more: dict[str, Any]) -> None:
    files = (
        [SimpleUploadedFile("a", each) for each in more.get("file", [])] if isinstance(more.get("file"), list) else None
    )
    refused = api(alice).post(AT, {**more, **({"file": files} if files else {})}, format="multipart")
    assert refused.status_code == 400 and not Attachment.objects.exists(), refused.content


NAMES = [
    "../../etc/passwd",
    "a\\b",
    'a"b',
    "x" * 255,
    "e\u0301" * 200,
    "",
    "a b ü 👩\u200d👩\u200d👧.txt",
    "..",
    ";rm -rf;.png",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_kept_and_names_nothing_in_the_storage(api: Api, alice: User, name: str) -> None:
    made = api(alice).generic("POST", AT, b"Hello", "text/plain", QUERY_STRING=f"name={_quoted(name)}")
    assert made.status_code == 201, made.json()
    row = Attachment.objects.get()
    assert row.name == made.json()["name"] and len(row.name) <= 255
    _, files = storages["attachments"].listdir("")
    assert set(files) == {str(row.pk), f"{row.pk}.text"}
    headers = api(alice).get(made.json()["url"]).headers
    assert all(value.isascii() and value.isprintable() for value in headers.values())


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: b=c", "a\x00b", "a\u202egnp.exe", "x" * 256, "x" * 5_000, "a\tb"])
def test_a_name_that_does_harm_is_refused(api: Api, alice: User, name: str) -> None:
    refused = api(alice).generic("POST", AT, b"Hello", "text/plain", QUERY_STRING=f"name={_quoted(name)}")
    assert refused.status_code == 400 and list(refused.json()["error"]["fields"]) == ["name"]
    assert not Attachment.objects.exists()


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def test_a_photo_says_nothing_of_where_it_was_taken(api: Api, alice: User) -> None:
    told = put(api(alice), photos.with_place(6)).json()
    content = api(alice).get(told["url"]).content
    assert (told["width"], told["height"]) == (200, 300) and photos.corner(photos.opened(content), 199, 0) == "blue"
    assert b"secret" not in content and not dict(photos.opened(content).getexif())


def test_a_browser_that_has_it_already_is_told_so_and_one_that_may_not_see_it_any_more_is_not(
    api: Api, alice: User, bob: User, chat: Chat
) -> None:
    row = stored(alice, chat.organization, photos.photo())
    share = ChatShare.objects.create(chat=chat, user=bob)
    sent(chat, alice, row)
    first = api(bob).get(f"{AT}{row.pk}/content")
    again = api(bob).get(f"{AT}{row.pk}/content", HTTP_IF_NONE_MATCH=first.headers["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    share.delete()
    assert api(bob).get(f"{AT}{row.pk}/content", HTTP_IF_NONE_MATCH=first.headers["ETag"]).status_code == 404


# --- How much --------------------------------------------------------------------------------------------------------


def test_limits_hold_and_say_what_to_do(
    api: Api, alice: User, bob: User, organization: Organization, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 100
    large = put(api(alice), b"x" * 101)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    settings.ATTACHMENTS_PER_USER = 2
    assert [put(api(alice), b"x" * 40).status_code for _ in range(3)] == [201, 201, 429]
    assert put(api(bob), b"x").status_code == 201  # each for themselves
    settings.ATTACHMENTS_PER_USER, settings.ATTACHMENTS_PER_USER_BYTES = 9, 100
    many = put(api(alice), b"x" * 21)
    assert (many.status_code, many.json()["error"]["code"]) == (429, "too_many_attachments")
    settings.ATTACHMENTS_PER_USER_BYTES, settings.ATTACHMENTS_PER_ORGANIZATION_BYTES = 1_000, 90
    full = put(api(alice), b"x" * 21)
    assert (full.status_code, full.json()["error"]["code"]) == (409, "attachments_full")
    assert Attachment.objects.count() == len(kept()) == 3


def test_more_at_once_than_there_are_places_for_wait_and_are_told_to_come_again(
    api: Api, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "WAIT_S", 0.05)
    for _ in range(configured.ATTACHMENTS_AT_ONCE):
        assert taking._places.acquire(timeout=0)
    try:
        refused = put(api(alice), b"Hello")
    finally:
        for _ in range(configured.ATTACHMENTS_AT_ONCE):
            taking._places.release()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_uploads")
    assert refused.headers["Retry-After"] and put(api(alice), b"Hello").status_code == 201


# --- Whose -----------------------------------------------------------------------------------------------------------


def test_it_goes_to_the_chats_organization_or_to_the_usual_one_and_nowhere_else(
    api: Api, alice: User, charlie: User, chat: Chat, elsewhere: Organization
) -> None:
    assert put(api(alice), b"x", chat=str(chat.pk)).status_code == 201
    assert put(api(charlie), b"x", chat=str(chat.pk)).status_code == 404
    assert put(api(charlie), b"x", organization=str(chat.organization_id)).status_code == 404
    assert put(api(charlie), b"x", organization=str(elsewhere.pk)).status_code == 201
    assert put(api(alice), b"x", chat=str(chat.pk), organization=str(elsewhere.pk)).status_code == 404
    assert put(api(alice), b"x", chat="no id").status_code == 400
    assert put(APIClient(), b"x").status_code == 401
    assert [each.user for each in Attachment.objects.order_by("created_at")] == [alice, charlie]


def test_who_only_reads_uploads_nothing(api: Api, organization: Organization, chat: Chat) -> None:
    viewer = User.objects.create_user("v@example.com", "x", name="V")
    Membership.objects.create(organization=organization, user=viewer, role=Role.VIEWER)
    ChatShare.objects.create(chat=chat, user=viewer, access=Access.WRITE)
    assert put(api(viewer), b"x").status_code == 403
    assert put(api(viewer), b"x", chat=str(chat.pk)).status_code == 403
    assert put(api(viewer), b"x", organization=str(organization.pk)).status_code == 403
    assert not Attachment.objects.exists()


def addresses(row: Attachment) -> list[str]:
    return [f"{AT}{row.pk}/{end}" for end in ("", "content", "thumbnail")]


def test_who_sees_it(api: Api, alice: User, bob: User, charlie: User, chat: Chat) -> None:
    """Unsent: its person alone. In a message: who sees the chat, as long as they do."""
    row = stored(alice, chat.organization, photos.photo())

    def seen(user: User) -> set[int]:
        return {api(user).get(each).status_code for each in addresses(row)}

    assert [seen(each) for each in (alice, bob, charlie)] == [{200}, {404}, {404}]
    sent(chat, alice, row)
    assert [seen(each) for each in (alice, bob, charlie)] == [{200}, {404}, {404}]
    share = ChatShare.objects.create(chat=chat, user=bob)
    assert [seen(each) for each in (alice, bob, charlie)] == [{200}, {200}, {404}]
    refused = api(bob).delete(addresses(row)[0])
    assert refused.status_code == 403 and api(charlie).delete(addresses(row)[0]).status_code == 404
    share.delete()
    assert seen(bob) == {404} and {APIClient().get(each).status_code for each in addresses(row)} == {401}
    other = f"{AT}{uuid4()}/content"
    assert api(alice).get(other).status_code == 404


def test_an_api_key_sees_those_of_its_organization(alice: User, organization: Organization) -> None:
    second = Organization.objects.create(name="Second")
    Membership.objects.create(organization=second, user=alice, role=Role.EDITOR)
    here, there = stored(alice, organization), stored(alice, second)
    _, secret = create_key(user=alice, organization=organization, scopes=["chat"], name="CI", expires_at=None)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get(f"{AT}{here.pk}/").status_code == 200 and client.get(f"{AT}{there.pk}/").status_code == 404
    assert [each["id"] for each in client.get(AT).json()["results"]] == [str(here.pk)]


def test_ones_unsent_files_are_listed_and_removed(api: Api, alice: User, bob: User, chat: Chat, committed: Any) -> None:
    first, second = stored(alice, chat.organization), stored(alice, chat.organization, photos.photo())
    stored(bob, chat.organization)
    sent(chat, alice, first)
    assert [each["id"] for each in api(alice).get(AT).json()["results"]] == [str(second.pk)]
    used = api(alice).delete(f"{AT}{first.pk}/")
    assert (used.status_code, used.json()["error"]["code"]) == (409, "attachment_used")
    with committed():
        assert api(alice).delete(f"{AT}{second.pk}/").status_code == 204
    assert not Attachment.objects.filter(pk=second.pk).exists() and second.pk not in kept() and first.pk in kept()
    assert api(alice).delete(f"{AT}{second.pk}/").status_code == 404


# --- In messages -----------------------------------------------------------------------------------------------------


def test_a_message_says_what_it_has(api: Api, alice: User, chat: Chat) -> None:
    row = stored(alice, chat.organization, photos.photo(), "Photo.jpg")
    body = {"content": "", "attachments": [named(row), {"type": "file", "name": "b.txt", "content": "B"}]}
    made = api(alice).post(f"/api/chats/{chat.pk}/messages/", body, format="json")
    assert made.status_code == 201, made.json()
    image, text = made.json()["attachments"]
    assert image == {
        **{"type": "image", "id": str(row.pk), "name": "Photo.jpg", "media_type": "image/jpeg"},
        **{"bytes": row.bytes, "width": 300, "height": 200},
    }
    assert text == {"type": "file", "name": "b.txt", "content": "B"}
    row.refresh_from_db()
    assert row.used_at is not None and row.uses.count() == 1
    again = {"content": "Again", "attachments": made.json()["attachments"]}  # as it was got
    patched = api(alice).patch(f"/api/messages/{made.json()['id']}/", again, format="json")
    assert patched.status_code == 200 and patched.json()["attachments"] == made.json()["attachments"]
    assert row.uses.count() == 1


BAD = [
    ({"type": "image", "id": "no id"}, 400, "attachments.0.id"),
    ({"type": "image", "id": 7}, 400, "attachments.0.id"),
    ({"type": "image", "id": None}, 400, "attachments.0.id"),
    ({"type": "image", "id": str(uuid4())}, 404, "attachments.0.id"),
    ({"type": "image", "id": "MINE"}, 400, "attachments.0.type"),
    ({"type": "film", "id": "MINE"}, 400, "attachments.0.type"),
    ({"id": "MINE"}, 400, "attachments.0.type"),
    ({"type": "file", "id": "MINE", "url": "https://a.example/b"}, 400, "attachments.0.url"),
    ({"type": "file", "id": "MINE", "content": "x"}, 400, "attachments.0.content"),
    ({"type": "file", "id": "CHARLIES"}, 404, "attachments.0.id"),
    ({"type": "file", "id": "BOBS"}, 404, "attachments.0.id"),
    ({"type": "file", "id": "ELSEWHERE"}, 404, "attachments.0.id"),
    ({"type": "file", "id": "STORING"}, 404, "attachments.0.id"),
    ({"type": "file", "id": "GOING"}, 404, "attachments.0.id"),
]


@pytest.mark.parametrize("way", ["message", "run", "edit", "items"])
def test_what_may_not_be_attached_is_refused_and_nothing_is_stored(
    alice: User, bob: User, charlie: User, chat: Chat, elsewhere: Organization, way: str
) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.EDITOR)
    place = chat.organization
    rows = {
        "MINE": stored(alice, place),
        "BOBS": stored(bob, place),
        "CHARLIES": stored(charlie, elsewhere),
        "ELSEWHERE": stored(alice, elsewhere),
        "STORING": stored(alice, place),
        "GOING": stored(alice, place),
    }
    for name in ("STORING", "GOING"):
        Attachment.objects.filter(pk=rows[name].pk).update(state=AttachmentState(name.lower()))
    before = say(chat, alice)
    ways: dict[str, Callable[[list[Any]], Any]] = {
        "message": lambda files: create_message(user=alice, chat=chat, content="See", attachments=files),
        "run": lambda files: start_run(user=alice, chat=chat, ask=RunRequest(content="See", attachments=files)),
        "edit": lambda files: edit_message(user=alice, message=before, content="See", attachments=files),
        "items": lambda files: add_items(user=alice, chat=chat, items=[Item("user", "See", files)]),
    }
    for file, status, field in BAD:
        named = {**file, **({"id": str(rows[file["id"]].pk)} if file["id"] in rows else {})}
        with pytest.raises(RequestError) as refused:
            ways[way]([named])
        assert (refused.value.status, list(refused.value.fields)) == (status, [field]), file
        assert list(Message.objects.all()) == [before] and not AttachmentUse.objects.exists()
        assert not Attachment.objects.exclude(used_at=None).exists()
        before.refresh_from_db()
        assert before.attachments == []


def test_who_writes_in_a_chat_may_send_its_files_again_there_and_nowhere_else(
    alice: User, bob: User, chat: Chat, api: Api
) -> None:
    row = stored(alice, chat.organization)
    ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    sent(chat, alice, row)
    assert sent(chat, bob, row).attachments[0]["id"] == str(row.pk)
    own = Chat.objects.create(organization=chat.organization, user=bob, model=chat.model, archetype=chat.archetype)
    body = {"content": "See", "attachments": [named(row)]}
    assert api(bob).post(f"/api/chats/{own.pk}/messages/", body, format="json").status_code == 404
    another = Chat.objects.create(
        organization=chat.organization, user=alice, model=chat.model, archetype=chat.archetype
    )
    assert sent(another, alice, row).attachments  # its person may, wherever they write in the organization
    assert row.uses.count() == 3


# --- Going -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["chat", "message", "edit", "organization"])
def test_it_goes_with_the_last_message_that_has_it(api: Api, alice: User, chat: Chat, way: str, committed: Any) -> None:
    row = stored(alice, chat.organization, photos.photo())
    storing.write_text(row.pk, "What is in it")
    first, second = sent(chat, alice, row), sent(chat, alice, row)
    client = api(alice)
    with committed():
        client.delete(f"/api/messages/{first.pk}/")
    assert row.pk in kept() and Attachment.objects.filter(pk=row.pk).exists()
    with committed():
        match way:
            case "chat":
                assert client.delete(f"/api/chats/{chat.pk}/").status_code == 204
            case "message":
                assert client.delete(f"/api/messages/{second.pk}/").status_code == 200
            case "edit":
                body = {"content": "No file", "attachments": []}
                assert client.patch(f"/api/messages/{second.pk}/", body, format="json").status_code == 200
            case "organization":
                Chat.objects.all().delete()
                chat.organization.delete()
    assert not Attachment.objects.filter(pk=row.pk).exists() and kept() == set()


def test_a_fork_keeps_it(api: Api, alice: User, bob: User, chat: Chat, committed: Any) -> None:
    row = stored(alice, chat.organization, photos.photo())
    message = sent(chat, alice, row)
    ChatShare.objects.create(chat=chat, user=bob)
    fork = api(bob).post(f"/api/chats/{chat.pk}/fork/", {"message": str(message.pk)}, format="json")
    assert fork.status_code == 201 and row.uses.count() == 2
    with committed():
        assert api(alice).delete(f"/api/chats/{chat.pk}/").status_code == 204
    assert {api(bob).get(each).status_code for each in addresses(row)} == {200}
    assert api(alice).get(addresses(row)[0]).status_code == 200  # who brought it
    with committed():
        assert api(bob).delete(f"/api/chats/{fork.json()['id']}/").status_code == 204
    assert kept() == set() and not Attachment.objects.exists()


@pytest.mark.parametrize("shared", ["tombstone", "anonymise"])
def test_with_a_person_goes_what_they_have_sent_to_nobody_else(
    alice: User, bob: User, chat: Chat, committed: Any, settings: Any, shared: str
) -> None:
    settings.ERASE_SHARED = shared
    ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)
    own = Chat.objects.create(organization=chat.organization, user=bob, model=chat.model, archetype=chat.archetype)
    unsent, mine, others = (stored(bob, chat.organization) for _ in range(3))
    sent(own, bob, mine)
    sent(chat, bob, others)
    with committed():
        people.delete_person(bob, by=alice)
    left = {others.pk} if shared == "anonymise" else set()
    assert kept() == left == set(Attachment.objects.values_list("pk", flat=True))
    assert not Attachment.objects.filter(user__isnull=False).exists() and unsent.pk != mine.pk


def rounds() -> dict[str, int]:
    chore = Attachments()
    while chore.step():
        pass
    return chore.counts


def test_the_chore_removes_what_nobody_uses_and_what_was_left_behind(alice: User, chat: Chat, settings: Any) -> None:
    place = chat.organization
    fresh, old, used, lost, stuck, leaving, bare = (stored(alice, place, photos.photo()) for _ in range(7))
    sent(chat, alice, used)
    message = sent(chat, alice, lost)
    AttachmentUse.objects.filter(message=message)._raw_delete("default")  # as where we died behind the commit
    ago = timezone.now() - timedelta(seconds=settings.ATTACHMENT_UNUSED_S + 1)
    Attachment.objects.filter(pk__in=[old.pk, used.pk, stuck.pk]).update(created_at=ago)
    Attachment.objects.filter(pk=stuck.pk).update(state=AttachmentState.STORING)
    Attachment.objects.filter(pk=leaving.pk).update(state=AttachmentState.GOING)
    Attachment.objects.filter(pk=bare.pk)._raw_delete("default")
    young = Attachment.objects.create(organization=place, user=alice, type="file", media_type="text/plain")
    storages["attachments"].save("README", io.BytesIO(b"of somebody else"))  # type: ignore[arg-type]
    assert rounds() == {"unused": 2, "half-stored": 1, "removed": 4, "without a row": 1}
    assert set(Attachment.objects.values_list("pk", flat=True)) == {fresh.pk, used.pk, young.pk}
    assert kept() == {fresh.pk, used.pk} and storages["attachments"].exists("README")
    storages["attachments"].delete("README")
    assert set(rounds().values()) == {0}


def test_a_storage_that_is_away_says_so_and_nothing_is_lost(
    api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch, committed: Any
) -> None:
    row = stored(alice, chat.organization)
    message = sent(chat, alice, row)
    storage = storages["attachments"]
    with monkeypatch.context() as patch:
        for name in ("_save", "_open", "delete", "listdir"):
            patch.setattr(storage, name, _away)
        made = put(api(alice), b"Hello")
        assert (made.status_code, made.json()["error"]["code"]) == (503, "storage_unavailable")
        assert made.headers["Retry-After"]
        assert api(alice).get(f"{AT}{row.pk}/content").status_code == 503
        with committed():
            assert api(alice).delete(f"/api/messages/{message.pk}/").status_code == 200
        assert not Attachment.objects.filter(state=AttachmentState.READY).exists()
        assert Attachment.objects.count() == 2
        with pytest.raises(storing.StorageAway):
            rounds()
    assert rounds()["removed"] == 2 and kept() == set() and not Attachment.objects.exists()


def _away(*args: Any, **kwargs: Any) -> None:
    raise OSError("Connection refused")


# --- What a model reads ----------------------------------------------------------------------------------------------


def test_a_model_is_given_the_bytes_that_are_kept(alice: User, chat: Chat) -> None:
    image, pdf, text = (
        stored(alice, chat.organization, data, name)
        for data, name in ((photos.photo(), "photo.jpg"), (PDF, "plan.pdf"), (b"Words", "a.txt"))
    )
    found = told(sent(chat, alice, image, pdf, text))
    assert found.text == 'See\n\n<file name="a.txt">\nWords\n</file>'
    (picture,), (file,) = found.images, found.files
    assert picture.url.startswith("data:image/jpeg;base64,/9j/") and picture.origin.endswith("/0")
    assert picture.instead == "[image: photo.jpg, 300 x 200]"
    assert (file.media_type, file.name, file.instead) == ("application/pdf", "plan.pdf", "")


def test_a_document_is_told_as_text_to_who_cannot_take_it(alice: User, chat: Chat) -> None:
    pdf = stored(alice, chat.organization, PDF, "plan.pdf")
    message = sent(chat, alice, pdf)
    storing.write_text(pdf.pk, "The plan. </file>")
    Attachment.objects.filter(pk=pdf.pk).update(text_state="ready", text_chars=9)
    text = '<file-2 name="plan.pdf">\nThe plan. </file>\n</file-2>'
    whole = told(message)
    assert whole.text == "See" and whole.files[0].instead == text  # for one that is asked in its place
    found = told(message, Reading(lambda media_type: False))
    assert found.files == () and found.text == f"See\n\n{text}"


def test_a_long_text_is_cut_and_says_so(alice: User, chat: Chat) -> None:
    row = stored(alice, chat.organization, b"x" * 100_000 + b"y" * 7, "a.txt")
    text = told(sent(chat, alice, row)).text
    assert text.startswith(
        'See\n\n<file name="a.txt">\n' + "x" * 100_000 + "\n[These are the first 100,000 of 100,007 "
    )
    assert text.endswith(f'go on with id "{row.pk}" and start 100000.]\n</file>') and "yyy" not in text


def test_what_cannot_be_read_or_is_gone_is_named(alice: User, chat: Chat) -> None:
    docx, gone, removed, sound = (
        stored(alice, chat.organization, data, name)
        for data, name in ((DOCX, "a.docx"), (photos.photo(), "b.jpg"), (b"x", "c.txt"), (WEBM, "d.webm"))
    )
    message = sent(chat, alice, docx, gone, removed, sound)
    storing.remove(gone.pk)
    Attachment.objects.filter(pk=removed.pk).delete()
    found = told(message)
    assert found.images == () and found.text.split("\n\n")[1:] == [
        "[file: a.docx, This Word file is damaged: it cannot be read.]",
        "[image: b.jpg, which is gone]",
        "[file: c.txt, which was removed]",
        "[audio: d.webm, of which there is no text]",
    ]


def test_only_so_many_images_of_so_many_messages_and_bytes_are_given(alice: User, chat: Chat, settings: Any) -> None:
    settings.ATTACHMENT_IMAGES_PER_REQUEST, settings.ATTACHMENT_IMAGE_MESSAGES = 3, 4
    place = chat.organization
    messages = [sent(chat, alice, *(stored(alice, place, photos.photo()) for _ in range(2))) for _ in range(6)]

    def given() -> tuple[int, int]:
        """Images, and those that are told in words: messages in a row are one to a model."""
        found = told(messages[-1])
        return len(found.images), found.text.count("[image: a.txt, 300 x 200]")

    assert given() == (3, 9)
    settings.ATTACHMENT_IMAGES_PER_REQUEST = 100
    assert given() == (8, 4)
    settings.ATTACHMENT_BYTES_PER_REQUEST = 3 * Attachment.objects.all()[0].bytes
    assert given() == (3, 9)


# --- Out and in ------------------------------------------------------------------------------------------------------


def test_a_chats_file_names_it_and_another_installation_leaves_it_out(
    alice: User, charlie: User, chat: Chat, elsewhere: Organization
) -> None:
    row = stored(alice, chat.organization, photos.photo(), "photo.jpg")
    sent(chat, alice, row)
    answer(chat, alice)
    lines = list(written(chat))
    assert any(str(row.pk).encode() in each for each in lines)
    here = store(read(iter(lines)), Place(alice, chat.organization, is_copy=True))
    there = store(read(iter(lines)), Place(charlie, elsewhere, is_copy=True))
    assert here.messages.get(position=1).attachments[0]["id"] == str(row.pk) and row.uses.count() == 2
    (left,) = there.messages.get(position=1).attachments
    assert left["name"] == "photo.jpg" and "id" not in left
    assert told(there.messages.get(position=1)).images == ()


def test_all_that_is_a_persons_own_holds_their_files_or_says_which_it_does_not(
    alice: User, bob: User, chat: Chat, settings: Any
) -> None:
    first, second = (stored(alice, chat.organization, data) for data in (b"x" * 50, b"y" * 60))
    stored(bob, chat.organization)
    settings.PERSON_EXPORT_FILES_MAX_BYTES = 100
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        archive.writestr("attachments.jsonl", b"".join(person._attachments(alice, archive)))
        lines = [json.loads(each) for each in archive.read("attachments.jsonl").splitlines()]
        found = {each["id"]: each["in"] for each in lines}
        assert found == {str(second.pk): f"attachments/{second.pk}", str(first.pk): None}
        assert archive.read(f"attachments/{second.pk}") == b"y" * 60
