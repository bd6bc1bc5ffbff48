"""Which pictures of a request a refusal is about, from what the provider says of it.

What is marked is never sent again, so a sentence must say of pictures that something is wrong with them: both in one
clause, and of nothing else. What servers were seen to write is in tests/agents/test_refused_pictures.py.
"""

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
# Those that are about something else, whatever their sentence names.
OTHER_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "rate_limit_exceeded", "insufficient_quota"}
    | {"content_filter", "content_policy_violation", "moderation_blocked", "invalid_function_parameters"}
    | {"unsupported_parameter", "model_not_found", "invalid_api_key"}
)
# Not inside a name such as make_image or llama3.2-vision:latest.
PICTURE = re.compile(
    r"(?<![-/:\w])(?:images?|image_urls?|input_image|pictures?|attachments?|multi-?modal|vision)(?![-/\w]|:\w)"
    r"|\bimage/(?:png|jpe?g|gif|webp|bmp|tiff|heic|avif|svg)",
    re.IGNORECASE,
)
# That it is wrong, or that this model takes none: either way the next request must not bring it again.
FAULT = re.compile(
    r"\b(?:invalid|not\b.{0,20}\b(?:valid|supported|allowed)|unsupported|not support|doesn't support|not multi-?modal"
    r"|that supports?|unreadable|malformed|corrupt\w*|truncated|broken|unknown|fail\w*|decod\w+ error|not match"
    r"|(?:can ?not|can't|could not|couldn't|unable to) \w+|too (?:large|small|big|many)|exceeds?|at most \d+"
    r"|should be|must be|appears? to be)\b",
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
# What else a clause with a picture in it may be about.
OTHER = re.compile(
    r"\b(?:tools?|functions?|schema|safety|polic(?:y|ies)|moderation|context|tokens?|quota|rate limit\w*|temperature"
    r"|parameters?\W+(?!image|input_image|messages)\w+)\b",
    re.IGNORECASE,
)
BESIDE = re.compile(r"\b((?:not )?supported|unsupported|not allowed) (?:with|for|by|in|on|when)\b.*", re.IGNORECASE)
PASSING = re.compile(
    r"\b(?:time[ds]? ?out|unavailable|overload\w*|busy|temporar\w+|try again|download\w*|fetch\w*|connection)\b",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[.;!?](?:\s+|$)|\n|,\s+(?=(?:but|and|because|while)\b)", re.IGNORECASE)
PLACE = re.compile(r"messages?\W{0,2}(\d+)\W{1,3}content(?:\W{0,2}(\d+))?")
AT_PICTURE = re.compile(r"content\W{0,2}\d+\W{1,3}(?:image|image_url|input_image)\b")
REFUSALS = ("upstream_invalid", "upstream_error", "upstream_not_found", "upstream_unavailable")


def name_unreadable(error: ProviderError, request: ProviderRequest) -> None:
    """Set the error's `pictures`, and say in its message which they are, where it is about some.

    It is then a refusal, whatever its status was: the same request would meet it again.
    """
    if error.code not in REFUSALS or not _is_about_pictures(error):
        return
    found = [each for each in _meant(error, request) if each.origin]
    if found:
        error.pictures = tuple(each.origin for each in found)
        error.code, error.retryable, error.retry_after_s = "upstream_invalid", False, None
        names = ", ".join(each.name or "without a name" for each in found)
        error.message = f"The model provider could not read a picture: {names}. Later requests leave it out."


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
    return any(map(_blames_pictures, CLAUSE_END.split(told)))


def _blames_pictures(clause: str) -> bool:
    subject = BESIDE.sub(r"\1", clause)  # what something is not supported with is not what is wrong
    return bool(PICTURE.search(subject) and FAULT.search(clause)) and not OTHER.search(clause)


def _meant(error: ProviderError, request: ProviderRequest) -> list[Image]:
    """The one at the place that it names; else those of the newest message that has any: the others passed before."""
    told = f"{error.detail.get('param', '')} {error.detail.get('message', '')}"
    by_message = list(_pictures(request))
    if (place := PLACE.search(told)) and (found := _at(by_message, int(place[1]), place[2])):
        return found
    if TAKES_NONE.search(told):
        return [image for _, _, images in by_message for image in images]
    return list(by_message[-1][2]) if by_message else []


def _pictures(request: ProviderRequest) -> Iterator[tuple[int, int, tuple[Image, ...]]]:
    """The pictures of each message that has any: its number on the wire, and that of its first picture in it."""
    for number, message in enumerate(wire_messages(request)):
        if isinstance(message, UserMessage) and message.images:
            yield number, int(bool(message.text)), message.images


def _at(by_message: list[tuple[int, int, tuple[Image, ...]]], number: int, part: str | None) -> list[Image]:
    """None where there is no picture: a proxy in between may count otherwise."""
    for at, first, images in by_message:
        if at == number:
            place = int(part) - first if part else -1
            return [images[place]] if 0 <= place < len(images) else list(images)
    return []
