"""The code of components: right and wrong code of each kind, what models put around it, and bombs."""

import time
from itertools import islice
from typing import Any

import pytest

from tests.tools.test_parsing import Pulse
from tools.components.checking import Finding, code_of, findings_of
from tools.components.kinds import path_for
from tools.errors import PathRefused, RetryTool
from tools.parsing.css import faults_of

CARD = """import { useState } from "react";

type Props = { title: string; price?: number };

export default function Card<T extends Props>({ title, price = 0 }: T) {
  const [open, setOpen] = useState<boolean>(false);
  switch (title) { default: break; }
  return (
    <section aria-label={title} onClick={() => setOpen(!open)}>
      <h2>{title}</h2>
      {open && <p>{price.toFixed(2)} €</p>}
    </section>
  );
}
"""
PAGE = """<!doctype html>
<html lang="en">
<head><title>Hello</title><style>h1 { color: red; }</style>
<script type="application/json">{"a": }</script></head>
<body><h1>Hello</h1><br><img src="x.png" alt=""><script>const a = { b: 1 }; console.log(a?.b);</script></body>
</html>
"""
COUNTER = """<script lang="ts">
  let count: number = 0;
  export let step = 1;
</script>

{#if count > 3}<p>Many</p>{/if}
<button on:click={() => (count += step)}>{count}</button>

<style>
  button { color: rebeccapurple; }
</style>
"""
CART = '"""A cart."""\n\n\ndef total(prices: list[int]) -> int:\n    return sum(prices)\n'
NEWLINE = "\n"
# What browsers read, and a grammar of last year does not.
STYLES = [
    "@media (width >= 600px) { a { color: red } }",
    "@media (400px <= width <= 700px) { a { color: red; } }",
    "@container card (inline-size > 40ch) { a { color: red; } }",
    'a[href^="x" i] { color: red; }',
    "@keyframes k { 0% { top: 0 } 33.3% { top: 1px } }",
    "@page :first { margin: 1in; }",
    "@import url(x) layer(y);",
    "@import url(data:a;b,c{) print;",
    "a { --a:; --b: { c: d }; }",
    ":root { --a: ; --b: { c: d } }",
    "a { &:hover { color: red } > b { color: blue; } color: green }",
    'a::after { content: "}"; } /* { */ b { background: url(x;y) }',
    ".sm\\:a\\{ { color: red; }",
    "<!-- a { color: red } -->",
    "a { filter: progid:X.Y(a='1'); *zoom: 1; ; }",
    "a:is(b, c):not(d) { width: calc(1px + (2 * var(--x, {}))); }",
    "",
]
BROKEN_STYLES = [
    ("a { color: red;", "not closed"),
    ("a { color: red; }}", "`}`"),
    ("a {{ color: red; }", "`{`"),
    ("a { color red; }", "`color red`"),
    ("a { color: ; }", "`color:`"),
    ("a { width: calc(1px; }", "`}`"),
    ("a { b: [c); }", "`)`"),
    ('a { content: "x\n; }', "string"),
    ("a { color: red; /* }", "comment"),
    ("I would make it red.", "`I would"),
    ("a { color: red; } and that is it", "`and that"),
]
RIGHT = {
    "react": [CARD, "const A = () => <b/>;\nexport { A as default };\n", "export default () => null;\n"],
    "html": [
        *(PAGE, "<div>Hello</div>\n", "<p>R&D & more &nbsp;</p>", "<ul><li>One<li>Two</ul><p>One<p>Two<br>"),
        *("<button>3 < 4</button>", "<p>a < b</p>\n", "<!-- < --><p>x</p><script>if (1 < 2) f();</script>"),
        f"<style>{NEWLINE.join(STYLES)}</style>",
    ],
    "svelte": [
        *(COUNTER, "<p>Hello</p>\n", "<div {@attach foo}>x</div>", "<A {@attach (node) => { f(node) }} b={1} />"),
        f"<p>x</p><style>{NEWLINE.join(STYLES)}</style>",
    ],
    "python": [CART, "PRICE = 3\n"],
}
# The code, the line of a finding, and a piece of what it says.
WRONG = [
    ("react", CARD.replace("</h2>", ""), None, ""),
    ("react", CARD.replace("export default ", ""), 1, "export default"),
    ("react", "export function f(a) { switch (a) { default: return 1 } }\n", 1, "export default"),
    ("react", "export default function Card( {\n", None, ""),
    ("react", "Here is your component. It has a title.\n\n" + CARD, 1, ""),
    ("react", CARD + "\nThis component shows a title and its price.\n", None, ""),
    ("react", "", 1, "no code"),
    ("html", "Here is your page:\n\n" + PAGE, 1, "no code"),
    ("html", PAGE + "\nEnjoy your page!\n", 8, "ends with"),
    ("html", PAGE.replace("const a = {", "const a = = {"), 5, ""),
    ("html", PAGE.replace("color: red;", "color: : ;}}"), 3, ""),
    ("html", "<p>a <b</p>\n", 1, ""),
    ("html", "<p>a < b</p>\n<script>const a = < 1;</script>", 2, ""),
    ("svelte", "<div {@attach}>x</div>", 1, ""),
    ("svelte", "<p>x</p>\n<style>\na { b: c }\na { color red; }\n</style>", 4, "`color red`"),
    ("html", "<div><p>Not closed</p>\n", 1, "`</div>` is missing"),
    ("html", "<b>Hello</b>\n<title>Not closed\n<p>Hello</p>", 2, "`</title>` is missing"),
    ("svelte", "<main>\n  <Card><p>x</p>\n</main>", 2, "`</Card>` is missing"),
    ("html", "<p>x</p>\n</div>", 2, "</div>"),
    ("html", "<!-- nothing -->", 1, "no element"),
    ("svelte", COUNTER.replace("let count: number", "let let count: number"), 2, ""),
    ("svelte", COUNTER.replace("button {", "button {{"), None, ""),
    ("svelte", "I would use a button here.", 1, "no code"),
    ("python", "def total(:\n    pass\n", 1, "invalid syntax"),
    ("python", '"""I would write a class here."""\n', 1, "expressions"),
    ("python", "Hello\n", 1, "expressions"),
]


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in RIGHT.items() for code in codes])
async def test_right_code_is_right(kind: str, code: str) -> None:
    assert await findings_of(kind, code) == []


