"""What a failing chat completions server means, as our errors.

Statuses and codes: https://platform.openai.com/docs/guides/error-codes. Nothing that the server wrote gets into a
message: it may hold our key's tail, a prompt, or markup. It is kept beside it, scrubbed, for who operates this.
"""

import email.utils
import json
import math
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec

from agents.errors import ProviderError
from agents.providers import meanings
from agents.providers.meanings import Meaning

# The longest Retry-After that is believed; it is the loop that decides whether to wait that long.
MAX_RETRY_AFTER_S = 3600.0

# Of what the provider wrote, how much is kept.
SENTENCE_MAX_CHARS = 500
SENTENCE_READ_CHARS = 4_000  # for what it means
WORD_MAX_CHARS = 100
SENTENCES = ("message", "details", "detail", "error_description")  # where it stands
ERROR_MAX_DEPTH = 3  # of errors in errors

Scrub = Callable[[str], str]  # takes credentials out of a text


def from_status(status: int, headers: Mapping[str, str], body: bytes, scrub: Scrub) -> ProviderError:
    """The error of an answer whose status is not 200."""
    error = {"message": _plain(body), **_error_of(body)}
    detail = _detail(error, scrub) | {"status": status}
    if 300 <= status < 400:
        message = "The model provider answered with a redirect, which is not followed."
        return ProviderError("upstream_error", message, detail=detail)
    meaning = _meant(status, error)
    retryable = _is_retryable(meaning, headers)
    wait_s = retry_after_s(headers) if retryable else None
    if retryable and wait_s is None:
        wait_s = _told_delay_s(error)
    return ProviderError(meaning.code, meaning.message, retryable=retryable, retry_after_s=wait_s, detail=detail)


def from_chunk(error: Any, scrub: Scrub) -> ProviderError:
    """The error of an error object, or a text, in a stream that began well."""
    fields = _told(error) or {"message": error}
    status = next((found for name in ("code", "status") if (found := _status(fields.get(name)))), 0)
    code, retryable, message = _meant(status, fields)
    wait_s = _told_delay_s(fields) if retryable else None
    return ProviderError(code, message, retryable=retryable, retry_after_s=wait_s, detail=_detail(fields, scrub))


def _meant(status: int, error: Mapping[str, Any]) -> Meaning:
    sentence = _text(_sentence(error))[:SENTENCE_READ_CHARS]
    return meanings.of(status, meanings.words_of(error), sentence)


def _is_retryable(meaning: Meaning, headers: Mapping[str, str]) -> bool:
    """Whether it may be tried again. The header is OpenAI's and Anthropic's; no word of it makes a request fit."""
    said = headers.get("x-should-retry", "").strip().lower()
    if said == "false":
        return False
    return meaning.retryable or (said == "true" and meaning in (meanings.INVALID, meanings.UNKNOWN))


def is_status(value: Any) -> bool:
    """Whether an error's code is an HTTP status."""
    return bool(_status(value))


def _status(value: Any) -> int:
    """An HTTP status, which some send as a text; 0 where it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and "400" <= text < "600" else 0


def _detail(error: Mapping[str, Any], scrub: Scrub) -> dict[str, str | int]:
    """What the provider says of it, fit to be shown to who operates this."""
    found: dict[str, str | int] = {}
    for name in ("code", "type", "param"):
        value = error.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            found[name] = scrub(value)[:WORD_MAX_CHARS] if isinstance(value, str) else value
    if sentence := _sentence(error):
        found["message"] = _cut(scrub(_text(sentence)))
    return found


def _text(sentence: Any) -> str:
    return sentence if isinstance(sentence, str) else json.dumps(sentence, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= SENTENCE_MAX_CHARS else f"{text[: SENTENCE_MAX_CHARS - 1]}…"


def _plain(body: bytes) -> str:
    """A body that is a plain sentence, as proxies write them; not markup and not JSON."""
    text = body[: 4 * SENTENCE_MAX_CHARS].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else text


def from_exception(error: Exception, *, has_answer: bool) -> ProviderError:
    """The error of a connection that failed. `has_answer`: the answer's headers had come."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return ProviderError("upstream_unavailable", "The model provider's certificate is not valid.")
        case TimeoutError():  # aiohttp's own timeouts are TimeoutErrors too
            return ProviderError("upstream_timeout", retryable=True)
        case aiohttp.ClientConnectorError():  # refused, unreachable, no such name, TLS
            return ProviderError("upstream_unavailable", retryable=True)
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL() if not has_answer:  # what came is not HTTP
            return ProviderError("upstream_malformed", retryable=True)
        case _:
            return ProviderError("upstream_interrupted", retryable=True)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (a number or a date), at most an hour; None where there is none.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    text = headers.get("retry-after", "")
    found = _number(headers.get("retry-after-ms", ""), 0.001)
    if found is None:
        found = _number(text, 1.0)
    if found is None:
        found = _date(text)
    return None if found is None else min(max(found, 0.0), MAX_RETRY_AFTER_S)


def _number(text: str, unit_s: float) -> float | None:
    try:
        value = float(text) * unit_s
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _told_delay_s(error: Mapping[str, Any]) -> float | None:
    """What Google says in the error, as it sends no header: https://google.aip.dev/193 (RetryInfo)."""
    details = error.get("details")
    for each in details if isinstance(details, list) else ():
        delay = each.get("retryDelay") if isinstance(each, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            found = _number(delay[:-1], 1.0)
            return None if found is None else min(max(found, 0.0), MAX_RETRY_AFTER_S)
    return None


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return _told(value)


def _told(value: Any, depth: int = ERROR_MAX_DEPTH) -> dict[str, Any]:
    """The object that says what is wrong: in a list, as Gemini has it, or in others that say nothing."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return {"message": value}
    if not isinstance(value, dict):
        return {}
    inner = value.get("error") or (None if _sentence(value) else value.get("errors"))
    if isinstance(inner, str) and inner:  # the sentence, or a word with the sentence beside it, as OAuth has them
        return {"code": inner, **value} if _sentence(value) else {**value, "message": inner}
    return (_told(inner, depth - 1) if inner and depth else {}) or value


def _sentence(error: Mapping[str, Any]) -> Any:
    told = next((error[name] for name in SENTENCES if error.get(name)), "")
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None  # OpenRouter: what its provider said
    return f"{told}: {raw}" if isinstance(told, str) and isinstance(raw, str) and raw else told
