"""Which pictures of a request a refusal is about, from what the provider says of it."""

import re
from collections.abc import Iterator

from agents.errors import ProviderError
from agents.messages import Image, UserMessage
from agents.providers.base import ProviderRequest
from agents.providers.openai.request import wire_messages

# What OpenAI's `code` says: https://platform.openai.com/docs/guides/error-codes, and the Responses' typed errors.
CODES = frozenset(
    {"invalid_image", "invalid_image_format", "invalid_image_url", "invalid_base64_image", "image_parse_error"}
    | {"image_too_large", "image_too_small", "image_file_too_large", "empty_image_file", "image_file_not_found"}
    | {"unsupported_image_media_type", "failed_to_download_image"}
)
PICTURE = re.compile(r"\b(?:images?|image_url|input_image|pictures?|attachments?|multimodal|vision)\b", re.IGNORECASE)
# That it is wrong, or that this model takes none: either way the next request must not bring it again.
FAULT = re.compile(
    r"\b(?:invalid|not (?:a )?(?:valid|supported)|unsupported|does(?:n't| not) support|not multimodal|unreadable"
    r"|malformed|corrupt\w*|truncated|(?:can ?not|can't|could not|couldn't|unable to|fail\w* to) \w*"
    r"|too (?:large|small|big)|exceeds?)\b",
    re.IGNORECASE,
)
TAKES_NONE = re.compile(r"\b(?:does(?:n't| not) support|not multimodal|not support\w*)\b", re.IGNORECASE)
PLACE = re.compile(r"messages?\W{0,2}(\d+)\W{1,3}content(?:\W{0,2}(\d+))?")
REFUSALS = ("upstream_invalid", "upstream_error")


def name_unreadable(error: ProviderError, request: ProviderRequest) -> None:
    """Set the error's `pictures`, and say in its message which they are, where it is about some."""
    if error.code not in REFUSALS or not _is_about_pictures(error):
        return
    found = [each for each in _meant(error, request) if each.origin]
    if found:
        error.pictures = tuple(each.origin for each in found)
        names = ", ".join(each.name or "without a name" for each in found)
        error.message = f"The model provider could not read a picture: {names}. Later requests leave it out."


def _is_about_pictures(error: ProviderError) -> bool:
    detail = error.detail
    if detail.get("code") in CODES:
        return True
    told = f"{detail.get('param', '')} {detail.get('message', '')}"
    return bool(PICTURE.search(told) and FAULT.search(told))


def _meant(error: ProviderError, request: ProviderRequest) -> list[Image]:
    """The one at the place that it names; else those of the newest message that has any: the others passed before."""
    told = f"{error.detail.get('param', '')} {error.detail.get('message', '')}"
    by_message = list(_pictures(request))
    if place := PLACE.search(told):
        return _at(by_message, int(place[1]), place[2])
    if TAKES_NONE.search(told):
        return [image for _, _, images in by_message for image in images]
    return list(by_message[-1][2]) if by_message else []


def _pictures(request: ProviderRequest) -> Iterator[tuple[int, int, tuple[Image, ...]]]:
    """The pictures of each message that has any: its number on the wire, and that of its first picture in it."""
    for number, message in enumerate(wire_messages(request)):
        if isinstance(message, UserMessage) and message.images:
            yield number, int(bool(message.text)), message.images


def _at(by_message: list[tuple[int, int, tuple[Image, ...]]], number: int, part: str | None) -> list[Image]:
    for at, first, images in by_message:
        if at == number:
            place = int(part) - first if part else -1
            return [images[place]] if 0 <= place < len(images) else list(images)
    return []
