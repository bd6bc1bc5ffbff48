"""The text of documents: what is found in them, and that nothing hostile does more than be refused in a sentence."""

import time
import zlib
from typing import Any

import pytest

from tests import documents
from tests.documents import docx, paragraph, pdf, whole_pdf
from tools.errors import ParsingError
from tools.parsing.reading import document, read_document

STYLES = '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
TABLE = "<w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr></w:tbl>".format(paragraph("Name"), paragraph("Ada"))
FALLBACK = f"<mc:AlternateContent><mc:Fallback>{paragraph('twice')}</mc:Fallback></mc:AlternateContent>"
WORD = docx(
    paragraph("Der Anfang", "berschrift1") + paragraph("Ein Satz &amp; mehr.") + TABLE + FALLBACK + paragraph("Ende"),
    STYLES,
    "Ein Titel",
)
PAGE = """<!doctype html><html><head><title> A &amp; B </title><style>p {}</style></head><body>
<nav>Home</nav><h1>Big  <b>words</b></h1><div>one<p>two <i>three</i></div>four<script>never()</script>
<ul><li>first<li>second</ul><table><tr><td>x<td>y<tr><td>z</table><pre>  a
  b</pre><p hidden>unseen</p><!-- nor this --></body></html>"""
PAGE_TEXT = """Home

# Big words

one

two three

four

- first

- second

x | y

z

```
  a
  b
```"""
HTML, PLAIN = "text/html", "text/plain"

# name, bytes; type, title, [(text, page)], charset
READ: list[tuple[str, bytes, str, str, list[tuple[str, int | None]], str | None]] = [
    ("a.pdf", pdf("One", "", "Three", title="T"), "application/pdf", "T", [("One", 1), ("Three", 3)], None),
    ("named.txt", pdf("One"), "application/pdf", "", [("One", 1)], None),
    (
        "a.docx",
        WORD,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Ein Titel",
        [("# Der Anfang\n\nEin Satz & mehr.\n\nName | Ada\n\nEnde", None)],
        None,
    ),
    ("a.html", PAGE.encode(), HTML, "A & B", [(PAGE_TEXT, None)], "utf-8"),
    ("a.html", b"<p>fragment", HTML, "", [("fragment", None)], "utf-8"),
    ("README", b"<p>fragment", PLAIN, "", [("<p>fragment", None)], "utf-8"),
    (
        "ru.html",
        "<html><meta charset=windows-1251><p>Привет".encode("cp1251"),
        HTML,
        "",
        [("Привет", None)],
        "windows-1251",
    ),
    ("bad.html", b"<html><meta charset=rot13><p>gr\xfc\xdfe", HTML, "", [("grüße", None)], "latin-1"),
    ("a.md", "# Größe\r\n\r\ntext".encode(), "text/markdown", "", [("# Größe\n\ntext", None)], "utf-8"),
    ("a.txt", b"\xef\xbb\xbfhello", PLAIN, "", [("hello", None)], "utf-8"),
    ("a.txt", "häé 漢".encode("utf-16"), PLAIN, "", [("häé 漢", None)], "utf-16"),
    ("a.txt", b"\xfe\xff" + "漢".encode("utf-16-be"), PLAIN, "", [("漢", None)], "utf-16"),
    ("a.txt", b"caf\xe9 \x80", PLAIN, "", [("café €", None)], "latin-1"),
]


