"""What rendering may cost: processor time, for the largest texts that can be stored, and what is kept of it."""

import subprocess
import sys
import time
from html import escape

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from agents import events as ev
from chat.markdown import blocks, budget, cutting, highlight, tex
from chat.markdown.blocks import rendered
from chat.markdown.cutting import Cutter, cut
from chat.markdown.kept import OVERHEAD_CHARS, Kept
from chat.models import Chat, Message

MOST_S = 5.0  # of processor; on a machine with nothing else to do they take half of it at most
ROWS = "".join(f"| some cell | {number} |\n" for number in range(8_000))
TEXTS = {
    "a table": f"| a | b |\n|---|---|\n{ROWS}",
    "a list": "".join(f"- item {number} with *some* words\n" for number in range(6_000)),
    "a list of little": "".join(f"- {number}\n" for number in range(30_000)),
    "a loose list": "".join(f"- {number}\n\n" for number in range(25_000)),
    "lines": "".join(f"line {number} of words\n" for number in range(9_000)),
    "paragraphs": "".join(f"A **paragraph** {number} with `code`.\n\n" for number in range(6_000)),
    "headings": "".join(f"# {number}\n" for number in range(30_000)),
    "quotes": "".join(f"> {number}\n\n" for number in range(25_000)),
    "tables": "".join(f"| {number} |\n|---|\n| x |\n\n" for number in range(9_000)),
    "deep": "".join(f"{'> ' * 45}{number}\n\n" for number in range(2_000)),
    "deeper": "".join(f"{'- ' * 90}{number}\n\n" for number in range(1_000)),
    "formulas": "".join(f"\\(x^{{{number}}}\\) and $$\\frac{{1}}{{{number}}}$$\n\n" for number in range(5_000)),
    "links": "".join(
        f"https://a.test/{number} [b](https://c.test/{number}) a{number}@b.test " for number in range(3_000)
    ),
    "brackets": "[" * 200_000,
    "brackets in lines": ("[" * 900 + "\n\n") * 200,
    "pictures": "![" * 100_000,
    "links in links": "[a" * 50_000 + "](https://b.test)" * 5_000,
    "stars": "**a *b " * 30_000,
    "ticks": "`a " * 60_000,
    "dollars": "$a" * 100_000,
    "half formulas": "\\(a" * 60_000,
    "half blocks of them": "$$\n" * 60_000,
    "formulas with empty lines left open": "$$\na\n\n" * 20_000,
    "and others": "\\[\nx+\n\n+y\n\n$$\nz\n\n" * 9_000,
    "long ones": ("\\[\n" + "x\n\n" * 600) * 50,
    "formulas in paragraphs": "a $$\n$$\n" * 20_000,
    "half formulas in cells": "| a | b |\n|---|---|\n" + "| \\(\\($a $$b | c |\n" * 8_000,
    "half formulas in a cell": "| a | b |\n|---|---|\n| " + "\\( $a" * 20_000 + "| b | c |\n",
    "numbers of something": "$2x " * 40_000 + "$1ab" * 20_000,
    "code": "```py\n" + "x = 1\n" * 30_000 + "```\n",
    "blocks of code": "".join(f"```py\nx = {number}  # one\n```\n\n" for number in range(8_000)),
    "fences in fences": "```md\n```py\n```\n" * 12_000,
    "fences left open": "```md\n" + "```py\nx\n```\n" * 14_000,
    "fences given up": "```md\n" * 30_000,
    "fences given up, again and again": ("```md\n" * 4_900 + "\n\n") * 6,
    "fences given up, of two kinds": ("```md\n" + "```a\n" * 9) * 3_000,
    "fences given up, with other marks": "~~~md\n```md\n" * 15_000,
    "fences given up, in a list": "- ```md\n" * 20_000,
    "definitions": "".join(f"[l{number}]: https://a.test/{number}\n\n" for number in range(6_000))
    + "[l1] [l2]\n\n" * 2_000,
    "definitions that nobody uses": "".join(f"[l{number}]: https://a.test/{number}\n" for number in range(6_000)),
    "definitions of definitions": "[a]:\n" * 40_000,
    "notes": "[^1] " * 20_000 + "\n\n" + "".join(f"[^{number}]: note\n\n" for number in range(6_000)),
    "breaks": "<br>" * 50_000,
    "one word": "a" * 2_000_000,
    "empty lines": "\n" * 500_000,
    "ends of lines": "\r" * 500_000,
    "all there may be": "Some **words** that go on and on, for as long as a run may say something.\n\n" * 26_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_stored_text_costs_little_and_nothing_when_it_is_asked_for_again(name: str) -> None:
    text = TEXTS[name]
    assert cost_of(lambda: rendered(text)) < MOST_S
    assert cost_of(lambda: rendered(text)) < 0.2


GIVEN_UP = [name for name in TEXTS if name.startswith("fences given up")]


@pytest.mark.parametrize(
    "name", ["a table", "a list", "lines", "paragraphs", "code", "fences in fences", "quotes", *GIVEN_UP]
)
def test_so_does_one_that_comes_in_pieces(name: str) -> None:
    text = TEXTS[name][:100_000]
    cutter = Cutter()
    found: list[cutting.Block] = []

    def stream() -> None:
        for at in range(0, len(text), 20):
            found.extend(cutter.feed(text[at : at + 20]))
        found.extend(cutter.close())

    assert cost_of(stream) < MOST_S
    assert found == cut(text)[0]


def cost_of(work) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


# --- The bounds -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(settings) -> None:
    settings.RENDER_BLOCK_MAX_CHARS, settings.RENDER_TEXT_MAX_CHARS = 100, 1_000


def test_a_block_that_is_too_long_is_shown_as_it_was_written_and_what_comes_behind_it_is_not(small) -> None:
    text = "*one*\n\n" + "- *item*\n" * 30 + "\n*two*\n\n```\n" + "code\n" * 100 + "```\n\n*three*\n"
    html = rendered(text)
    assert html.count('<pre class="unformatted" dir="auto">') == 3
    assert "<em>one</em>" in html and "<em>two</em>" in html and "<em>three</em>" in html
    assert html.count("- *item*") == 30 and html.count("code\n") == 100
    assert "".join(each.source for each in cut(text)[0]) == text


def test_behind_what_is_formatted_of_a_text_all_of_it_is_still_shown(small) -> None:
    text = "*word*\n\n" * 300
    html = rendered(text)
    assert 100 < html.count("<em>word</em>") < 140
    assert html.count("word") == 300


@pytest.mark.parametrize("size", [1, 3, 50, 99, 100, 101, 1_000])
@pytest.mark.parametrize("name", ["lists", "code", "one line", "no ends", "table", "fences"])
def test_the_bounds_are_the_same_however_it_comes(small, name: str, size: int) -> None:
    text = {
        "lists": "- a\n- b\n\n" * 20 + "- c\n" * 60 + "\npara\n\n" * 50,
        "code": "```py\n" + "x = 1\n" * 400 + "```\nafter\n\n" + "y\n\n" * 200,
        "one line": "word " * 500 + "\n\nafter",
        "no ends": "a" * 205 + "\r\n" + "b" * 199 + "\r" + "c" * 700,
        "table": "| a |\n|---|\n" + "| b |\n" * 60 + "\nafter *it*\n",
        "fences": "```md\n```py\n```\n" * 40 + "x\n",
    }[name]
    cutter = Cutter()
    found = [each for at in range(0, len(text), size) for each in cutter.feed(text[at : at + size])] + cutter.close()
    assert found == cut(text)[0]


def test_more_blocks_than_anybody_reads_are_not_formatted() -> None:
    found, _ = cut("# a\n" * (cutting.BLOCKS + 500))
    assert [each.is_plain for each in found[: cutting.BLOCKS]] == [False] * cutting.BLOCKS
    assert all(each.is_plain for each in found[cutting.BLOCKS :]) and found[-1].end == 4 * (cutting.BLOCKS + 500)


def test_code_that_is_slow_to_colour_is_plain() -> None:
    for language, code in {
        "c": "\n" * 20_000,
        "c#": "a\n " * 6_000,
        "java": "a " * 9_000,
        "hcl": "<<A\n" * 5_000,
    }.items():
        assert cost_of(lambda code=code, language=language: highlight.highlight(code, language)) < MOST_S / 2
        assert "<span" not in highlight.highlight(code, language)
    assert "<span" in highlight.highlight("x = 1\n" * 300, "python")


SLOW = {
    "powershell": "\n#" * 9_900,
    "html": "<!--\n" * 4_000,
    "vue": "<!--\n" * 4_000,
    "svelte": "<!--\n" * 4_000,
    "xml": "<!--\n" * 4_000,
    "make": ("-" * 400 + "\n") * 49,
    "hcl": ("-" * 400 + "\n") * 49,
    "perl": "=begin\n" * 2_800,
    "rust": 'r#"r#\n' * 3_300,
    "jinja": "{#\n" * 6_600,
    "html+django": "<!--\n" * 4_000,
    "html+django, comments": ("{# " * 150 + "\n") * 41 + "<b>",
}


@pytest.mark.parametrize("language", SLOW)
def test_colours_end_where_they_take_too_long(settings, language: str) -> None:
    settings.RENDER_CODE_S = 0.05
    code, language = SLOW[language], language.partition(",")[0]
    highlight.highlight("a", language)  # makes the lexer
    assert cost_of(lambda: highlight.highlight(code, language)) < 0.2
    assert highlight.highlight(code, language) == escape(code, quote=False)
    settings.RENDER_CODE_S = 60.0
    assert "<span" in highlight.highlight(code, language)


FENCES = [f"```powershell\n{number}\n{SLOW['powershell'][:19_000]}\n```\n\n" for number in range(6)]


def test_colours_of_a_text_and_of_an_answer_take_no_longer_together(settings, chat: Chat) -> None:
    settings.RENDER_CODE_S, settings.RENDER_TEXT_S, settings.RENDER_ANSWER_S = 0.4, 0.2, 0.3
    text = "".join(FENCES[:5])
    settings.RENDER_TEXT_S = 0.0
    plain = cost_of(lambda: rendered(text + "a"))
    settings.RENDER_TEXT_S = 0.2
    assert cost_of(lambda: rendered(text)) < 2 * plain + 0.6  # all five alone: 2 s more
    settings.RENDER_ANSWER_S = 0.0
    plain = cost_of(lambda: blocks.of_message(_of_twenty(chat, text, 100)))
    settings.RENDER_ANSWER_S = 0.3
    assert cost_of(lambda: blocks.of_message(_of_twenty(chat, text, 0))) < 1.2 * plain + 1  # by texts alone: 4 s more


def _of_twenty(chat: Chat, text: str, first: int) -> Message:
    parts = [{"type": "text", "text": f"{number}\n\n{text}"} for number in range(first, first + 20)]
    return Message(chat=chat, role="assistant", parts=parts)


def test_what_is_plain_for_want_of_time_is_kept_for_its_own_text_alone(settings) -> None:
    settings.RENDER_CODE_S, settings.RENDER_TEXT_S = 0.1, 0.1
    own = "```py\nz = 1\n```\n"
    text = FENCES[5] + own
    assert "<span" not in rendered(text) and "<span" not in rendered(text)
    assert "<span" in rendered(own), "the same block of another text"
    with budget.within(budget.Budget(0.0)):
        assert "<span" not in rendered("Hm.\n\n```py\ny = 2\n```\n")
    assert "<span" in rendered("Hm.\n\n```py\ny = 2\n```\n")


@pytest.mark.parametrize(
    "address", ["/api/chats/{}/messages/?blocks=html", "/chats/{}/?at={}", "/chats/{}/messages/?at={}"]
)
def test_all_that_one_answer_shows_has_one_budget(settings, alice: User, chat: Chat, address: str) -> None:
    code = f"x = {len(address)}"  # that no other test has shown
    parts = [{"type": "text", "text": f"```py\n{code}\n```\n"}]
    message = Message.objects.create(chat=chat, role="assistant", status="completed", parts=parts, position=1)
    client, coloured = Client(), 'class=\\"mi\\"' if "api" in address else 'class="mi"'
    client.force_login(alice)
    settings.RENDER_ANSWER_S = 0.0
    response = client.get(address.format(chat.pk, message.pk))
    assert response.status_code == 200 and code in response.content.decode()
    settings.RENDER_ANSWER_S = 60.0
    assert coloured in client.get(address.format(chat.pk, message.pk)).content.decode()


def test_a_run_s_blocks_have_a_text_s_time_for_each_part(settings) -> None:
    settings.RENDER_CODE_S, settings.RENDER_TEXT_S = 0.05, 0.1
    run = blocks.RunBlocks()

    def say() -> None:
        for number in range(20):
            run.feed(ev.TextDelta(at=0.0, text=f"```powershell\n{number}\n{SLOW['powershell'][:18_000]}\n```\n\n"))

    assert cost_of(say) < MOST_S / 2


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_bounded_and_what_was_asked_for_last_stays() -> None:
    kept: Kept[str] = Kept(3 * (OVERHEAD_CHARS + 100), len)
    made: list[int] = []

    def ask(number: int) -> None:
        kept.get(number, lambda: made.append(number) or "x" * 100)

    for number in [1, 2, 3, 1, 4, 1, 2]:
        ask(number)
        assert kept.chars <= 3 * (OVERHEAD_CHARS + 100)
    assert made == [1, 2, 3, 4, 2]
    assert len(kept.get("big", lambda: "x" * 10_000)) == 10_000
    assert kept.chars <= 3 * (OVERHEAD_CHARS + 100)


def test_a_message_that_is_changed_is_rendered_anew(chat: Chat) -> None:
    message = Message(chat=chat, role="assistant", parts=[{"type": "text", "text": "*one*"}])
    assert "one" in blocks.of_message(message)[0]["html"]
    message.parts = [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "*two*"}]
    assert [(each["part"], "two" in each["html"]) for each in blocks.of_message(message)] == [(1, True)]


