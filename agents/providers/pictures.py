"""Which pictures of a request a refusal is about, or which files, from what the provider says of it.

What is marked is never sent again, so a sentence must say of pictures that something is wrong with them: both in one
clause, and of nothing else. What servers were seen to write is in tests/agents/test_refused_pictures.py.
"""

import re
from collections.abc import Iterator, Sequence

from agents.errors import ProviderError
from agents.messages import File, Image, Message, ToolMessage, UserMessage
from agents.providers import files
from agents.providers.blame import CLAUSE_END, FAULT, OTHER, OTHER_CODES, PASSING, PLACE, blames

# What OpenAI's `code` says: https://platform.openai.com/docs/guides/error-codes, and the Responses' typed errors.
CODES = frozenset(
    {"invalid_image", "invalid_image_format", "invalid_image_url", "invalid_base64_image", "image_parse_error"}
    | {"image_too_large", "image_too_small", "image_file_too_large", "empty_image_file", "image_file_not_found"}
    | {"unsupported_image_media_type", "failed_to_download_image"}
)
# Not inside a name such as make_image or llama3.2-vision:latest.
PICTURE = re.compile(
    r"(?<![-/:\w])(?:images?|image_urls?|input_image|pictures?|attachments?|multi-?modal|vision)(?![-/\w]|:\w)"
    r"|\bimage/(?:png|jpe?g|gif|webp|bmp|tiff|heic|avif|svg)",
    re.IGNORECASE,
)
# That a model takes none at all: none of the chat's is sent again.
TAKES_NONE = re.compile(
    r"\bsupport\w*\b[^.;]{0,30}(?<![-/:\w])(?:image|vision|multi-?modal)"
    r"(?!s? ?(?:format|type|media|mime|size|url|file|large))"
    r"|\b(?:image|vision|multi-?modal)s?(?: inputs?| contents?)? (?:is|are) not supported|\bnot multi-?modal"
    r"|content type \W?image_url|unknown variant \W?image_url",
    re.IGNORECASE,
)
AT_PICTURE = re.compile(r"content\W{0,2}\d+\W{1,3}(?:image|image_url|input_image)\b")
Placed = tuple[int, int, tuple[Image, ...]]  # a message's number on the wire, its first picture's in it, its pictures
REFUSALS = ("upstream_invalid", "upstream_error", "upstream_not_found", "upstream_unavailable")


def name_unreadable(error: ProviderError, sent: Sequence[Message], *, text_first: bool = True) -> None:
    """Set the error's `pictures`, and say in its message which they are, where it is about some.

    `sent` are the messages as the server numbers them from 0; `text_first`: a text stands before its pictures there.
    It is then a refusal, whatever its status was: the same request would meet it again.
    """
    if error.code not in REFUSALS:
        return
    by_message = list(_pictures(sent, text_first=text_first))
    if _is_about_pictures(error) and (found := [each for each in _meant(error, by_message) if each.origin]):
        _name(
            error, f"The model provider could not read a picture: {_names(found)}. Later requests leave it out.", found
        )
    elif unread := [each for each in files.meant(error, sent, text_first=text_first) if each.origin]:
        _name(
            error, f"The model provider could not read a file: {_names(unread)}. Later requests leave it out.", unread
        )


def _name(error: ProviderError, told: str, found: Sequence[Image | File]) -> None:
    error.pictures = tuple(each.origin for each in found)
    error.code, error.retryable, error.retry_after_s = "upstream_invalid", False, None
    error.message = told


def _names(found: Sequence[Image | File]) -> str:
    return ", ".join(each.name or "without a name" for each in found)


def _is_about_pictures(error: ProviderError) -> bool:
    detail = error.detail
    codes = {detail.get("code"), detail.get("type")}
    param, told = str(detail.get("param", "")), str(detail.get("message", ""))
    if codes & CODES:
        return True
    if codes & OTHER_CODES or param.startswith("tools"):
        return False
    if error.code == "upstream_unavailable" and PASSING.search(told):
        return False
    if PICTURE.search(param) or AT_PICTURE.search(told):
        return bool(FAULT.search(told)) and not OTHER.search(told)
    return any(blames(PICTURE, clause) for clause in CLAUSE_END.split(told))


def _meant(error: ProviderError, by_message: list[Placed]) -> list[Image]:
    """The one at the place that it names; else those of the newest message that has any: the others passed before."""
    told = f"{error.detail.get('param', '')} {error.detail.get('message', '')}"
    if (place := PLACE.search(told)) and (found := _at(by_message, int(place[1]), place[2])):
        return found
    if TAKES_NONE.search(told):
        return [image for _, _, images in by_message for image in images]
    return list(by_message[-1][2]) if by_message else []


def _pictures(sent: Sequence[Message], *, text_first: bool) -> Iterator[Placed]:
    """The pictures of each message that has any."""
    for number, message in enumerate(sent):
        if isinstance(message, UserMessage) and message.images:
            yield number, int(text_first and bool(message.text)), message.images
        elif isinstance(message, ToolMessage) and message.images:
            yield number, int(text_first and bool(message.content)), message.images


def _at(by_message: list[Placed], number: int, part: str | None) -> list[Image]:
    """None where there is no picture: a proxy in between may count otherwise."""
    for at, first, images in by_message:
        if at == number:
            place = int(part) - first if part else -1
            return [images[place]] if 0 <= place < len(images) else list(images)
    return []
