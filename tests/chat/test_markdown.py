"""Markdown of strangers becomes HTML that can do nothing."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from pygments.lexers import get_all_lexers
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES

from chat.markdown import cutting, grammar, highlight
from chat.markdown import html as markdown
from chat.markdown.blocks import rendered
from chat.markdown.html import render

TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")


def test_it_renders_what_models_write() -> None:
    html = render("# T\n\n1. **a**\n2. `b`\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```py\n1 < 2\n```\n\n~~no~~")
    for piece in (
        '<h1 dir="auto">T</h1>',
        "<strong>a</strong>",
        '<code dir="ltr">b</code>',
        "<td>1</td>",
        '<span class="o">&lt;</span>',
        "<s>no</s>",
    ):
        assert piece in html
    assert '<div class="wide"><table dir="auto">' in html


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
    assert '<span class="host" dir="ltr"> (evil.test)</span>' in html
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


# What models write, and a piece of what is shown of it.
SHOWN = {
    "bare link": ("See https://a.test/b_c_d?e=1.", '<a href="https://a.test/b_c_d?e=1"'),
    "bare link in brackets": ("(see https://a.test/b_(c))", 'href="https://a.test/b_(c)"'),
    "bare link, no spaces": ("见https://a.test/b。然后", ">https://a.test/b</a>。然后"),
    "bare host": ("Go to www.a.test now", '<a href="http://www.a.test"'),
    "bare mail": ("ask a.b@c.test!", '<a href="mailto:a.b@c.test"'),
    "bare link in square brackets": ("[Quelle: https://x.test/e]", '">https://x.test/e</a>]'),
    "with square brackets": ("https://x.test/a[1]", ">https://x.test/a[1]</a>"),
    "in brackets and a sentence": ("(x [https://x.test/e]).", ">https://x.test/e</a>])."),
    "in double quotes": ('"https://x.test/a"', '"<a href="https://x.test/a"'),
    "in quotes": ("see 'https://x.test/b'", '\'<a href="https://x.test/b"'),
    "slanted": ("_https://x.test/_", '<em><a href="https://x.test/"'),
    "bold with lines": ("a __https://x.test/__ b", '<strong><a href="https://x.test/"'),
    "mail with its scheme": ("to mailto:me@x.test.", '<a href="mailto:me@x.test"'),
    "an attribute": ('href="https://a.test"', '<p dir="auto">href="https://a.test"</p>'),
    "a call with quotes": ('get("https://a.test")', '<p dir="auto">get("https://a.test")</p>'),
    "JSON": ('{"a":"https://a.test"}', '<p dir="auto">{"a":"https://a.test"}</p>'),
    "in code": ("`https://a.test`", '<code dir="ltr">https://a.test</code>'),
    "a call": ("url(https://a.test)", '<p dir="auto">url(https://a.test)</p>'),
    "open task": ("- [ ] a", '<li class="task">☐ a</li>'),
    "done task": ("- [x] **a**", '<li class="task">☑ <strong>a</strong></li>'),
    "alignment": ("| a |\n|--:|\n| b |", '<td class="right">b</td>'),
    "centre": ("| a |\n|:-:|\n| b |", '<th class="center">a</th>'),
    "break in a cell": ("| a |\n|---|\n| b<br>c<BR/>d |", "b<br>\nc<br>\nd"),
    "bars in code": ("| a | b |\n|---|---|\n| `x|y` | z |", '<code dir="ltr">x|y</code></td>\n<td>z</td>'),
    "too many cells": ("| a | b |\n|---|---|\n| x | y | z | \\| |", "<td>y | z | |</td>"),
    "too few": ("| a | b |\n|---|---|\n| x |", "<td>x</td>\n<td></td>"),
    "footnote": (
        "a[^1]\n\n[^1]: b",
        '<p dir="auto">a<sup>1</sup></p>\n<div class="footnote" dir="auto"><sup>1</sup>\n<p>b',
    ),
    "no footnote": ("[^a-z] in a text", "[^a-z] in a text"),
    "picture": ("![alt](https://a.test/i.png)", '>alt</a><span class="host" dir="ltr"> (a.test)</span>'),
    "picture without words": ("a ![](https://a.test/i.png)", '<p dir="auto">a <a href='),
    "bold before punctuation": ("这是**重要：**请", "<strong>重要：</strong>请"),
    "bold around punctuation": ("は**「強調」**です", "<strong>「強調」</strong>です"),
    "bold with lines beside punctuation": ("__（粗）__字", "<strong>（粗）</strong>字"),
    "slanted around punctuation": ("是_（斜）_字", "是<em>（斜）</em>字"),
    "struck out around punctuation": ("字~~（旧）~~新", "字<s>（旧）</s>新"),
    "a name with lines": ("文件_名称_值", "文件_名称_值"),
    "a name with lines and letters": ("a__（b）__c", "a__（b）__c"),
    "Korean": ("**강조(굵게)**는", "<strong>강조(굵게)</strong>는"),
    "stars that are none": ("2 * 3 * 4 和 * 5", "2 * 3 * 4 和 * 5"),
    "fences in a fence": ("```md\n```py\nx\n```\ny\n```\n*z*", '```py\nx\n```\ny\n</code></pre>\n<p dir="auto"><em>z'),
    "longer fence": ("````md\n```py\nx\n```\n````\n*z*", '```\n</code></pre>\n<p dir="auto"><em>z'),
    "fence left open": ("```md\n```py\nx\n```\n*z*", 'x\n</code></pre>\n<p dir="auto"><em>z'),
    "twelve lists": ("".join(f"{'  ' * n}- l{n}\n" for n in range(12)) + "\nend", "<li>l11</li>"),
    "forty quotes": (f"{'>' * 40} deep\n\nend", "<p>deep</p>"),
    "too deep": (f"{'>' * 150} deep\n\nend", 'deep\n</pre>\n<p dir="auto">end</p>'),
    "line ends": ("one\ntwo", "one<br>\ntwo"),
    "formula": (r"so \(x^2\) is", "<msup><mi>x</mi><mn>2</mn></msup>"),
    "its source": (r"so \(x_1 * y_1\) is", '<annotation encoding="application/x-tex">x_1 * y_1</annotation>'),
    "in a line": ("so $$x$$ is", '<math display="block">'),
    "on lines of its own": ("\\[\nx\n\\]\nso", '</math></div>\n<p dir="auto">so</p>'),
    "dollars": ("$$\n\\begin{aligned}a&=b\\\\c&=d\\end{aligned}\n$$", '<mtd class="right"><mi>a</mi>'),
    "one dollar": ("so $a_1$ is", "<msub><mi>a</mi><mn>1</mn></msub>"),
    "a number of something": ("so $2x+1$ is", "<mn>2</mn><mi>x</mi><mo>+</mo>"),
    "and of one thing": ("so $3n$ is", "<mn>3</mn><mi>n</mi>"),
    "and of two": ("so $2xy - 3z$ is", "<mi>y</mi><mo>−</mo><mn>3</mn>"),
    "a formula left open in a paragraph": ("So: $$\nE=mc^2\n$$\nThen *it*:", "</math><br>\nThen <em>it</em>:</p>"),
    "one with a full stop": ("So: $$\nE\n$$. Then\n\n*it*", "</math>. Then</p>"),
    "one behind another": ("a $$x$$ b\n$$\ny\n$$\nc", '</p>\n<div class="formula"><math'),
    "one in a paragraph behind one": ("$$\nx\n$$\ntext\n$$\ny\n$$", '<p dir="auto">text</p>\n<div class="formula">'),
    "bars in a formula": ("| a | b |\n|---|---|\n| \\(p|q\\) | c |", "</math></td>\n<td>c</td>"),
    "bars between dollars": ("| a | b |\n|---|---|\n| $P(A|B)$ | c |", "</math></td>\n<td>c</td>"),
    "bars between two": ("| a | b |\n|---|---|\n| $$p|q$$ | c |", "</math></td>\n<td>c</td>"),
    "bars in a formula of its own": ("| a | b |\n|---|---|\n| \\[p|q\\] | c |", "</math></td>\n<td>c</td>"),
    "bars in a table's head": (
        "| \\(|x|\\) | `b|c` |\n|---|---|\n| d | e |",
        '</math></th>\n<th><code dir="ltr">b|c</code></th>',
    ),
    "bars in a table within a list": ("- | a | b |\n  |---|---|\n  | \\(|x|\\) | c |", "</math></td>\n<td>c</td>"),
    "bars in a table within a quote": (
        "> | a | b |\n> |---|---|\n> | `x|y` | c | d |",
        "x|y</code></td>\n<td>c | d</td>",
    ),
    "prices in cells": ("| a | b |\n|---|---|\n| $5|$6 |", "<td>$5</td>\n<td>$6</td>"),
    "prices with units": ("$5k to $6k, $5 a day or 6$, $10 or 9$", "$5k to $6k, $5 a day or 6$, $10 or 9$"),
    "prices": ("from $5 to $10, or $3/$4", "from $5 to $10, or $3/$4"),
    "a shell's": ("$HOME/bin:$PATH and ${a}${b}", "$HOME/bin:$PATH and ${a}${b}"),
    "no formula": (r"so \(\frac{a\) is", r'<span class="math" dir="ltr">\(\frac{a\)</span>'),
    "with empty lines": (
        "$$\na\n\n  b\n\n\n$$\nso",
        '<mi>a</mi><mi>b</mi></mrow><annotation encoding="application/x-tex">',
    ),
    "what is behind those": ("\\[\na\n\nb\n\\]\nso", '</math></div>\n<p dir="auto">so</p>'),
    "empty lines in a list": ("- $$\n  a\n\n  b\n  $$\n- c", "<mi>a</mi><mi>b</mi>"),
    "words within": ("$$\na \\text{ if it is so}\n\nb\n$$", "</mtext><mi>b</mi>"),
    "left open before words": ("$$\nx\n\nBut *this* is so.\n\n$$\ny\n$$", '<p dir="auto">But <em>this</em> is so.</p>'),
    "left open before code": ("$$\nx\n\n```\ny\n```\n$$", '<p dir="auto">$$<br>\nx</p>\n<pre dir="ltr">'),
    "left open for long": ("$$\nx\n\n" + "y\n\n" * 900 + "$$", '<p dir="auto">y</p>\n<p dir="auto">y</p>'),
    "nothing within": ("$$\n\n$$\n\nso", '<p dir="auto">so</p>'),
    "left open": ("$$\nx\n- y\n\nend", '- y</p>\n<p dir="auto">end</p>'),
    "a note's number": (r"\[1\] Smith", "[1] Smith"),
    "Arabic": ("مرحبا\n\n- a", '<p dir="auto">مرحبا</p>\n<ul dir="auto">'),
    "code is left to right": ("```\nא\n```", '<pre dir="ltr"><code>א'),
    "language": ("```Kotlin x\ny\n```", '<pre dir="ltr" data-language="Kotlin">'),
    "definitions alone": ("Quellen:\n\n[1]: https://a.test\n[Ä]: https://b.test", ">https://a.test</a></p>\n<p"),
    "a definition's label": ("[Ä]: https://b.test", '<p dir="auto">[Ä]: <a href="https://b.test"'),
    "a definition's title": (
        "[1]: https://b.test/x 'y z'",
        '>y z</a><span class="host" dir="ltr"> (b.test)</span></p>',
    ),
    "a definition in front": ("[1]: https://a.test\n\nText", '>https://a.test</a></p>\n<p dir="auto">Text'),
    "a definition in a list": ("- a\n\n  [1]: https://a.test", "<p>[1]: <a href="),
    "a definition behind code": ("```\nx\n```\n[1]: https://a.test", "[1]: <a href="),
    "a definition that leads nowhere": ("[a]:\n" * 2, '<p dir="auto">[a]: [a]:</p>'),
    "a definition used as words": ("[1][2]\n\n[1]: https://a.test\n[2]: https://b.test", "[1]: <a href="),
    "a definition named in code": ("`[1]`\n\n[1]: https://a.test", "[1]: <a href="),
    "a second definition": ("[1]\n\n[1]: https://a.test\n\n[1]: https://b.test", ">https://b.test</a>"),
    "language of a hostile one": ('```a"><b>\ny\n```', 'data-language="a&quot;&gt;&lt;b&gt;"'),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_models_write_is_shown(name: str) -> None:
    text, expected = SHOWN[name]
    assert expected in rendered(text)


@pytest.mark.parametrize(
    "text",
    [
        "[1]\n\n[1]: https://a.test",
        "[1]: https://a.test\n\n[x][1]",
        "![y][a]\n\n[A]: https://a.test",
        "> [1]: https://a.test\n\n```\nx\n```\n\n[1]",
    ],
)
def test_a_definition_that_is_used_is_not_seen(text: str) -> None:
    assert "]:" not in rendered(text)


# The text of a link may say anything: where it leads is behind it, or it is no link.
LEADS = {
    "[https://bank.test/a](https://evil.test/)": "evil.test",
    "[bank.test](https://evil.test/bank.test)": "evil.test",
    "[evil.test.bank.test](https://evil.test)": "evil.test",
    "[https://bank.test/?evil.test](https://evil.test)": "evil.test",
    "[https://evil.test@bank.test](https://evil.test)": "evil.test",
    "[\u202etset.knab](https://evil.test)": "evil.test",
    "[bank\u200b.test](https://evil.test)": "evil.test",
    "[аpple.test](https://аpple.test)": "xn--pple-43d.test",
    "https://аpple.test/": "xn--pple-43d.test",
    "<https://аpple.test/>": "xn--pple-43d.test",
    "[a@bank.test](mailto:a@evil.test)": "a@evil.test",
    "![https://bank.test](https://evil.test/i.png)": "evil.test",
    "[x][y]\n\n[y]: https://evil.test 'https://bank.test'": "evil.test",
    "[*https://bank.test*](https://evil.test)": "evil.test",
    "[`bank.test`](https://evil.test)": "evil.test",
    "[https://bank.test](https://bank.test:8443/x)": "bank.test:8443",
    "[https://bank.test:443/](https://bank.test:8443/)": "bank.test:8443",
    "[bank.test](http://bank.test:443/)": "bank.test:443",
    "[bank.test:443](http://bank.test/)": "bank.test",
    "[https://bank.test:8443/](https://bank.test/)": "bank.test",
    "[x](http://[::1]:8000/)": "[::1]:8000",
    "![alt](https://bank.test:8443/i.png)": "bank.test:8443",
    "[https://hub.test/good](https://hub.test/evil)": "https://hub.test/evil",
    "[hub.test/good](https://hub.test/evil)": "https://hub.test/evil",
    "[https://hub.test/a](https://hub.test/a?next=b)": "https://hub.test/a?next=b",
    "[https://bank.test](https://bank.test:8443/)": "bank.test:8443",
    "[bank.test](http://bank.test:8443/a)": "bank.test:8443",
    "[bank.test:1](https://bank.test:2/)": "bank.test:2",
    "[www.bank.test](https://bank.test)": "bank.test",
    "[a@bank.test](mailto:b@bank.test?bcc=a@bank.test)": "b@bank.test",
}


@pytest.mark.parametrize("text", LEADS)
def test_a_link_shows_where_it_leads(text: str) -> None:
    assert f'</a><span class="host" dir="ltr"> ({LEADS[text]})</span>' in rendered(text)
    assert "\u202e" not in rendered(text) and "title=" not in rendered(text)


@pytest.mark.parametrize(
    "address",
    [
        *("http:/self-test/", "http:self-test/", "https:////evil.test", "https:///evil.test", "http://", "https:evil"),
        *("https://bank@evil.test", "https://a:b@evil.test/", r"https://evil.test\@bank.test", r"https:\\evil.test"),
        *(
            r"https:/\evil.test",
            "https://%65vil.test",
            "https://evil.test%2f@bank.test",
            "HTTP:evil.test",
            "https://?x",
        ),
        *("https://#x", "https://:80", "mailto:", "mailto:?to=a@evil.test", "https://a_b c", "http:\t//evil.test"),
        *("https://evil\u202e.test", "ftp://evil.test", "tel:1", "ssh://evil.test", "#top", "a/b.py", "https://."),
    ],
)
def test_what_is_no_plain_address_is_no_link(address: str) -> None:
    for text in (
        f"[words]({address})",
        f"[words](<{address}>)",
        f"![words]({address})",
        f"[words]\n\n[words]: {address}",
    ):
        html = rendered(text)
        assert "<a" not in html, text
        assert "words" in html


@pytest.mark.parametrize(
    "said",
    [
        *(
            "https://a.test/b",
            "<https://a.test/b>",
            "[https://a.test/](https://a.test/b)",
            "[a.test](https://a.test/b)",
        ),
        *(
            "[https://a.test/b/](https://a.test/b)",
            "[http://a.test/b](https://a.test/b)",
            "[A.test/b](https://a.test/b)",
        ),
        "[a.test:443/b](https://a.test/b)",
    ],
)
def test_who_says_where_it_leads_is_believed(said: str) -> None:
    assert '<a href="https://a.test/b"' in rendered(said)
    assert "host" not in rendered(said)


@pytest.mark.parametrize(
    "headers",
    [
        "bcc=e@evil.test",
        "cc=e@evil.test",
        "TO=e@evil.test",
        "%62cc=e@evil.test",
        "subject=a%0ABcc:e@evil.test",
        "x=e@evil",
    ],
)
def test_a_mail_goes_to_whom_the_reader_sees_and_to_nobody_else(headers: str) -> None:
    for text in (f"?{headers}", f"?subject=Hi&{headers}&body=x%20y"):
        html = rendered(f"[words](mailto:a@bank.test{text}) [a@bank.test](mailto:a@bank.test{text})")
        assert "evil" not in html
        assert html.count('href="mailto:a@bank.test') == 2
        assert ("subject=Hi&amp;body=x%20y" in html) == ("body" in text)


# --- Whatever it is, it is shown --------------------------------------------------------------------------------------

NAMES = sorted({alias for _, aliases, _, _ in get_all_lexers() for alias in aliases} | highlight.LANGUAGES)


def test_code_of_any_language_is_shown() -> None:
    for name in NAMES:
        assert "line_one &lt; 1" in TAG.sub("", rendered(f"```{name}\nline_one < 1\n```")), name


@given(name=st.text(max_size=30), code=st.text(max_size=60))
@settings_of(max_examples=100, deadline=None)
def test_so_is_code_of_a_language_that_nobody_knows(name: str, code: str) -> None:
    assert (
        "<pre" in rendered(f"```{name.replace('`', '')}\n{code.replace('`', '')} x\n```".replace("\r", ""))
        or "\n" in name
    )


def test_every_language_that_is_named_has_its_colours() -> None:
    assert [name for name in highlight.LANGUAGES if highlight.highlight("x", name) and not highlight._lexer(name)] == []


@pytest.mark.parametrize("broken", ["markdown", "outline"])
def test_a_failure_is_told_once_and_the_text_is_shown(broken: str, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def fail(*given: object) -> None:
        raise IndexError("a rule of somebody's has a fault")

    whole = getattr(grammar, broken)()
    whole.core.ruler.push("fault", fail)
    where = (markdown, "_markdown") if broken == "markdown" else (cutting, "_outline")
    monkeypatch.setattr(*where, lambda: whole)
    monkeypatch.setattr(markdown, "_told", set())
    for number in range(3):
        html = rendered(f"**{broken} {number}** <b>\n\nmore\n")
        assert f"**{broken} {number}** &lt;b&gt;" in html
        assert '<pre class="unformatted failed" dir="auto">' in html  # it is not said to be too long
    assert len([each for each in caplog.records if "as it was written" in each.message]) == 1
