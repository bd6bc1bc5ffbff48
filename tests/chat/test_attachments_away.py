"""Attached files where something fails: a storage that is away, a file that stays, a server that answers later.

And a part of a file, as players ask for it.
"""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import storages
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.errors import Conflict, NotFound
from accounts.models import Organization, User
from chat.attachments import linked, storing, taking
from chat.attachments.going import FAULTS, STEP, Attachments
from chat.attachments.reading import Reading
from chat.models import Attachment, AttachmentState, AttachmentUse, Chat, Message, TextState
from chat.run_request import Item, RunRequest
from chat.services.items import add_items
from chat.services.messages import create_message
from chat.services.runs import start_run
from chat.transfer import person
from tests import photos
from tests.chat.rows import say
from tests.chat.test_page_views import signed_in
from tools.errors import OutwardError
from tools.outward.fetching import Answer

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]


@pytest.fixture(autouse=True)
def nothing_is_stored() -> None:
    """What other tests left of rows that they took back is away."""
    shutil.rmtree(storages["attachments"].path(""), ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The storage is the process's: each test begins and ends with it empty."""
    yield
    monkeypatch.undo()
    for id in set(storing.ids()):
        storing.remove(id)


def stored(user: User, organization: Organization, data: bytes = b"0123456789") -> Attachment:
    return taking.take(user, organization.pk, "a.txt", data)


def sent(chat: Chat, user: User, *rows: Attachment) -> Message:
    files = [{"type": each.type, "id": str(each.pk)} for each in rows]
    return create_message(user=user, chat=chat, content="See", attachments=files)


class Removing:
    """In the place of storing.remove: fails for some, and tells whom it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fails: Callable[[UUID], bool]) -> None:
        self.asked: list[UUID] = []
        self._fails, self._remove = fails, storing.remove
        monkeypatch.setattr(storing, "remove", self)

    def __call__(self, id: UUID) -> None:
        self.asked.append(id)
        if self._fails(id):
            raise storing.StorageAway
        self._remove(id)


# --- Going ------------------------------------------------------------------------------------------------------------


def test_a_chat_goes_with_one_look_at_its_files(
    api: Api, alice: User, chat: Chat, django_capture_on_commit_callbacks: Any
) -> None:
    """What marks them does not grow with them."""
    before = set(storing.ids())

    def marked(count: int) -> int:
        own = Chat.objects.create(
            organization=chat.organization, user=alice, model=chat.model, archetype=chat.archetype
        )
        rows = [stored(alice, chat.organization) for _ in range(count)]
        sent(own, alice, *rows)
        with (
            CaptureQueriesContext(
                connection,
            ) as asked,
            django_capture_on_commit_callbacks(execute=True),
        ):
            own.delete()
        assert not Attachment.objects.filter(pk__in=[each.pk for each in rows]).exists()
        return sum('UPDATE "chat_attachment"' in each["sql"] for each in asked)

    assert marked(1) == marked(6) == 1
    assert set(storing.ids()) == before


@pytest.mark.parametrize("way", ["chat", "organization", "person"])
def test_a_storage_that_is_away_is_asked_once_and_the_chore_does_the_rest(
    way: str, alice: User, bob: User, chat: Chat, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    rows = [stored(bob, chat.organization) for _ in range(5)]
    if way != "person":
        Attachment.objects.update(user=alice)
        sent(chat, alice, *rows)
    with monkeypatch.context() as patch:
        removing = Removing(patch, lambda id: True)
        with django_capture_on_commit_callbacks(execute=True):
            match way:
                case "chat":
                    chat.delete()
                case "organization":
                    Chat.objects.all().delete()
                    chat.organization.delete()
                case "person":
                    bob.delete()
        assert len(removing.asked) == 1
    assert not Attachment.objects.filter(state=AttachmentState.READY).exists()
    chore = Attachments()
    while chore.step():
        pass
    assert set(storing.ids()) == set() and not Attachment.objects.exists()


def test_what_a_savepoint_has_lost_and_got_back_stays(
    alice: User, chat: Chat, django_capture_on_commit_callbacks: Any
) -> None:
    kept, lost, bare = (stored(alice, chat.organization) for _ in range(3))
    ids = {kept.pk, bare.pk}
    first, second = sent(chat, alice, kept), sent(chat, alice, lost)
    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            AttachmentUse.objects.filter(message=first).delete()
            bare.delete()
            raise ZeroDivisionError
        AttachmentUse.objects.filter(message=second).delete()
        stored(alice, chat.organization).delete()
    assert set(storing.ids()) == ids == set(Attachment.objects.values_list("pk", flat=True))


@pytest.mark.parametrize("has_row", [True, False])
@pytest.mark.parametrize("stuck", [1, FAULTS, FAULTS + 1])
def test_the_chore_goes_past_what_cannot_be_removed(
    stuck: int, has_row: bool, alice: User, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = sorted((stored(alice, organization) for _ in range(stuck + 2)), key=lambda each: each.pk)
    ids = [each.pk for each in rows]
    Attachment.objects.update(state=AttachmentState.GOING)
    if not has_row:
        Attachment.objects.all()._raw_delete("default")
    removing, chore = Removing(monkeypatch, lambda id: id in ids[:stuck]), Attachments()
    if stuck > FAULTS:
        with pytest.raises(storing.StorageAway):
            while chore.step():
                pass
        return
    steps = 1
    while chore.step():
        steps += 1
    assert set(storing.ids()) == set(ids[:stuck]) and chore.counts["not removed"] == stuck
    assert chore.counts["removed" if has_row else "without a row"] == 2
    assert removing.asked[: len(ids)] == ids and steps > stuck, "a step ends with a file that may have taken long"


def test_a_step_is_short(alice: User, organization: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"organization": organization, "user": alice, "type": "file"}
    Attachment.objects.bulk_create(Attachment(**values, state=AttachmentState.GOING) for _ in range(STEP + 5))
    removing = Removing(monkeypatch, lambda id: False)
    assert Attachments().step() and len(removing.asked) == STEP <= 20


# --- A part of a file -------------------------------------------------------------------------------------------------

WHOLE = (200, b"0123456789", None)
RANGES = {
    # Range -> status, what is sent, Content-Range
    "": WHOLE,
    "bytes=0-1": (206, b"01", "bytes 0-1/10"),
    "bytes=3-": (206, b"3456789", "bytes 3-9/10"),
    "bytes=9-9": (206, b"9", "bytes 9-9/10"),
    "bytes=5-999": (206, b"56789", "bytes 5-9/10"),
    "bytes=0-999999999999999": (206, b"0123456789", "bytes 0-9/10"),
    "bytes=10-": (416, b"", "bytes */10"),
    "bytes=99-100": (416, b"", "bytes */10"),
    "bytes=5-4": WHOLE,
    "bytes=-3": WHOLE,
    "bytes=0-1,4-5": WHOLE,
    "bytes=a-b": WHOLE,
    "bytes=٣-": WHOLE,
    "lines=0-1": WHOLE,
    "bytes=0-" + "9" * 5_000: WHOLE,
}


@pytest.mark.parametrize("asked", RANGES, ids=lambda each: each[:20])
def test_a_part_is_sent_as_a_part(asked: str, api: Api, alice: User, charlie: User, organization: Organization) -> None:
    status, data, told = RANGES[asked]
    address = f"/api/attachments/{stored(alice, organization).pk}/content"
    headers = {"Range": asked} if asked else {}
    found = api(alice).get(address, headers=headers)
    assert (found.status_code, found.content, found.headers.get("Content-Range")) == (status, data, told)
    assert found.headers["Accept-Ranges"] == "bytes" and found.headers["X-Content-Type-Options"] == "nosniff"
    tag = found.headers["ETag"]
    assert api(alice).get(address, headers={**headers, "If-None-Match": tag}).status_code == 304
    another = api(alice).get(address, headers={**headers, "If-Range": '"another"'})
    assert (another.status_code, another.content) == WHOLE[:2]
    assert api(alice).get(address, headers={**headers, "If-Range": tag}).status_code == status
    assert api(charlie).get(address, headers=headers).status_code == 404


# --- A person's export, and texts -------------------------------------------------------------------------------------


def test_an_export_goes_on_without_the_files_once_the_storage_is_away(
    alice: User, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest_last = [stored(alice, organization) for _ in range(4)]
    asked: list[UUID] = []

    def read(row: Attachment) -> bytes:
        asked.append(row.pk)
        if len(asked) == 2:
            raise storing.StorageAway
        return b"x"

    monkeypatch.setattr(storing, "read", read)
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        lines = [json.loads(each) for each in person._attachments(alice, archive)]
    newest = newest_last[-1].pk
    assert asked[0] == newest and len(asked) == 2 and len(lines) == 4
    assert {each["id"]: each["in"] for each in lines if each["in"]} == {str(newest): f"attachments/{newest}"}


def test_a_text_that_is_gone_is_not_there(alice: User, organization: Organization) -> None:
    row = stored(alice, organization)
    Attachment.objects.filter(pk=row.pk).update(text_state=TextState.READY)
    address = f"/attachments/{row.pk}/text/"
    storing.write_text(row.pk, "Hello")
    assert signed_in(alice).get(address).content == b"Hello"
    storing.remove(row.pk)
    assert signed_in(alice).get(address).status_code == 404


# --- Images at addresses ----------------------------------------------------------------------------------------------

URL = "https://example.com/photo.png"
FETCHED: dict[str, tuple[Exception | int | bytes, bool, str]] = {
    # what comes of it -> whether that is said at once, a part of what is said
    "timeout": (OutwardError("timeout", "No answer in time."), False, "in time"),
    "a name that is not known": (OutwardError("unreachable", "example.com is not known."), False, "not known"),
    "broken off": (OutwardError("bad_answer", "It broke off."), False, "broke off"),
    "429": (429, False, "status 429"),
    "500": (500, False, "status 500"),
    "503": (503, False, "status 503"),
    "403": (403, True, "status 403"),
    "404": (404, True, "status 404"),
    "410": (410, True, "status 410"),
    "no image": (b"<!doctype html><p>", True, "is a web page"),
    "too large": (OutwardError("too_large", "It is too long."), True, "too long"),
    "an address": (OutwardError("refused_address", "It is not public."), True, "not public"),
    "no URL": (OutwardError("refused_url", "It is no URL."), True, "no URL"),
}


def fetching(monkeypatch: pytest.MonkeyPatch, outcome: Exception | int | bytes) -> None:
    async def fetch(url: str, **more: Any) -> Answer:
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(outcome, {}, b"") if isinstance(outcome, int) else Answer(200, {}, outcome)

    monkeypatch.setattr(linked, "fetch", fetch)


def seen(message: Message) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a model is given of the image, and what its message says of it from then on."""
    message.refresh_from_db()
    [given] = Reading().files(message.attachments, message.pk)
    message.refresh_from_db()
    return given, message.attachments[0]


def with_image(chat: Chat, user: User) -> Message:
    return say(chat, user, attachments=[{"type": "image", "name": "", "url": URL}])


def an_hour_later(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - linked.OPEN - timedelta(seconds=1))


@pytest.mark.parametrize("case", FETCHED)
def test_an_outage_of_a_moment_is_no_last_word(
    case: str, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, is_for_good, why = FETCHED[case]
    message = with_image(chat, alice)
    fetching(monkeypatch, outcome)
    given, said = seen(message)
    if is_for_good:
        assert said["unreadable"] is True and why in said["why"]
        return
    assert said == {"type": "image", "name": "", "url": URL}
    assert given == {"type": "image", "name": "", "told": "which could not be fetched yet"}
    fetching(monkeypatch, photos.photo())
    assert seen(message)[1]["linked"] is True, "once it is there, it is kept"
    old = with_image(chat, alice)
    an_hour_later(old)
    fetching(monkeypatch, outcome)
    assert why in seen(old)[1]["why"]


def test_an_image_waits_an_hour_for_room(alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise Conflict("There is no room.", code="attachments_full")

    message = with_image(chat, alice)
    fetching(monkeypatch, photos.photo())
    monkeypatch.setattr(taking, "take", full)
    assert seen(message)[1] == {"type": "image", "name": "", "url": URL}
    an_hour_later(message)
    assert seen(message)[1]["why"] == "There is no room."


# --- Several messages at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["run", "items"])
def test_the_files_of_several_messages_are_locked_at_once(way: str, alice: User, bob: User, chat: Chat) -> None:
    rows = [stored(alice, chat.organization) for _ in range(3)]
    others = stored(bob, chat.organization)

    def item(*files: Attachment) -> Item:
        return Item("user", "See", attachments=[{"type": each.type, "id": str(each.pk)} for each in files])

    def send(*items: Item) -> None:
        if way == "run":
            start_run(user=alice, chat=chat, ask=RunRequest(items=items))
        else:
            add_items(user=alice, chat=chat, items=items)

    with pytest.raises(NotFound) as error:
        send(item(rows[0]), item(rows[1], others))
    assert list(error.value.fields) == ["attachments.1.id"] and not AttachmentUse.objects.exists()
    with CaptureQueriesContext(connection) as asked:
        send(item(rows[2], rows[0]), item(rows[1]), item(rows[0]))
    found = 'FROM "chat_attachment" WHERE'
    assert sum(found in each["sql"] and 'ORDER BY "chat_attachment"."id"' in each["sql"] for each in asked) == 1
    uses = AttachmentUse.objects.values_list("attachment", flat=True)
    assert sorted(uses) == sorted([rows[0].pk, *(each.pk for each in rows)])
