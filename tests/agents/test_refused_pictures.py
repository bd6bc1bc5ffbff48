"""Which refusals are about pictures, and about which: what is marked is never sent again."""

import json
from typing import Any

import pytest

from agents.messages import AssistantMessage, Image, UserMessage
from agents.providers import errors, pictures
from agents.providers.base import ProviderRequest
from agents.providers.openai.request import wire_messages

OLD, FIRST, SECOND = (Image(f"https://example.com/{name}.png", name, name) for name in ("old", "first", "second"))
REQUEST = ProviderRequest(
    model="m",
    system="Be kind.",
    messages=(UserMessage("One.", (OLD,)), AssistantMessage("Nice."), UserMessage("Two.", (FIRST, SECOND))),
)
NEWEST, ALL = ("first", "second"), ("old", "first", "second")
MEDIA = "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"

MARKED: dict[str, tuple[str, ...]] = {
    "Could not process image": NEWEST,
    "messages.0.content.1.image.source.base64.data: Could not process image": NEWEST,
    f"messages.0.content.1.image.source.base64.media_type: {MEDIA}": NEWEST,
    "messages[3].content[1].image_url: Could not process it": ("first",),
    "messages[1].content[1].image_url is not a valid URL.": ("old",),
    "The image was specified using the image/jpeg media type, but the image appears to be a image/png image": NEWEST,
    "Image does not match the provided media type image/png": NEWEST,
    "image: unknown format": NEWEST,
    "broken data stream when reading image file": NEWEST,
    "cannot identify image file <_io.BytesIO object at 0x7f>": NEWEST,
    "Image decode error": NEWEST,
    "Decoding image failed": NEWEST,
    "Failed to load image or audio file": NEWEST,
    "The image data you provided does not represent a valid image. Please check your input.": NEWEST,
    "You uploaded an unsupported image. Please make sure your image is of one of these formats: ['png']": NEWEST,
    "This model does not support image format webp": NEWEST,
    "At most 1 image(s) may be provided in one request.": NEWEST,
    "Too many images in request": NEWEST,
    "image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes": NEWEST,
    "No endpoints found that support image input": ALL,
    "This model does not support images.": ALL,
    "llava:7b is not multimodal": ALL,
    "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj": ALL,
    "Content type 'image_url' is not allowed": ALL,
    "unknown variant image_url, expected text": ALL,
    "Failed to deserialize: messages[1]: unknown variant `image_url`, expected `text` at line 1": ALL,
}  # fmt: skip

NOT_MARKED: dict[str, dict[str, Any]] = {
    "tools": {"message": "registry.ollama.ai/library/llama3.2-vision:latest does not support tools"},
    "a path": {"message": "models/vision/images:7b does not support thinking"},
    "a parameter": {"message": "Unsupported parameter: 'temperature' is not supported with vision models"},
    "the same by its code": {"message": "Vision models: unsupported 'top_p'", "code": "unsupported_parameter"},
    "the same without that word": {"message": "'logprobs' is not supported with vision models"},
    "safety": {"message": "The image contains content not supported by our safety system."},
    "policy": {"message": "Invalid image: it was rejected.", "code": "content_policy_violation"},
    "the same as a type": {"message": "Invalid image: it was rejected.", "type": "content_policy_violation"},
    "context": {"message": "The images in your messages exceed the limit", "code": "context_length_exceeded"},
    "context in words": {"message": "The text and images exceed the context window of 8192 tokens."},
    "a function": {"message": "Invalid schema for function 'make_image': image is not valid"},
    "a tool's parameter": {"message": "Invalid image: not valid", "param": "tools[0].function.parameters"},
    "two sentences": {"message": "Images are welcome. The user field is invalid."},
    "a rate": {"message": "Rate limited"},
    "no fault": {"message": "The image of the company is great"},
}

STATUSES = {400: NEWEST, 404: NEWEST, 422: NEWEST, 500: NEWEST, 503: NEWEST, 401: (), 429: ()}


def marked(status: int = 400, **error: Any) -> tuple[Any, ...]:
    """The pictures that such an answer marks; that error's code and whether it is tried again."""
    found = errors.from_status(status, {}, json.dumps({"error": error}).encode(), str)
    pictures.name_unreadable(found, wire_messages(REQUEST))
    return found.pictures, found.code, found.retryable


@pytest.mark.parametrize("message", MARKED)
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_over_pictures_marks_them(message: str, status: int) -> None:
    assert marked(status, message=message) == (MARKED[message], "upstream_invalid", False)


@pytest.mark.parametrize("name", NOT_MARKED)
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_over_something_else_marks_none(name: str, status: int) -> None:
    assert marked(status, **NOT_MARKED[name])[0] == ()


@pytest.mark.parametrize("status", STATUSES)
def test_any_status_may_come_with_it_but_those_that_mean_something_else(status: int) -> None:
    assert marked(status, message="cannot identify image file")[0] == STATUSES[status]


@pytest.mark.parametrize("message", ["Failed to download image: timed out", "The image service is unavailable, failed"])
def test_a_server_that_is_in_trouble_says_nothing_of_pictures(message: str) -> None:
    assert marked(503, message=message) == ((), "upstream_unavailable", True)