@pytest.mark.parametrize(("name", "data", "media_type", "title", "parts", "charset"), READ)
async def test_its_text_is_found(
    name: str, data: bytes, media_type: str, title: str, parts: list[Any], charset: str | None
) -> None:
    found = await document(data, name)
    assert [(each["text"], each["page"]) for each in found["parts"]] == parts
    assert (found["media_type"], found["title"], found["charset"]) == (media_type, title, charset)
    assert not found["truncated"]


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
LOOP = whole_pdf([CATALOG, b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>"])
MANY = whole_pdf(
    [
        CATALOG,
        b"<< /Type /Pages /Count 2001 /Kids [%s] >>" % (b"3 0 R " * 2001),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ]
)


def bomb(packed: bytes) -> bytes:
    """A PDF of a page whose content is packed so."""
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    return whole_pdf([CATALOG, b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page, stream])


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
SWOLLEN = documents.zipped({"word/document.xml": b"<a>" + b" " * 120_000_000 + b"</a>"})

# name, bytes, words of the sentence
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("a.txt", b"", "The file is empty."),
    "spaces": ("a.txt", b" \n\x00\n", "The file is empty."),
    "no page has text": ("a.pdf", pdf("", ""), "no text in this PDF"),
    "locked": ("a.pdf", documents.locked_pdf("secret"), "has a password"),
    "cut off": ("a.pdf", pdf("One")[:200], "This PDF is damaged"),
    "header alone": ("a.pdf", b"%PDF-1.7\n", "This PDF is damaged"),
    "a page loop": ("a.pdf", LOOP, "This PDF is damaged"),
    "many pages": ("a.pdf", MANY, "at most 2,000"),
    "a packed endless stream": ("a.pdf", bomb(zlib.compress(bytes(300_000_000))), "PDF"),
    "a picture": ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(100), "This is a picture"),
    "a picture called PDF": ("a.pdf", b"GIF89a" + bytes(100), "This is a picture"),
    "a sound": ("a.txt", b"OggS" + bytes(100), "a sound (Ogg)"),
    "a program": ("a.txt", b"\x7fELF\x02\x01\x01" + bytes(100), "This is no text"),
    "half of UTF-16": ("a.txt", b"\xff\xfea", "UTF-16"),
    "another zip": ("a.docx", documents.zipped({"a.txt": "x"}), "no Word file"),
    "a zip cut off": ("a.docx", WORD[: len(WORD) // 2], "This Word file is damaged"),
    "no XML": ("a.docx", documents.zipped({"word/document.xml": "no"}), "This Word file is damaged"),
    "entities": ("a.docx", documents.zipped({"word/document.xml": ENTITIES + "<x>&b;</x>"}), "is damaged"),
    "nested": ("a.docx", documents.zipped({"word/document.xml": "<a>" * 5_000}), "is damaged"),
    "a zip bomb": ("a.docx", SWOLLEN, "unpacks to more than"),
    "old Word": ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office file"),
    "only scripts": ("a.html", b"<html><script>x</script></html>", "There is no text in it."),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_it_is_refused_in_a_sentence(case: str) -> None:
    name, data, words = REFUSED[case]
    began = time.monotonic()
    with pytest.raises(ParsingError) as told:
        await document(data, name)
    assert words in str(told.value) and str(told.value).endswith((".", "first."))
    assert told.value.code == "refused"
    assert time.monotonic() - began < 20


async def test_a_long_text_is_cut_and_says_so() -> None:
    found = await document(("ä" * 99 + "\n").encode() * 15_000, "a.txt")
    assert found["truncated"] and len(found["parts"][0]["text"].encode()) == 2_000_000
    found = await document(b"<html>" + b"<p>hello you</p>" * 300_000)
    assert found["truncated"] and found["parts"][0]["text"].startswith("hello you\n\nhello you")
    found = await document(docx(paragraph("x" * 1_000) * 3_000))
    assert found["truncated"] and len(found["parts"][0]["text"]) == 2_000_000


def slow_pdf(first: bytes, *, pieces: int) -> bytes:
    """A page with these words, then 60 times a page of so many pieces of text: 100,000 of them take seconds."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    )
    quick = b"BT /F1 12 Tf 5 5 Td (%s) Tj ET" % first
    slow = b"BT /F1 12 Tf " + b"1 0 0 1 5 5 Tm (ab) Tj " * pieces + b"ET"
    stream = b"<< /Length %d >>\nstream\n%s\nendstream"
    kids = b"6 0 R " + b"7 0 R " * 60
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    told = [CATALOG, b"<< /Type /Pages /Count 61 /Kids [%s] >>" % kids, font]
    streams = [stream % (len(quick), quick), stream % (len(slow), slow)]
    return whole_pdf([*told, *streams, page % 4, page % 5])


@pytest.mark.parametrize("pieces", [20_000, 400_000], ids=["many slow pages", "a page that would take minutes"])
async def test_pages_that_take_too_long_are_left_out(settings: Any, pieces: int) -> None:
    """What was read before the time was up is given, also where it is up amid a page."""
    settings.PARSING_CPU_S = 4
    found = await document(slow_pdf(b"First", pieces=pieces))
    assert found["truncated"] and found["parts"][0] == {"text": "First", "page": 1}
    assert 1 <= len(found["parts"]) < 61


async def test_a_page_that_takes_all_the_time_is_refused_in_a_sentence(settings: Any) -> None:
    settings.PARSING_CPU_S = 3
    with pytest.raises(ParsingError, match="This PDF takes too long to be read") as told:
        await document(slow_pdf(b"", pieces=400_000))
    assert told.value.code == "refused"


async def test_a_file_that_is_too_large_starts_no_child(settings: Any) -> None:
    settings.PARSING_DOCUMENT_MAX_BYTES = 10
    with pytest.raises(ParsingError, match="11 bytes, and at most 10 are read"):
        await document(b"x" * 11)


def test_a_thread_may_wait_for_it() -> None:
    assert read_document(b"hello", "a.txt")["parts"] == [{"text": "hello", "page": None}]


async def test_deep_pages_end_or_are_told_to_take_too_long(settings: Any) -> None:
    settings.PARSING_CPU_S = 3
    with pytest.raises(ParsingError) as told:
        await document(b"<html>" + b"<div>" * 200_000 + b"deep", "a.html")
    assert told.value.code == "timeout"
