"""JSON from outside: what no program should send is refused in words, fast, and never a 500."""

import gc
import json
import time
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.http.parsing import parse_object, read_json

DEEP = settings.JSON_MAX_DEPTH

REFUSED = {
    "empty": b"",
    "blank": b" \n\t ",
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "true": b"true",
    "no json": b"{",
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "comment": b"{} // x",
    "trailing comma": b'{"a": 1,}',
    "a form": b"a=1&b=2",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": [Infinity]}',
    "minus infinity": b'{"a": -Infinity}',
    "too large for a float": b'{"a": 1e400}',
    "digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "digits after the point": b'{"a": 0.' + b"9" * 10_000 + b"}",
    "nul": b'{"a": "\\u0000"}',
    "nul in a list": b'{"a": [["x", "\\u0000"]]}',
    "nul in a name": b'{"\\u0000": 1}',
    "raw nul": b'{"a": "\x00"}',
    "half a character": b'{"a": "\\ud800"}',
    "the other half": b'{"a": "\\udc00 x"}',
    "half in a name": b'{"\\ud83d": 1}',
    "half deep inside": b'{"a": {"b": [{"c": "\\ud800"}]}}',
    "twice": b'{"a": 1, "a": 2}',
    "twice inside": b'{"x": [{"a": 1, "\\u0061": 2}]}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"a": "\xe4"}',
    "one level too deep": b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "very deep lists": b"[" * 500_000,
    "very deep objects": b'{"a":' * 200_000,
    "very deep and closed": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an open string": b'{"a": "' + b"x" * 1_000_000,
    "backslashes": b'{"a": "' + b"\\" * 1_000_001,
    "open strings": b'"' * 1_000_001,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_in_words(body: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Invalid) as raised:
        parse_object(body)
    assert time.process_time() - began < 0.4
    raised.value.message.encode()
    assert len(raised.value.message) < 300
    json.dumps(raised.value.fields).encode()


TAKEN = [
    '{"a": "é😀\\ud83d\\ude00"}',
    '{"a": "[[[[{{{{\\"[[[["}',
    '{"a": 1.5e10, "b": -0, "c": [true, false, null], "d": {}}',
    '{"a": ' + "9" * 400 + "}",
    '{"a":' + "[" * (DEEP - 1) + "]" * (DEEP - 1) + "}",
    '\ufeff{"a": 1}',
    '{"a": {"b": 1}, "c": {"b": 2}}',
    "{" + ",".join(f'"{n}": {n}' for n in range(settings.JSON_MAX_VALUES - 1)) + "}",
    '{"a": ",,,,[[[[' + ",[" * 100_000 + '"}',
    '{"a\\\\": "\\\\\\"[[", "b": "\\\\"}',
]


@pytest.mark.parametrize("body", TAKEN, ids=lambda body: body[:30])
def test_good_json_is_read_as_it_is(body: str) -> None:
    assert parse_object(body.encode()) == json.loads(body.removeprefix("\ufeff"))


# What fits into a body, and took seconds to look at, or would take them.
MANY = settings.JSON_MAX_VALUES - 10
COSTLY = {
    "brackets": b"[" * 2_000_000,
    "pairs of brackets": b"[]" * 1_000_000,
    "closing brackets": b'{"a":' + b"]" * 1_990_000,
    "lists in a list": b'{"a":[' + b"[]," * 660_000 + b"[]]}",
    "objects in a list": b'{"a":[' + b'{"a":0},' * 240_000 + b"{}]}",
    "a million keys": b"{" + b",".join(b'"%x":0' % n for n in range(180_000)) + b"}",
    "numbers": b'{"a":[' + b"1," * 990_000 + b"1]}",
    "strings": b'{"a":[' + b'"",' * 660_000 + b'""]}',
    "quotes": b'"' * 2_000_000,
    "a number of a million digits": b'{"a":' + b"9" * 1_990_000 + b"}",
    "floats of many digits": b'{"a":[' + b"1.12345678901234567890e-9," * 40_000 + b"1]}",
    "escapes": b'{"a":"' + b"\\u0041" * 330_000 + b'"}',
    "escaped quotes": b'{"a":"' + b'\\"' * 990_000 + b'"}',
    "backslashes": b'{"a":"' + b"\\\\" * 990_000 + b'"}',
    "one long string": b'{"a":"' + b"x" * 1_990_000 + b'"}',
    "a long string deep inside": b'{"a":' * 60 + b'"' + b"x" * 1_990_000 + b'"' + b"}" * 60,
    "as many names as there may be": b"{" + b",".join(b'"%030x":"%x"' % (n, n) for n in range(MANY)) + b"}",
    "as many objects as there may be": b'{"a":[' + b",".join([b'{"a":0}'] * (MANY // 2)) + b"]}",
    "as many and as deep as there may be": b'{"a":[' + b",".join([b"[" * 60 + b"]" * 60] * (MANY // 61)) + b"]}",
    "no UTF-8": b'{"a":"' + b"\xff" * 1_990_000 + b'"}',
}


@pytest.mark.parametrize("body", COSTLY.values(), ids=COSTLY.keys())
def test_no_body_takes_long_to_look_at(body: bytes) -> None:
    assert min(cpu_s(body) for _ in range(3)) < 0.1  # a third of that, on a machine with nothing else to do


def cpu_s(body: bytes) -> float:
    """How long it is looked at, without what pytest has in memory: a server leaves its own out of collections too."""
    gc.disable()
    began = time.process_time()
    with suppress(Invalid):
        parse_object(body)
    took = time.process_time() - began
    gc.enable()
    return took


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), VALUES))
@hypothesis.settings(max_examples=30, deadline=None)
def test_whatever_json_makes_comes_back(value: dict[str, object]) -> None:
    if "\\u0000" not in json.dumps(value):
        assert parse_object(json.dumps(value).encode()) == value


@given(st.binary())
@hypothesis.settings(deadline=None)
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        assert isinstance(parse_object(body), dict)


def test_the_name_at_fault_is_told() -> None:
    with pytest.raises(Invalid) as raised:
        parse_object(b'{"title": "a\\u0000"}')
    assert "title" in raised.value.fields


def test_a_body_that_was_read_as_a_form_is_refused() -> None:
    request = RequestFactory().post("/", {"a": "b"})  # multipart
    assert request.POST["a"] == "b"
    with pytest.raises(Invalid):
        read_json(request)


@pytest.mark.parametrize("accept", ["text/event-stream", "text/html", "application/xml", "*/*"])
def test_whatever_a_client_says_it_accepts_rest_answers_json(api: Any, alice: Any, accept: str) -> None:
    answer = api(alice).get("/api/chats/", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