@pytest.mark.parametrize(("kind", "code", "line", "said"), WRONG)
async def test_wrong_code_is_told_where(kind: str, code: str, line: int | None, said: str) -> None:
    found = await findings_of(kind, code)
    assert found and len(found) <= 20
    assert said in found[0].what, found
    assert line in (None, found[0].line), found


@pytest.mark.parametrize("style", STYLES)
def test_a_right_style_is_right(style: str) -> None:
    assert list(faults_of(style.encode())) == []


@pytest.mark.parametrize(("style", "said"), BROKEN_STYLES)
def test_a_broken_style_is_told(style: str, said: str) -> None:
    assert said in next(faults_of(style.encode())).what


@pytest.mark.parametrize(
    "piece", ["url(", "a{", "-", "u", "<!--", "/*", "\\", "a:b;", "'x'", "{}", "((", "--{", "--a:{"]
)
def test_a_long_style_is_read_in_time(piece: str) -> None:
    begun = time.process_time()
    list(islice(faults_of(piece.encode() * (200_000 // len(piece))), 20))
    assert time.process_time() - begun < 2


async def test_columns_are_counted_in_characters() -> None:
    found = await findings_of("react", "const ä = 'ö'; )\nexport default ä;\n")
    assert (found[0].line, found[0].column) == (1, 16)


BOMBS = {
    "nested": ("html", "<div>" * 39_000),
    "compared": ("react", "export default " + "a<b<c<" * 20_000),
    "negated": ("python", "x = " + "-" * 195_000 + "1"),
    "brackets": ("react", "export default " + "[" * 190_000),
    "blocks": ("svelte", "{#if a}" * 27_000 + "<p>"),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_ends_in_time_and_holds_nothing(name: str) -> None:
    kind, code = BOMBS[name]
    begun = time.monotonic()
    async with Pulse() as pulse:
        found = await findings_of(kind, code)
    assert found and all(isinstance(each, Finding) for each in found)
    assert time.monotonic() - begun < 11
    assert pulse.longest_s < 0.3


async def test_what_is_too_long_is_not_parsed(settings: Any) -> None:
    settings.PARSING_AT_ONCE = 0  # no child could begin
    for code in ("x" * 1_000_000, "<div>" * 100_000):
        (found,) = await findings_of("html", code)
        assert "at most 200,000" in found.what


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = 1", "a = 1\n"),
        ("\n\n  a = 1\n\n", "a = 1\n"),
        ("```python\na = 1\n```", "a = 1\n"),
        ("```\na = 1\n```\n", "a = 1\n"),
        ("~~~~ts\na = `\n~~~\n`\n~~~~", "a = `\n~~~\n`\n"),
        ("```jsx\na\n```\nand\n```css\nb\n```", "```jsx\na\n```\nand\n```css\nb\n```\n"),
        ("Here:\n```python\na = 1\n```", "Here:\n```python\na = 1\n```\n"),
        ("```python\na = 1", "```python\na = 1\n"),
        ("```python\n```", ""),
        ("   \n", ""),
        ("", ""),
    ],
)
def test_one_fence_around_all_of_it_is_taken_off(text: str, code: str) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("name", "kind", "path", "where"),
    [
        ("PriceCard", "react", "", "components/PriceCard.tsx"),
        ("cart", "python", "", "components/cart.py"),
        ("Card", "react", "src/./ui/Card.jsx", "src/ui/Card.jsx"),
        ("Card", "svelte", " ui/Card.svelte ", "ui/Card.svelte"),
    ],
)
def test_a_component_has_its_place(name: str, kind: str, path: str, where: str) -> None:
    assert path_for(name, kind, path) == where


@pytest.mark.parametrize(
    ("name", "kind", "path", "said"),
    [
        ("price card", "react", "", "name"),
        ("", "react", "", "name"),
        ("../x", "react", "", "name"),
        ("Card", "react", "Card.py", ".tsx or .jsx"),
        ("Card", "react", "../Card.tsx", "path"),
        ("Card", "html", ".git/x.html", "path"),
        ("Card", "html", "folder/", "path"),
    ],
)
def test_a_place_that_is_none_is_refused(name: str, kind: str, path: str, said: str) -> None:
    with pytest.raises((RetryTool, PathRefused), match=said):
        path_for(name, kind, path)
