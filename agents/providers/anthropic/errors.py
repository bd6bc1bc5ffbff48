"""What agents.providers.errors cannot know of Anthropic's errors: where the name of the cause stands.

Source: https://platform.claude.com/docs/en/api/errors (read with anthropic 2.14.0).
"""

import re

import httpx2
import msgspec

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers.errors import Scrub

# What a thinking block of an earlier turn is refused by: it was cut, it is another's, or it is not as it was.
THOUGHTS = re.compile(
    r"\bthinking\b.{0,80}\b(?:blocks?|signature)\b|\bsignature\b.{0,80}\bthinking\b|\b(?:invalid|empty) `?signature\b"
    r"|\.(?:redacted_)?thinking\.|\.signature\b",
    re.IGNORECASE | re.DOTALL,
)


def is_about_thoughts(error: ProviderError) -> bool:
    """Whether a refusal is about a thinking block or its signature."""
    is_refusal = error.code == "upstream_invalid" and error.detail.get("status") == 400
    return is_refusal and bool(THOUGHTS.search(str(error.detail.get("message", ""))))


def from_answer(answer: httpx2.Response, scrub: Scrub) -> ProviderError:
    """The error of an answer whose status is not 200, with the name of its cause."""
    error = provider_errors.from_status(answer.status_code, answer.headers, answer.content, scrub)
    if code := _code(answer.content):
        error.detail = {"code": scrub(code)[: provider_errors.WORD_MAX_CHARS], **error.detail}
    return error


def _code(body: bytes) -> str:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    match value:
        case {"error": {"details": {"error_code": str(code)}}}:
            return code
    return ""
