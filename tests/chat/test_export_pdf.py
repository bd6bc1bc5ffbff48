"""A chat as PDF: opened by a reader of its own, with every script that a font here has, and no text is ever markup."""

import io
import time
from pathlib import Path
from typing import Any

import pypdf
import pytest
import typst
from django.utils import timezone

from accounts.models import User
from chat.exports import conversation, files
from chat.exports.conversation import Asked
from chat.exports.models import Export
from chat.exports.pdf import blocks, glyphs, press
from chat.exports.pdf.blocks import Ink, is_rtl, markdown
from chat.exports.pdf.press import NotPrinted, printed
from chat.models import Chat, Message, MessageRole
from tests.chat.rows import answer, say
from tests.chat.test_exports import SCRIPTS, Api, begun, fetch, work
from tests.corpus import snippets
from tests.memory import largest_child

NOT_MARKUP = '#import "@preview/x:1.0.0" #read("/etc/passwd") $ x^2 $ *b* _i_ <label> @ref \\ // `r` = H'
TABLE = "| Name | Zahl |\n|---|--:|\n| alpha | 7 |"


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def drawn_here() -> set[str]:
    """The scripts that some font of this machine has."""
    fonts = typst.Fonts().fonts()
    return {name for name, text in SCRIPTS.items() if not glyphs.missing(text, fonts)}


@pytest.mark.django_db(transaction=True)
def test_it_is_read_by_a_reader_of_its_own(chat: Chat, alice: User) -> None:
    said = "\n\n".join([*SCRIPTS.values(), TABLE, "```py\nanswer = 42\n```", "- one\n- two", NOT_MARKUP])
    say(chat, alice, NOT_MARKUP + "\\u0000")
    answer(chat, alice, text=said)
    status, headers, body = fetch(chat, alice, format="pdf")
    assert (status, headers["Content-Type"]) == (200, "application/pdf"), body
    assert headers["Content-Disposition"] == 'attachment; filename="First steps.pdf"'
    text = text_of(body)
    for each in ("First steps", "Alice", "answer = 42", "alpha", "Zahl", "one", '#import "@preview/x:1.0.0"'):
        assert each in text, each
    assert text.count('#read("/etc/passwd")') == 2 and "root:" not in text
    here = drawn_here()
    for name in here:  # right to left is drawn from the other end, so the letters are looked for
        assert set(SCRIPTS[name]) - set(text) <= set("\u064b\u094d "), name
    assert ("missing here" in text) == (here != set(SCRIPTS))
    assert pypdf.PdfReader(io.BytesIO(body)).metadata.title == "First steps"  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_nothing_in_it_runs_and_no_address_is_odd(chat: Chat, alice: User) -> None:
    texts = [text.replace("\x00", "") for name, text in snippets().items() if name.startswith(("hos", "lin"))]
    answer(chat, alice, text="\n\n".join(texts))
    body = fetch(chat, alice, format="pdf")[2]
    reader = pypdf.PdfReader(io.BytesIO(body))
    found = [each.get_object() for page in reader.pages for each in page.get("/Annots", [])]
    actions = [each["/A"] for each in found if "/A" in each]
    assert {str(each["/S"]) for each in actions} <= {"/URI"}
    assert all(str(each["/URI"]).lower().startswith(("http://", "https://", "mailto:")) for each in actions) and actions
    assert b"/JavaScript" not in body and b"/Launch" not in body and b"/EmbeddedFile" not in body


@pytest.mark.django_db(transaction=True)
def test_all_that_models_write_is_set(chat: Chat, alice: User) -> None:
    for text in (each.replace("\x00", "") for each in snippets().values()):  # which PostgreSQL stores no text with
        say(chat, alice, text)
        last = say(chat, alice, text)
        Message.objects.filter(pk=last.pk).update(role=MessageRole.ASSISTANT, author=None)
    status = fetch(chat, alice, format="pdf", **{"with": "tools,reasoning"})[0]
    assert status == 413  # more than are set while one waits
    head = conversation.head_of(Chat.objects.get(pk=chat.pk), Asked())
    to = files.folder() / "all.pdf"
    assert list(printed(head, Asked(), to))[-1] == len(head.ids) == 2 * len(snippets())
    assert len(pypdf.PdfReader(to).pages) > 20 and files.there() == {"all.pdf"}


