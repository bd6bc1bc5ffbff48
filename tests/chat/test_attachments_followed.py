"""What follows once a file is stored: in no place, on no connection, and whatever becomes of the file meanwhile."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.conf import settings as configured
from django.core.files.storage import storages
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from chat.attachments import storing, taking, texts
from chat.models import Attachment, AttachmentState, Chat
from chat.models.attachments import TextState
from chat.ops.chores.table import CHORES
from chat.services import uploads
from tests.media import wav

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
AUDIO, FILE = "audio", "file"
SENT = {AUDIO: wav(), FILE: b"Hello"}


@pytest.fixture(autouse=True)
def nothing_is_stored() -> None:
    """What other tests left of rows that they took back is away."""
    shutil.rmtree(storages["attachments"].path(""), ignore_errors=True)


@pytest.fixture(autouse=True)
def transcribed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Recordings have words, and the storage is empty in the end."""
    settings.TRANSCRIPTION_BASE_URL = "http://127.0.0.1:1/v1"
    monkeypatch.setattr(texts, "_words", lambda *_: "Buy milk.")
    yield
    for id in set(storing.ids()):
        storing.remove(id)


def put(api: Api, user: User, data: bytes) -> Any:
    return api(user).post("/api/attachments/?name=a", data, content_type="application/octet-stream")


def finding(patch: pytest.MonkeyPatch, do: Callable[[Attachment], Any]) -> None:
    """Something happens while it is found out what is to be read in a file."""

    def found(attachment: Attachment, data: bytes) -> str:
        do(attachment)
        return "Buy milk."

    for name in ("_words", "_text"):
        patch.setattr(texts, name, found)


@pytest.mark.parametrize("type", SENT)
def test_others_store_files_meanwhile_and_have_the_connection(
    type: str, api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def look(_: Attachment) -> None:
        free = [taking._places.acquire(timeout=0) for _ in range(configured.ATTACHMENTS_AT_ONCE)]
        for _ in filter(None, free):
            taking._places.release()
        seen.append(all(free))

    monkeypatch.setattr(texts, "connection", Mock(in_atomic_block=False))  # as outside of tests
    monkeypatch.setattr(texts, "close_old_connections", lambda: seen.append("given back"))
    finding(monkeypatch, look)
    assert put(api, alice, SENT[type]).status_code == 201
    assert seen == ["given back", True]


@pytest.mark.parametrize(
    ("type", "state", "error"), [(AUDIO, TextState.FAILED, texts.BUSY), (FILE, TextState.PENDING, "")]
)
def test_where_too_much_is_being_read_a_recording_says_so_and_a_document_is_read_later(
    type: str, state: str, error: str, api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "WAIT_S", 0.01)
    for _ in range(texts.AT_ONCE):
        assert texts._places[type].acquire(timeout=0)
    try:
        row = Attachment.objects.get(pk=put(api, alice, SENT[type]).json()["id"])
    finally:
        for _ in range(texts.AT_ONCE):
            texts._places[type].release()
    assert (row.text_state, row.text_error) == (state, error)
    assert texts.whole_text(row) == (None if type == AUDIO else "Hello")


@pytest.mark.parametrize(
    ("type", "state", "error"), [(AUDIO, TextState.FAILED, texts.NOT_KEPT), (FILE, TextState.PENDING, "")]
)
def test_words_that_cannot_be_stored_say_so_and_a_document_is_read_later(
    type: str, state: str, error: str, api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise storing.StorageAway

    monkeypatch.setattr(storing, "write_text", away)
    sent = put(api, alice, SENT[type])
    assert (sent.status_code, sent.json()["text"]["state"], sent.json()["text"]["error"]) == (201, state, error)


@pytest.mark.parametrize(
    ("type", "state", "minutes", "expected"),
    [
        (AUDIO, TextState.PENDING, 61, (TextState.FAILED, texts.LEFT)),
        (AUDIO, TextState.PENDING, 59, (TextState.PENDING, "")),  # it may still be at work
        (AUDIO, TextState.READY, 61, (TextState.READY, "")),
        (AUDIO, TextState.NONE, 61, (TextState.NONE, "")),
        (FILE, TextState.PENDING, 61, (TextState.PENDING, "")),  # it is read when it is needed
    ],
)
def test_a_recording_that_a_process_died_over_is_not_pending_for_ever(
    type: str, state: str, minutes: int, expected: tuple[str, str], alice: User, chat: Chat
) -> None:
    row = taking.take(alice, chat.organization_id, "a", SENT[type])
    at = timezone.now() - timedelta(minutes=minutes)
    Attachment.objects.filter(pk=row.pk).update(text_state=state, created_at=at)
    [chore] = (each for each in CHORES if each.name == "attachments")
    chore.begin()
    row.refresh_from_db()
    assert (row.text_state, row.text_error) == expected


def _deleted(row: Attachment, user: User) -> None:
    uploads.delete(user=user, id=row.pk)


def _going(row: Attachment, user: User) -> None:
    """Deleted where the storage took its time: its row is still there."""
    Attachment.objects.filter(pk=row.pk).update(state=AttachmentState.GOING)


@pytest.mark.parametrize("type", SENT)
@pytest.mark.parametrize("remove", [_deleted, _going])
def test_what_is_removed_while_it_is_read_leaves_nothing_and_says_so(
    remove: Callable[[Attachment, User], None],
    type: str,
    api: Api,
    alice: User,
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    finding(monkeypatch, lambda row: remove(row, alice))
    sent = put(api, alice, SENT[type])
    assert (sent.status_code, sent.json()["error"]["code"]) == (404, "not_found")
    assert set(storing.ids()) == set() and "has failed" not in caplog.text


def test_where_the_storage_is_away_then_the_chore_removes_it(
    api: Api, alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[UUID] = []

    def removed(row: Attachment) -> None:
        gone.append(row.pk)
        _deleted(row, alice)

    def away(*_: Any) -> None:
        raise OSError("Connection refused")

    with monkeypatch.context() as patch:
        finding(patch, removed)
        patch.setattr(taking, "_forget", lambda id: (patch.setattr(storages["attachments"], "delete", away), real(id)))
        assert put(api, alice, SENT[AUDIO]).status_code == 404
    assert set(storing.ids()) == set(gone)
    [chore] = (each for each in CHORES if each.name == "attachments")
    steps = chore.begin()
    while steps.step():
        time.sleep(0)
    assert set(storing.ids()) == set()


real = taking._forget
