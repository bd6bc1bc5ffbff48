"""JSON from outside: what a body may be before anything else looks at it."""

import json
import math
from collections.abc import Mapping
from json import JSONDecodeError
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from django.http.request import RawPostDataException
from rest_framework.parsers import BaseParser

from accounts.errors import Invalid

NUMBER_MAX_DIGITS = 400  # of an integer, beyond any use; a float of 400 digits is still 1e400: not a number
_NO_MARKS = bytes(each for each in range(256) if each not in b"[]{},")
_NO_BRACKETS = b","
_OPENING = frozenset(b"[{")


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The request's body as a JSON object. Raises Invalid that says what is wrong with it."""
    try:
        body = request.body
    except RawPostDataException:  # a form was read from it already
        raise Invalid("Send the body as JSON, not as a form.") from None
    return parse_object(body)


class StrictJSONParser(BaseParser):
    """The same for Django REST framework."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The stream as a JSON object. Raises Invalid."""
        return parse_object(stream.read())


class AnyJSONParser(StrictJSONParser):
    """The same for bodies that are any JSON value."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The stream as a JSON value. Raises Invalid."""
        return parse_value(stream.read())


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that the bytes spell. Raises Invalid for everything else, and for what no program should send:
    NaN, numbers without end, a name twice in one object, NUL, half a surrogate pair, too deep nesting."""
    value = _parsed(body, "a JSON object")
    if not isinstance(value, dict):
        raise Invalid(f"The body is {_kind(value)}: send a JSON object.")
    return value


def parse_value(body: bytes) -> Any:
    """The JSON value, of whatever kind, that the bytes spell. Raises Invalid as `parse_object` does."""
    value = _parsed(body, "JSON")
    if not isinstance(value, dict):
        _check_values("", value)
    return value


def _parsed(body: bytes, what: str) -> Any:
    if not body.strip():
        raise Invalid(f"The body is empty: send {what}.")
    text = _decode(body)
    _check_shape(body)
    return _load(text)


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not UTF-8: see byte {error.start}.") from None


def _check_shape(body: bytes) -> None:
    """Count what the decoder would make, and how deep it would go, before it makes anything.

    All but the last step runs over the body as memchr does: a regular expression or a loop over 2 MB of brackets holds
    up everybody for seconds. Where the body is no JSON the counts may be wrong; the decoder stops at the same place.
    """
    most = settings.JSON_MAX_VALUES
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # the quotes that are left are those of strings
    if bare.count(b'"') > 4 * most + 4:  # each value may have a name
        raise _too_many()
    marks = b"".join(bare.split(b'"')[::2]).translate(None, _NO_MARKS)
    brackets = marks.translate(None, _NO_BRACKETS)
    if len(marks) - len(brackets) // 2 > most or len(brackets) > 2 * most:
        raise _too_many()
    _check_depth(brackets)


def _check_depth(brackets: bytes) -> None:
    depth = 0
    for mark in brackets:
        depth += 1 if mark in _OPENING else -1
        if depth > settings.JSON_MAX_DEPTH:
            raise Invalid(f"The body is nested too deeply: at most {settings.JSON_MAX_DEPTH} levels.")


def _too_many() -> Invalid:
    return Invalid(
        f"The body holds too many values: at most {settings.JSON_MAX_VALUES} are read. Send fewer at a time."
    )


def _load(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid(
                f"The name {_short(name)} comes twice in one object.", fields={_field(name): ["Send it once."]}
            )
        _check_text(name, name)
        _check_values(name, value)
        found[name] = value
    return found


def _check_values(name: str, value: Any) -> None:
    """Check the strings of a field: its own, and those of its lists. Objects inside were checked when they ended."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            _check_text(name, one)
        elif isinstance(one, list):
            waiting.extend(one)


def _check_text(name: str, text: str) -> None:
    if "\x00" in text:
        raise Invalid("The body holds a NUL character.", fields={_field(name): ["Remove the NUL character (U+0000)."]})
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        told = ["Remove the lone surrogate: it is half a character and cannot be stored."]
        raise Invalid("The body holds half a character.", fields={_field(name): told}) from None


def _constant(name: str) -> NoReturn:
    raise Invalid(f"{name} is not a JSON number.")


def _integer(digits: str) -> int:
    if len(digits) > NUMBER_MAX_DIGITS:
        raise Invalid(f"A number has {len(digits)} digits: at most {NUMBER_MAX_DIGITS} are read.")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits[: NUMBER_MAX_DIGITS * 2])
    if len(digits) > NUMBER_MAX_DIGITS * 2 or not math.isfinite(number):
        raise Invalid("A number is too large or has too many digits.")
    return number


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a string", bool: "true or false"}.get(type(value), "a number")


def _field(name: str) -> str:
    """The name as an answer may carry it."""
    return name.encode("ascii", "backslashreplace").decode()[:100].replace("\x00", "\\x00")


def _short(name: str) -> str:
    return json.dumps(_field(name))