@pytest.mark.django_db(transaction=True)
def test_parts_are_joined_with_their_pages_counted_on(
    chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    monkeypatch.setattr(press, "PART_MESSAGES", 2)
    for number in range(5):
        say(chat, alice, f"Message number {number}.")
    made = begun(api(alice), what="chat", format="pdf", chat=str(chat.pk))
    work()
    told = api(alice).get(made["Location"]).json()
    assert (told["status"], told["done"], told["total"]) == ("done", 5, 5) and files.there() == {f"{told['id']}.1"}
    pages = pypdf.PdfReader(files.path_of(told["id"], 1)).pages
    assert [each.extract_text().strip()[-1] for each in pages] == ["1", "2", "3"]
    text = text_of(files.path_of(told["id"], 1).read_bytes())
    places = [text.index(f"number {number}.") for number in range(5)]
    assert places == sorted(places) and text.count("First steps") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bound", ["EXPORT_PDF_MEMORY_MB", "EXPORT_FILE_MAX_BYTES"])
def test_a_child_that_dies_is_an_export_that_failed_and_leaves_nothing(
    bound: str, chat: Chat, alice: User, settings: Any, api: Api
) -> None:
    answer(chat, alice)
    setattr(settings, bound, 90)
    made = begun(api(alice), what="chat", format="pdf", chat=str(chat.pk))
    work()
    assert api(alice).get(made["Location"]).json()["error"]["code"] == "pdf_too_large" and not files.there()
    assert fetch(chat, alice, format="pdf")[0] == 413


@pytest.mark.django_db(transaction=True)
def test_one_that_is_removed_takes_its_child_with_it(
    chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer(chat, alice)
    started: list[Any] = []
    monkeypatch.setattr(
        press, "_started", lambda *files, start=press._started: started.append(start(*files)) or started[-1]
    )
    doing = printed(conversation.head_of(Chat.objects.get(pk=chat.pk), Asked()), Asked(), tmp_path / "x")
    assert next(doing) == 0 and started[0].poll() is None
    doing.close()
    assert started[0].returncode == -9 and not list(tmp_path.iterdir())


@pytest.mark.django_db(transaction=True)
def test_one_that_takes_too_long_is_ended(chat: Chat, alice: User, settings: Any, tmp_path: Path) -> None:
    answer(chat, alice)
    settings.EXPORT_PDF_TIMEOUT_S = 0
    with pytest.raises(NotPrinted):
        list(printed(conversation.head_of(Chat.objects.get(pk=chat.pk), Asked()), Asked(), tmp_path / "x"))


# --- What a page is set from ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_turned"), [("שלום", True), ("مرحبا abc", True), ("abc שלום", False), ("1. שלום", True), ("", False)]
)
def test_the_first_letter_that_has_a_direction_decides(text: str, is_turned: bool) -> None:
    assert is_rtl(text) is is_turned
    assert bool(text and markdown(f"# {text}", Ink())[0].get("d")) is is_turned


def test_what_is_too_much_for_a_page_is_cut() -> None:
    assert [len(each["c"][0]) for each in markdown("word " * 25_000, Ink())][:2] == [50_000, 50_000]
    ink = Ink()
    code = "```py\n" + "x = 1\n" * 3_000 + "```"
    assert [markdown(code, ink)[0]["l"] for _ in range(12)].count("py") == blocks.COLOURED_OF_ALL // 18_000
    assert markdown("```py\n" + "x = 1\n" * 4_000 + "```", Ink())[0]["l"] == ""
    deep = markdown("> " * 60 + "deep", Ink())
    depth = 0
    while deep[0]["t"] == "q":
        deep, depth = deep[0]["b"], depth + 1
    assert depth == blocks.DEPTH and deep[0]["c"] == ["deep"]
    wide = markdown("|" + "a|" * 40 + "\n|" + "-|" * 40, Ink())
    assert [each["t"] for each in wide] == ["p"]


@pytest.mark.django_db(transaction=True)
def test_an_address_that_is_too_long_for_a_link_is_none(chat: Chat, alice: User) -> None:
    address = "https://a.example/" + "x" * blocks.ADDRESS_CHARS
    answer(chat, alice, text=f"[Here]({address}), or [there](https://b.example/).")
    status, _, body = fetch(chat, alice, format="pdf")
    assert status == 200 and "Here" in text_of(body) and b"b.example" in body


def test_long_words_in_a_table_do_not_reach_into_the_next_column() -> None:
    (table,) = markdown(f"|a|b|c|d|\n|-|-|-|-|\n|{'w' * 50}|`{'c' * 50}`|**{'b' * 50}**|short|", Ink())
    word, code, bold, short = table["r"][0]
    texts = (word["c"][0], code["c"][0]["x"], bold["c"][0]["c"][0])
    assert all(max(map(len, each.split("\u200b"))) == blocks.LINE_CHARS // 4 for each in texts)
    assert short["c"] == ["short"]


def test_lists_count_from_where_they_begin_and_formulas_begin_with_themselves() -> None:
    assert [markdown(f"{number}. x", Ink())[0]["s"] for number in (0, 1, 7)] == [0, 1, 7]
    assert markdown("$$\nx^2\n$$", Ink())[0]["x"] == "x^2"


def test_a_character_is_missing_where_no_font_has_it() -> None:
    fonts = typst.Fonts().fonts()
    assert glyphs.missing("äöü abc \u200d\ufe0f", fonts) == set()
    sans = [each for each in fonts if each.family == "DejaVu Sans"]
    assert glyphs.missing("\U000e0fff\u4e2d\ue000a", sans) == {"\u4e2d"}
    assert glyphs.missing("ä", []) == {"ä"}


# --- What it takes ----------------------------------------------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_five_thousand_messages_stay_within_their_memory(chat: Chat, alice: User) -> None:
    text = "\n\n".join([*SCRIPTS.values(), TABLE, "```py\nanswer = 42\n```", "Words and words. " * 20])
    rows = [
        Message(
            chat=chat, position=at + 1, role=MessageRole.ASSISTANT if at % 2 else MessageRole.USER, content=text,
            author=None if at % 2 else alice, created_at=timezone.now(),
        )
        for at in range(5_000)
    ]  # fmt: skip
    Message.objects.bulk_create(rows)
    del rows
    before, begun_at = resident_mb(is_peak=False), time.monotonic()
    head = conversation.head_of(chat, Asked(branch="all"))
    to = files.folder() / "long.pdf"
    try:
        with largest_child() as child:
            assert list(printed(head, Asked(branch="all"), to))[-1] == 5_000
        more, took = resident_mb(is_peak=True) - before, time.monotonic() - begun_at
        print(f"child {child[0]:.0f} MB, here {more:.0f} MB more, {took:.0f} s, file {to.stat().st_size:,} bytes")
        assert 50 < child[0] < 300 and more < 120
    finally:
        to.unlink(missing_ok=True)
    assert not Export.objects.exists()


def resident_mb(*, is_peak: bool) -> float:
    """What this process has in memory; or the most that it has had since it was last asked without."""
    if not is_peak:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:" if is_peak else "VmRSS:")[2].split()[0]) / 1024
