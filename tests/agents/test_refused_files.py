"""Which refusals are about documents and sounds, and about which: what is marked is never sent again."""

import json
from typing import Any

import pytest

from agents import media
from agents.messages import AssistantMessage, File, Image, UserMessage
from agents.providers import errors, pictures
from agents.providers.base import ProviderRequest
from agents.providers.openai.request import wire_messages


def file(name: str, media_type: str) -> File:
    return File(f"data:{media_type};base64,AAAA", media_type, name, name)


OLD, PLAN, TALK = file("old", media.PDF), file("plan", media.PDF), file("talk", media.WAV)
PHOTO = Image("https://example.com/photo.png", "photo", "photo")
REQUEST = ProviderRequest(
    model="m",
    system="Be kind.",
    messages=(UserMessage("One.", (), (OLD,)), AssistantMessage("Nice."), UserMessage("Two.", (PHOTO,), (PLAN, TALK))),
)
NEWEST = ("plan", "talk")
EXPECTED = "Expected a base64-encoded data URL with an application/pdf MIME type"

# What servers were seen to write: openai/openai-dotnet#613, QwenLM/qwen-code#1888, BerriAI/litellm#11529, Anthropic.
MARKED: dict[str, tuple[str, ...]] = {
    f"Invalid file data: 'messages[3].content[2].file.file_data'. {EXPECTED}": ("plan",),
    f"Invalid file data: 'messages[1].content[1].file.file_data'. {EXPECTED}": ("old",),
    f"Invalid file data: 'messages[3].content[0].file.file_data'. {EXPECTED}": ("plan",),
    "The PDF specified was not valid.": ("plan",),
    "The PDF specified is password protected.": ("plan",),
    "A maximum of 100 PDF pages may be provided.": ("plan",),
    "Could not process PDF": ("plan",),
    "messages.2.content.0.document.source.base64.data: The PDF was not valid": ("plan",),
    "The audio data could not be decoded": ("talk",),
    "Invalid value: 'input_audio'. Supported values are: 'text', 'image_url'.": ("talk",),
    "Invalid value: file. Supported values are: 'text','image_url','video_url' and 'video'.": ("old", *NEWEST),
    "Invalid content part type: file": ("old", *NEWEST),
    "This model does not support PDF input.": ("old", "plan"),
    "audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj": ("talk",),
    "The file is empty": NEWEST,
    "cannot identify image file": ("photo",),
}
NOT_MARKED: dict[str, dict[str, Any]] = {
    "a tool": {"message": "Invalid schema for function 'read_file': file is not valid"},
    "a tool's parameter": {"message": "Invalid file", "param": "tools[0].function.parameters"},
    "context": {"message": "The documents exceed the context window of 8192 tokens."},
    "the same by its code": {"message": "The PDF is too large", "code": "context_length_exceeded"},
    "safety": {"message": "The document contains content not supported by our safety system."},
    "two sentences": {"message": "Files are welcome. The user field is invalid."},
    "no fault": {"message": "The document of the company is great"},
    "a model": {"message": "model my/audio:7b does not support thinking"},
}


def marked(status: int = 400, **error: Any) -> tuple[str, ...]:
    found = errors.from_status(status, {}, json.dumps({"error": error}).encode(), str)
    pictures.name_unreadable(found, wire_messages(REQUEST))
    return found.pictures


@pytest.mark.parametrize("message", MARKED)
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_over_files_marks_them(message: str, status: int) -> None:
    assert marked(status, message=message) == MARKED[message]


@pytest.mark.parametrize("name", NOT_MARKED)
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_over_something_else_marks_none(name: str, status: int) -> None:
    assert marked(status, **NOT_MARKED[name]) == ()


def test_what_is_marked_is_named_and_not_tried_again() -> None:
    found = errors.from_status(400, {}, b'{"error": {"message": "The PDF specified was not valid."}}', str)
    pictures.name_unreadable(found, wire_messages(REQUEST))
    assert (found.code, found.retryable) == ("upstream_invalid", False)
    assert found.message == "The model provider could not read a file: plan. Later requests leave it out."
    assert marked(429, message="The PDF specified was not valid.") == ()
