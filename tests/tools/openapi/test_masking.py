"""A credential is found in each usual spelling, and no text takes long to look through."""

import json
import time
import urllib.parse
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from tools.openapi.masking import HIDDEN, mask_of

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "PHP": lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
    "PHP in JSON": lambda text: json.dumps(json.dumps(text)[1:-1].replace("/", r"\/"))[1:-1],
    "for a page": lambda text: "".join(each if each.isalnum() else f"\\u{ord(each):04X}" for each in text),
    "HTML": escape,
    "HTML by numbers": lambda text: "".join(each if each.isalnum() else f"&#{ord(each)};" for each in text),
    "an address": lambda text: urllib.parse.quote(text, safe=""),
}
CREDENTIALS = ("sk/AbC+d==", "/+=", r"a\b\\c", '"quoted" <&\'>', "eyJ0.eyJz-_x.c2ln", "12345678")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_each_spelling_is_found(credential: str, spelling: str) -> None:
    said = SPELLINGS[spelling](credential)
    found = mask_of(credential)(f"<{said}>, [{said}]")
    assert found.replace("\\", "") == f"<{HIDDEN}>, [{HIDDEN}]"  # a backslash before it may stay


def test_what_is_something_else_stays() -> None:
    masked = mask_of("sk/AbC+d==")
    for text in ("sk/AbC+d=", "sk-AbC+d==", "SK/AbC+d==", "skAbCd", r"\/\/ \u002f &#47;"):
        assert masked(text) == text
    value = {"a": [1, 1.5, True, None, "x"], "b": {}}
    assert masked(value) == value == mask_of("")(value)
    found: Any = mask_of("4711")({"4711": [4711, 47111, "PIN 4711"]})
    assert found == {HIDDEN: [HIDDEN, 47111, f"PIN {HIDDEN}"]}


@pytest.mark.parametrize("credential", ["/secret", r"\\\secret", r"/\/\/\/\x", "&secret"])
@pytest.mark.parametrize("text", ["\\" * 200_000, "\\/" * 100_000, "&#0" * 70_000, "&#" + "0" * 200_000])
def test_no_text_takes_long(credential: str, text: str) -> None:
    began = time.thread_time()
    assert mask_of(credential)(text) == text
    assert time.thread_time() - began < 5  # and not minutes
