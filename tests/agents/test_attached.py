"""PDFs and sounds of a message: known by their bytes, estimated, in each wire's own form, else told in words."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents import media, tokens
from agents.conversation import shaped
from agents.loop.attached import unseen
from agents.loop.target import Target, fitted
from agents.messages import AssistantMessage, File, Image, Message, SystemMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.anthropic.provider import AnthropicProvider
from agents.providers.base import Provider, ProviderRequest
from agents.providers.openai import OpenAIProvider
from agents.providers.responses.provider import ResponsesProvider
from agents.providers.server import Server
from tests.agents.scripted import ScriptedProvider
from tests.media import MP3, PDF, TAGGED_MP3, in_base64, url, wav
from tests.pictures import DOT, gif, jpeg, png, webp
from tests.upstream import Turn, Upstream

PLAN = File(url(media.PDF, PDF), media.PDF, "plan.pdf", "m/0")
NAMELESS = File(url(media.PDF, PDF), media.PDF)
TALK = File(url(media.WAV, wav()), media.WAV, "talk.wav", "m/1")
SONG = File(url(media.MP3, MP3), media.MP3, "", "m/2")
PHOTO = Image(DOT, "dot.png", "m/3")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PDF, media.PDF), (wav(), media.WAV), (MP3, media.MP3), (TAGGED_MP3, media.MP3), (b"%PDF-", media.PDF),
        (b"", ""), (b"%PDF", ""), (b" %PDF-1.7", ""), (b"hello", ""), (b"\xff\xfb", ""),
        (png(1, 1), ""), (jpeg(1, 1), ""), (gif(1, 1), ""), (webp(1, 1), ""), (b"RIFF\0\0\0\0AVI LIST", ""),
        (b"\xff\xf1\x50\x80" + bytes(20), ""), (b"\xff\xff\xff\xff" + bytes(20), ""),  # AAC; set bits
        (b"\xff\xfe\x68\x00i\x00", ""),  # a text in UTF-16
        (b"OggS" + bytes(20), ""), (b"fLaC" + bytes(20), ""),
    ],
)  # fmt: skip
def test_what_a_file_is_its_first_bytes_say(data: bytes, media_type: str) -> None:
    assert media.type_of(data) == media_type


def of(data: bytes, media_type: str) -> int:
    return tokens.of_file(File(url(media_type, data), media_type))


def test_a_pdf_is_counted_by_its_bytes_and_a_sound_by_its_seconds() -> None:
    assert of(PDF, media.PDF) == tokens.PDF_MIN_TOKENS
    assert of(PDF + bytes(100_000), media.PDF) == pytest.approx(10_000, rel=0.01)
    assert of(wav(60, 16_000), media.WAV) == pytest.approx(of(wav(60, 8_000), media.WAV), rel=0.01) == 1_920
    assert of(MP3 * 1_000, media.MP3) == pytest.approx(417_000 / 8_000 * 32, rel=0.01)
    assert of(b"RIFF\0\0\0\0WAVE" + bytes(176_400), media.WAV) == pytest.approx(32, rel=0.1)
    bare = tokens.of_message(UserMessage("Hi"))
    assert tokens.of_message(UserMessage("Hi", (), (PLAN, TALK))) == bare + tokens.of_file(PLAN) + tokens.of_file(TALK)


def test_a_file_alone_is_a_message_and_neighbours_keep_all_of_theirs() -> None:
    alone, more = UserMessage("", (), (PLAN,)), UserMessage("And?", (PHOTO,), (TALK,))
    assert shaped((alone,)) == (alone,)
    assert shaped((alone, more)) == (UserMessage("And?", (PHOTO,), (PLAN, TALK)),)


# --- What a model cannot take -----------------------------------------------------------------------------------------

ASKED = UserMessage("Look.", (PHOTO,), (PLAN, TALK, SONG))
PDF_TOLD = "[file: plan.pdf, not shown to this model]"
TALK_TOLD, SONG_TOLD = "[audio: talk.wav, not shown to this model]", "[audio: without a name, not shown to this model]"
PHOTO_TOLD = "[image: dot.png, not shown to this model]"

# abilities and API: what stays, what is told, and whose origins are named
FITTED: dict[str, tuple[set[str], str, tuple[Any, ...], list[str], tuple[str, ...]]] = {
    "everything": ({"images", "pdf", "audio"}, "chat", (PHOTO, PLAN, TALK, SONG), [], ()),
    "no sound": ({"images", "pdf"}, "chat", (PHOTO, PLAN), [TALK_TOLD, SONG_TOLD], ("m/1", "m/2")),
    "no document": ({"images", "audio"}, "chat", (PHOTO, TALK, SONG), [PDF_TOLD], ("m/0",)),
    "no picture": ({"pdf", "audio"}, "chat", (PLAN, TALK, SONG), [PHOTO_TOLD], ("m/3",)),
    "texts": (set(), "chat", (), [PHOTO_TOLD, PDF_TOLD, TALK_TOLD, SONG_TOLD], ("m/3", "m/0", "m/1", "m/2")),
    "Responses have no word for sounds": (
        {"images", "pdf", "audio"}, "responses", (PHOTO, PLAN), [TALK_TOLD, SONG_TOLD], ("m/1", "m/2")),
    "nor have Messages": (
        {"images", "pdf", "audio"}, "messages", (PHOTO, PLAN), [TALK_TOLD, SONG_TOLD], ("m/1", "m/2")),
}  # fmt: skip


@pytest.mark.parametrize("name", FITTED)
def test_what_a_model_cannot_take_is_told_in_words(name: str) -> None:
    abilities, api, stays, told, origins = FITTED[name]
    model = ModelInfo("m", "a", abilities=frozenset(abilities), server=Server("a", api))
    request = ProviderRequest("m", "", (ASKED,))
    asked = fitted(request, Target(model, ScriptedProvider([])))
    [message] = asked.messages
    assert isinstance(message, UserMessage) and message.attached == stays
    assert message.text.split("\n\n") == ["Look.", *told]
    assert unseen(request, asked) == origins


def test_what_is_left_out_with_its_message_was_not_unseen_for_what_it_is() -> None:
    model = ModelInfo("m", "a", context_tokens=1_000, is_context_known=True, abilities=frozenset())
    long = UserMessage("word " * 800, (), (PLAN,))
    request = ProviderRequest("m", "", (SystemMessage("Rules."), long, AssistantMessage("Yes."), ASKED))
    asked = fitted(request, Target(model, ScriptedProvider([])))
    assert len(asked.messages) == 2
    assert unseen(request, asked) == ("m/3", "m/0", "m/1", "m/2")
    assert unseen(request, request) == ()


# --- On the wire ------------------------------------------------------------------------------------------------------

Build = Callable[..., Provider]
BUILDS: dict[str, Build] = {"chat": OpenAIProvider, "responses": ResponsesProvider, "messages": AnthropicProvider}
PICTURE = {
    "chat": {"type": "image_url", "image_url": {"url": DOT}},
    "responses": {"type": "input_image", "image_url": DOT, "detail": "auto"},
    "messages": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": DOT.partition(",")[2]},
    },
}
SOURCE = {"type": "base64", "media_type": "application/pdf", "data": in_base64(PDF)}


def words(wire: str, value: str) -> dict[str, str]:
    return {"type": "input_text" if wire == "responses" else "text", "text": value}


# message, and for each wire its parts
SENT: dict[str, tuple[UserMessage, dict[str, list[dict[str, Any]]]]] = {
    "a document": (UserMessage("Sum up.", (), (PLAN,)), {
        "chat": [words("chat", "Sum up."),
                 {"type": "file", "file": {"filename": "plan.pdf", "file_data": PLAN.url}}],
        "responses": [words("responses", "Sum up."),
                      {"type": "input_file", "filename": "plan.pdf", "file_data": PLAN.url}],
        "messages": [{"type": "document", "source": SOURCE, "title": "plan.pdf"}, words("messages", "Sum up.")],
    }),
    "a document without a name or a word": (UserMessage("", (), (NAMELESS,)), {
        "chat": [{"type": "file", "file": {"filename": "document.pdf", "file_data": PLAN.url}}],
        "responses": [{"type": "input_file", "filename": "document.pdf", "file_data": PLAN.url}],
        "messages": [{"type": "document", "source": SOURCE}],
    }),
    "sounds": (UserMessage("What is said?", (), (TALK, SONG)), {
        "chat": [words("chat", "What is said?"),
                 {"type": "input_audio", "input_audio": {"data": in_base64(wav()), "format": "wav"}},
                 {"type": "input_audio", "input_audio": {"data": in_base64(MP3), "format": "mp3"}}],
        "responses": [words("responses", each) for each in ("What is said?", TALK_TOLD, SONG_TOLD)],
        "messages": [words("messages", each) for each in (TALK_TOLD, SONG_TOLD, "What is said?")],
    }),
    "a picture too": (UserMessage("Compare.", (PHOTO,), (PLAN,)), {
        "chat": [words("chat", "Compare."), PICTURE["chat"],
                 {"type": "file", "file": {"filename": "plan.pdf", "file_data": PLAN.url}}],
        "responses": [words("responses", "Compare."), PICTURE["responses"],
                      {"type": "input_file", "filename": "plan.pdf", "file_data": PLAN.url}],
        "messages": [PICTURE["messages"], {"type": "document", "source": SOURCE, "title": "plan.pdf"},
                     words("messages", "Compare.")],
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.mark.parametrize("wire", BUILDS)
@pytest.mark.parametrize("name", SENT)
async def test_each_wire_has_its_own_form(name: str, wire: str, upstream: Upstream) -> None:
    message, forms = SENT[name]
    upstream.reset()
    upstream.script(Turn(text="Well."))
    assert await parts_of(wire, upstream, message) == forms[wire]


async def parts_of(wire: str, upstream: Upstream, *messages: Message) -> Any:
    """The content of the first message, as the upstream gets it, which refuses what the real one does."""
    provider = BUILDS[wire](api_key="sk-of-the-tests-1234567890", base_url=upstream.url)
    try:
        async for _ in provider.stream(ProviderRequest("m", "", messages)):
            pass
    finally:
        await provider.close()
    [seen] = upstream.requests()
    return seen.body["input" if wire == "responses" else "messages"][0]["content"]