# --- Formulas ---------------------------------------------------------------------------------------------------------

DEEP = """
import os, sys, threading
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from chat.markdown import tex
def go():
    for source in eval(sys.stdin.read()):
        tex.mathml(source, is_block=True)
    print("all of them")
threading.stack_size(512 * 1024)
thread = threading.Thread(target=go)
thread.start()
thread.join()
"""


def test_no_formula_ends_the_process() -> None:
    """In a thread with a small part of the stack that threads have."""
    longest = settings.RENDER_MATH_MAX_CHARS
    openers = ["{", "x^{", "_{", r"\frac{", r"\sqrt{", r"\hat", r"\sqrt", r"\bm ", r"\left(", r"\left.", r"\sqrt[", "^"]
    openers += [
        r"\not",
        r"\bar{",
        r"\begin{matrix}",
        r"\text{$",
        r"\rm{",
        r"\color{red}",
        r"\displaystyle ",
        r"\frac12",
    ]
    openers += [
        r"\hat x",
        r"\hat{x}\hat",
        r"\mathbf{\hat",
        r"\overset{a}{",
        r"\left(\hat",
        "{\\hat ",
        r"\operatorname{",
    ]
    formulas = [opener * (size // len(opener)) for opener in openers for size in (39 * len(opener), longest)]
    formulas += [each + "x" + "}" * each.count("{") for each in formulas]
    done = subprocess.run(
        [sys.executable, "-c", DEEP], input=repr(formulas), capture_output=True, text=True, check=False
    )
    assert "all of them" in done.stdout, done.stderr[-500:]


def test_a_formula_that_is_too_long_is_its_source() -> None:
    assert tex.mathml("x" * (settings.RENDER_MATH_MAX_CHARS + 1), is_block=False) == ""
    assert rendered("\\(" + "x+" * 2_000 + "\\)").count("x+") == 2_000


def test_tables_in_a_long_list_are_read_once_each() -> None:
    text = "- `a|b`|c\n  -|-|-\n" * 2_500
    before = time.process_time()
    rendered(text)
    assert time.process_time() - before < 4
