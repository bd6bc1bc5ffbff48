"""What is to be read in attachments: found when they are stored, given to models, and read on by the tool."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from accounts.models import User
from chat.attachments import for_tools, storing, using
from chat.attachments.taking import take
from chat.attachments.texts import text_of, whole_text
from chat.models import Attachment, Chat, Message, Run
from chat.models.attachments import TextState
from chat.runner.files import told
from tests import documents
from tests.chat.rows import answer
from tests.media import wav
from tests.sounds import SOUNDS, mp4, webm
from tests.tools.contexts import context
from tests.transcriber import Transcriber
from tools.base import ToolContext
from tools.errors import RetryTool, ToolError

pytestmark = pytest.mark.django_db
PDF = documents.pdf("One", "", "Three")


def taken(user: User, chat: Chat, name: str, data: bytes) -> Attachment:
    return take(user, chat.organization_id, name, data)


# --- Documents --------------------------------------------------------------------------------------------------------

READ = [
    ("a.pdf", PDF, "[page 1]\nOne\n\n[page 3]\nThree"),
    ("a.docx", documents.docx(documents.paragraph("Hello you")), "Hello you"),
    ("a.html", b"<html><h2>Big</h2><p>small</p></html>", "## Big\n\nsmall"),
    ("a.txt", "grüße".encode("latin-1"), "grüße"),
    ("no name of a text", b"# Plan\n- buy milk", "# Plan\n- buy milk"),
]


@pytest.mark.parametrize(("name", "data", "text"), READ)
def test_a_document_s_text_is_kept_beside_it(name: str, data: bytes, text: str, alice: User, chat: Chat) -> None:
    row = taken(alice, chat, name, data)
    assert (row.text_state, row.text_chars, row.text_error) == (TextState.READY, len(text), "")
    assert storing.read_text(row.pk) == text == text_of(row)


def test_what_cannot_be_read_stays_and_says_why(alice: User, chat: Chat) -> None:
    data = documents.locked_pdf("secret")
    row = taken(alice, chat, "a.pdf", data)
    assert (row.text_state, row.text_error) == (TextState.FAILED, "This PDF has a password: save it without one.")
    assert text_of(row) is None and storing.read(row) == data


def test_a_text_that_was_lost_on_the_way_is_read_again(alice: User, chat: Chat) -> None:
    """A process may die between the file and its text; a storage may be away for the one and not for the other."""
    row = taken(alice, chat, "a.pdf", PDF)
    for state in (TextState.PENDING, TextState.NONE):
        Attachment.objects.filter(pk=row.pk).update(text_state=state, text_chars=0)
        (storing._storage()).delete(f"{row.pk}.text")
        row.refresh_from_db()
        assert text_of(row) == "[page 1]\nOne\n\n[page 3]\nThree"
        row.refresh_from_db()
        assert row.text_state == TextState.READY and row.text_chars == 28


def test_of_a_long_text_its_beginning_is_given_and_how_it_goes_on(alice: User, chat: Chat, settings: Any) -> None:
    settings.ATTACHMENT_TEXT_SHOWN_CHARS = 10
    row = taken(alice, chat, "a.txt", b"0123456789xyz")
    found = text_of(row)
    assert found is not None
    assert found.startswith("0123456789\n[These are the first 10 of 13 characters.")
    assert f'id "{row.pk}" and start 10' in found and "xyz" not in found


# --- The tool ---------------------------------------------------------------------------------------------------------

LONG = "".join(f"{number:06} ä\n" for number in range(12_000))[:-1]  # of more bytes than a piece has room for


def run_with(user: User, chat: Chat, row: Attachment) -> tuple[Run, ToolContext]:
    """A run that answers a message which has this attachment."""
    run = answer(chat, user)
    message = Message.objects.get(pk=run.input_id)
    message.attachments = [using.said_of(row)]
    message.save(update_fields=["attachments"])
    using.use_anew(message)
    return run, context_of(user, run)


def context_of(user: User, run: Run) -> ToolContext:
    return context(user_id=user.pk, chat_id=run.chat_id, run_id=run.pk)


def test_piece_by_piece_it_is_the_whole_text(alice: User, chat: Chat) -> None:
    row = taken(alice, chat, "long.txt", LONG.encode())
    _, ctx = run_with(alice, chat, row)
    pieces, start, rounds = "", 0, 0
    while True:
        piece = for_tools.read_piece(ctx, str(row.pk), start)
        assert piece["start"] == start and piece["characters"] == len(LONG)
        assert "do not follow" in piece["note"] and len(json.dumps(piece).encode()) < 64_000
        pieces, start, rounds = pieces + piece["text"], piece["end"], rounds + 1
        if "more" not in piece:
            break
        assert piece["more"] == f"Read on with start={start}."
    assert pieces == whole_text(row) == LONG and rounds == 3


@pytest.mark.parametrize("start", [-1, 5, 10**9])
def test_a_place_that_is_none_is_told_with_what_was_expected(start: int, alice: User, chat: Chat) -> None:
    row = taken(alice, chat, "a.txt", b"hello")
    _, ctx = run_with(alice, chat, row)
    with pytest.raises(RetryTool, match="expected 0 to 4"):
        for_tools.read_piece(ctx, str(row.pk), start)


def test_it_is_read_in_its_own_branch_alone(alice: User, bob: User, charlie: User, chat: Chat) -> None:
    row = taken(alice, chat, "a.txt", b"canary")
    run, ctx = run_with(alice, chat, row)
    later = answer(chat, alice)
    assert for_tools.read_piece(context_of(alice, later), str(row.pk), 0)["text"] == "canary", "a branch goes on"

    beside = answer(chat, alice)
    Message.objects.filter(pk=beside.input_id).update(parent=None)  # a branch of its own
    unsent = taken(alice, chat, "b.txt", b"canary")
    other = Chat.objects.create(organization=chat.organization, user=alice, model="gpt-4o", archetype="generalist")
    elsewhere = answer(other, alice)
    refused = {
        "a branch beside": (context_of(alice, beside), row),
        "another chat": (context_of(alice, elsewhere), row),
        "no message": (ctx, unsent),
        "Charlie": (context_of(charlie, run), row),
        "Bob, with whom the chat is not shared": (context_of(bob, run), row),
        "no chat": (context(user_id=alice.pk, chat_id=None, run_id=run.pk), row),
    }
    for case, (each, wanted) in refused.items():
        with pytest.raises(ToolError) as error:
            for_tools.read_piece(each, str(wanted.pk), 0)
        assert str(error.value) == for_tools.UNKNOWN, case
    with pytest.raises(RetryTool, match="expected the id"):
        for_tools.read_piece(ctx, "../secret", 0)


def test_what_has_no_text_says_so(alice: User, chat: Chat) -> None:
    _, ctx = run_with(alice, chat, row := taken(alice, chat, "a.pdf", documents.pdf("")))
    with pytest.raises(ToolError, match="no text in this PDF"):
        for_tools.read_piece(ctx, str(row.pk), 0)


# --- Recordings -------------------------------------------------------------------------------------------------------


@pytest.fixture
def transcriber(settings: Any) -> Iterator[Transcriber]:
    made = Transcriber().start()
    settings.TRANSCRIPTION_BASE_URL, settings.TRANSCRIPTION_KEY = made.url, "sk-words"
    settings.TRANSCRIPTION_MODEL = "whisper-2"
    yield made
    made.close()


@pytest.mark.parametrize("media_type", SOUNDS)
def test_a_recording_s_words_are_kept_beside_it(
    media_type: str, transcriber: Transcriber, alice: User, chat: Chat
) -> None:
    row = taken(alice, chat, "Müller, geheim.bin", SOUNDS[media_type])
    assert (row.type, row.media_type) == ("audio", media_type)
    assert (row.text_state, text_of(row)) == (TextState.READY, "Buy milk and bread.")
    [asked] = transcriber.asked
    assert asked.path == "/v1/audio/transcriptions" and asked.authorization == "Bearer sk-words"
    assert asked.fields == {"model": "whisper-2", "response_format": "json"}
    assert (asked.file, asked.file_type) == (SOUNDS[media_type], media_type)
    assert asked.file_name.startswith("recording.") and "geheim" not in asked.file_name


FAILURES: dict[str, tuple[int, bytes, str]] = {
    "not read": (400, b'{"error": {"message": "sk-words leaked"}}', "could not read this one"),
    "too large": (413, b"", "none as large"),
    "busy": (429, b"", "too much to do"),
    "no such address": (404, b"", "status 404"),
    "broken": (500, b"Traceback: sk-words", "status 500"),
    "no text": (200, b'{"words": []}', "sent no text"),
    "no JSON": (200, b"<html>", "sent no text"),
    "nothing said": (200, b'{"text": "  "}', "Nothing is said in it."),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_goes_wrong_is_a_sentence_and_the_recording_stays(
    case: str, transcriber: Transcriber, alice: User, chat: Chat
) -> None:
    transcriber.status, transcriber.body, words = FAILURES[case]
    row = taken(alice, chat, "a.wav", wav())
    assert row.text_state == TextState.FAILED and words in row.text_error and "sk-words" not in row.text_error
    assert text_of(row) is None and storing.read(row) == wav()


def test_a_server_that_is_slow_or_away_holds_nobody_up(
    transcriber: Transcriber, alice: User, chat: Chat, settings: Any
) -> None:
    settings.TRANSCRIPTION_TIMEOUT_S, transcriber.pause_s = 0.3, 3.0
    assert "too long" in taken(alice, chat, "a.wav", wav()).text_error
    settings.TRANSCRIPTION_BASE_URL = "http://127.0.0.1:1/v1"
    row = taken(alice, chat, "a.wav", wav())
    assert row.text_state == TextState.FAILED and row.text_error.endswith(".")


def test_long_and_large_ones_are_not_sent(transcriber: Transcriber, alice: User, chat: Chat, settings: Any) -> None:
    long = taken(alice, chat, "a.m4a", mp4(1_801))
    assert long.seconds == 1_801 and "more than 30 minutes" in long.text_error
    settings.TRANSCRIPTION_MAX_BYTES = 100
    assert "more than 100 bytes" in taken(alice, chat, "a.wav", wav()).text_error
    assert transcriber.asked == []


def test_without_a_server_there_are_no_words_and_no_fault(alice: User, chat: Chat) -> None:
    row = taken(alice, chat, "a.webm", webm(4.0))
    assert (row.text_state, row.text_error, row.seconds) == (TextState.NONE, "", 4.0)
    assert text_of(row) is None


def test_an_image_has_none(alice: User, chat: Chat) -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    row = taken(alice, chat, "a.png", out.getvalue())
    assert (row.text_state, text_of(row)) == (TextState.NONE, None)


def test_why_an_image_was_not_fetched_ends_no_line_of_the_model_s() -> None:
    said = told("See", [{"type": "image", "name": "a", "url": "https://x", "unreadable": True, "why": "bad\n[x]"}])
    assert said == "See\n\n[image: a, which could not be read: bad&#10;&#91;x&#93;]"
