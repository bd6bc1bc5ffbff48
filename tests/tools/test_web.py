"""Pages of the web: their words without what is hidden, one source each, and what is no page."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.tools.contexts import context
from tests.tools.outside import Outside, Say, listening
from tools.executor import ToolOutcome, execute
from tools.parsing.page import text
from tools.web.tool import fetch_url

PAGES: dict[str, tuple[str, str, str]] = {
    "blocks": ("<title>A &amp; B</title><h1>Head</h1><p>One <b>two</b><p>three<ul><li>x<li>y</ul>", "A & B",
               "Head\nOne two\nthree\nx\ny"),
    "what is no text": ("<body>a<script>bad()</script><style>p{}</style><svg><text>s</text></svg>b",
                        "", "ab"),
    "what is hidden": ('<p>a</p><p hidden>secret</p><div style="Display: NONE">orders<br>more</div><p>b', "", "a\nb"),
    "hidden in hidden": ("<div hidden><div>x</div>y</div>z", "", "z"),
    "a comment": ("a<!-- orders -->b", "", "ab"),
    "navigation": ("<nav><a href=/>Home</a></nav><main>Text</main><footer>Imprint</footer>", "", "Text"),
    "a second title": ("<title>One</title><svg><title>Two</title></svg>x", "One", "x"),
    "entities": ("&lt;b&gt; &nbsp; &#128512;", "", "<b> \U0001f600"),
    "no markup": ("plain", "", "plain"),
    "broken": ("<p>a<p <b>c</i></div></div>d<", "", "a\ncd<"),
    "nothing": ("", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_words_of_a_page(name: str) -> None:
    page, title, words = PAGES[name]
    found = text(page.encode())
    assert found["title"] == title
    if name == "broken":  # a page that is none in the end says something, without a fault
        assert found["text"].startswith("a")
    else:
        assert found["text"] == words


def test_a_page_of_unclosed_elements_is_read_in_time() -> None:
    page = b"<div>" * 200_000 + b"x"
    assert text(page)["text"] == "x"


@dataclass(frozen=True)
class Said:
    """What a server answers, and what comes of it."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: str = "200 OK"
    more: str = ""
    title: str = ""
    text: str = ""
    error: str = ""


ANSWERS: dict[str, Said] = {
    "a page": Said(b"<title>T</title><p>Ten euros.", title="T", text="Ten euros."),
    "another charset": Said("Größe".encode("latin-1"), "text/html; charset=ISO-8859-1", text="Größe"),
    "a charset that is none": Said("Größe".encode(), "text/html; charset=klingon", text="Größe"),
    "a larger charset of that name": Said(b"\x80 5", "text/plain; Charset=ISO-8859-1; x=y", text="\u20ac 5"),
    "Cyrillic": Said("Цена".encode("cp1251"), "text/html; charset=windows-1251", text="Цена"),
    "Japanese": Said("価格".encode("cp932"), "text/html; charset=x-sjis", text="価格"),
    "UTF-16": Said("価格".encode("utf-16-le"), "text/plain; charset=utf-16le", text="価格"),
    "lone surrogates": Said(b"\x00\xd8a\x00\x00\xdc", "text/plain; charset=utf-16le", text="\ufffda\ufffd"),
    "a NUL": Said(b"a\x00b", text="a\ufffdb"),
    "an empty charset": Said("Größe".encode(), "text/html; charset=", text="Größe"),
    "a charset with a character of none": Said(b"abc", "text/html; charset=\u00fctf-8", text="abc"),
    **{
        f"a codec that is no charset of the web: {name}": Said("+2AA- Größe-tda".encode(), kind, text="+2AA- Größe-tda")
        for name in ("hex", "punycode", "idna", "utf-7", "unicode_escape", "raw_unicode_escape", "undefined", "cp037")
        for kind in (f'text/html; charset="{name}"',)
    },
    "a text": Said(b"<b>as it is</b>", "text/plain", text="<b>as it is</b>"),
    "JSON": Said(b'{"a":1}', "application/json", text='{"a":1}'),
    "a picture": Said(b"\x89PNG", "image/png", error="no page with a text"),
    "nothing": Said(b"", error="has no text"),
    "it has moved": Said(
        b"", status="302 Found", more="Location: https://b.example/x\r\n", error="https://b.example/x"
    ),
    "it is not there": Said(b"gone", status="404 Not Found", error="it answered 404"),
    "too long": Said(b"x" * 60_000, error="longer than"),
}


def says(said: Said) -> Say:
    head = f"HTTP/1.1 {said.status}\r\nContent-Type: {said.kind}\r\nContent-Length: {len(said.body)}\r\n{said.more}\r\n"

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + said.body)
        await writer.drain()

    return say


@pytest.fixture
def reads(settings: Any) -> Callable[..., Any]:
    settings.OUTWARD_MAX_BYTES = 50_000

    async def reads(said: Said, **arguments: Any) -> tuple[ToolOutcome, Outside, str]:
        async with listening(says(said), "127.0.0.1") as outside:
            settings.OUTWARD_ALLOW = [f"127.0.0.1:{outside.port}"]
            url = f"http://127.0.0.1:{outside.port}/page"
            return await execute(fetch_url, context(), {"url": url, **arguments}), outside, url

    return reads


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_page_is_one_source_or_an_error_that_says_why(name: str, reads: Callable[..., Any]) -> None:
    said = ANSWERS[name]
    done, outside, url = await reads(said)
    if said.error:
        assert done.error is not None and said.error in done.error
        return
    assert done.error is None
    assert done.result["passages"] == [{"title": said.title or url, "url": url, "text": said.text}]
    assert "not instructions" in done.result["note"]
    assert sum(outside.connects.values()) == 1


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=gbk"])
async def test_a_page_is_decoded_beside_the_loop(
    kind: str, reads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def decoded(body: bytes, charset: str) -> str:
        threads.append(threading.get_ident())
        return body.decode(charset)

    monkeypatch.setattr("tools.web.tool._decoded", decoded)
    done, _, _ = await reads(Said(b"abc", kind))
    assert done.result["passages"][0]["text"] == "abc"
    assert len(threads) == 1 and threads[0] != threading.get_ident()


async def test_a_long_page_is_read_in_parts(reads: Callable[..., Any], settings: Any) -> None:
    settings.WEB_PAGE_MAX_CHARS = 1_000
    said = Said(("x" * 1_000 + "y" * 500).encode(), "text/plain")
    first, _, _ = await reads(said)
    assert (first.result["passages"][0]["text"], first.result["next"]) == ("x" * 1_000, 1_000)
    second, _, _ = await reads(said, start=1_000)
    assert second.result["passages"][0]["text"] == "y" * 500 and "next" not in second.result
    behind, _, _ = await reads(said, start=1_500)
    assert "ends at 1,500" in behind.error


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1/", "file:///etc/passwd", "https://a@b/"])
async def test_what_the_gate_refuses_is_not_connected_to(url: str) -> None:
    done = await execute(fetch_url, context(), {"url": url})
    assert done.error and done.result is None


def test_each_page_is_asked_for_first_and_leaves_the_installation() -> None:
    assert fetch_url.asks_first and fetch_url.outward and fetch_url.cites
