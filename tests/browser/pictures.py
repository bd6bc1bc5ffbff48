"""Pictures of the page for README and docs, and more of them to be looked at.

python -m tests.browser.pictures            writes those of docs/images again
python -m tests.browser.pictures FOLDER     writes every scene there: wide, tablet and phone, light and dark
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests import environment
from tests.browser.conftest import PROGRAMS
from tests.browser.steps import answer, box, enter
from tests.environment import ROOT
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

IMAGES = ROOT / "docs" / "images"
SIZES = {"wide": (1440, 900), "tablet": (834, 1112), "phone": (390, 844)}
SCHEMES = ("light", "dark")
# Those that the documentation shows: size, scheme, scene.
SHOWN = {
    ("wide", "light", "writing"): "page",
    ("wide", "dark", "versions"): "page-dark",
    ("phone", "light", "card"): "page-phone",
    ("tablet", "light", "sign-in"): "page-sign-in",
    ("tablet", "light", "empty"): "page-empty",
    ("tablet", "light", "error"): "page-error",
}

QUESTION = "What does a birthday order of 12 coffees and 3 cakes cost, and can we take a discount off it?"
CODE = '''def total(order: dict[str, int], discount: float = 0.0) -> int:
    """The sum of an order in cents; `discount` is a share, from 0 to 1."""
    if not 0 <= discount <= 1:
        raise ValueError(f"a discount is from 0 to 1, not {discount}")
    whole = sum(PRICES[name] * count for name, count in order.items())
    return round(whole * (1 - discount))
'''
TEXT = f"""It costs **45.30 €**: 12 coffees at 2.80 € and 3 cakes at 3.90 €.

| | each | count | together |
|---|---|---|---|
| coffee | 2.80 € | 12 | 33.60 € |
| cake | 3.90 € | 3 | 11.70 € |

`total()` in `src/prices.py` knows no discount yet. This is the smallest change that adds one:

```python
{CODE}```

With ten per cent off, `total({{"coffee": 12, "cake": 3}}, discount=0.1)` is 4077. Callers that name no
discount pay what they paid before. Shall I write it, and a test for the odd cents?
"""
LOOK = Turn(
    reasoning="Prices are somewhere in the project: look for them, then read the file that has them.",
    tool_calls=[
        ScriptedCall("search_project_files", {"query": "PRICES"}),
        ScriptedCall("read_file", {"path": "src/prices.py"}),
    ],
)
LONG = (
    "Here is the whole table:\n\n```python\n"
    + "".join(f'PRICES["item {n}"] = {n * 10}  # in cents\n' for n in range(60))
    + "```\n"
)


def pieces(text: str, size: int = 24) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def asked(page: Page, upstream: Upstream, *turns: Turn, question: str = QUESTION) -> None:
    upstream.script(*turns)
    box(page).fill(question)
    page.get_by_role("button", name="Send").click()  # on a phone Enter breaks the line


def done(page: Page) -> None:
    expect(answer(page)).to_contain_text("tokens")


def empty(page: Page, upstream: Upstream) -> None:
    expect(box(page)).to_be_focused()


def writing(page: Page, upstream: Upstream) -> None:
    said = pieces(TEXT)
    gate = uuid4().hex
    asked(page, upstream, LOOK, Turn(text=said, gate=gate, gate_at=len(said) - 6))
    expect(answer(page)).to_contain_text("With ten per cent off")
    page.mouse.move(0, 0)


def card(page: Page, upstream: Upstream) -> None:
    asked(page, upstream, LOOK, Turn(text=TEXT))
    done(page)
    answer(page).get_by_text("read_file").click()
    answer(page).get_by_text("read_file").scroll_into_view_if_needed()


def code(page: Page, upstream: Upstream) -> None:
    asked(page, upstream, Turn(text=LONG), question="Show me all prices")
    done(page)


def error(page: Page, upstream: Upstream) -> None:
    asked(page, upstream, LOOK, Turn(fault="401"))
    expect(answer(page)).to_contain_text("credentials")


def folded(page: Page, upstream: Upstream) -> None:
    calls = [ScriptedCall("read_file", {"path": path}) for path in ("README.md", "docs/opening-hours.md", "none.md")]
    asked(page, upstream, Turn(tool_calls=calls), Turn(text="Read, all but one."), question="Read everything")
    done(page)
    answer(page).get_by_text("Used 3 tools").click()


def versions(page: Page, upstream: Upstream) -> None:
    asked(page, upstream, LOOK, Turn(text="It costs 45.30 €."))
    done(page)
    upstream.script(LOOK, Turn(text=TEXT))
    answer(page).get_by_role("button", name="Regenerate").click()
    expect(answer(page)).to_contain_text("2 of 2")
    answer(page).hover()


def people(page: Page, upstream: Upstream) -> None:
    asked(page, upstream, Turn(text="It costs **45.30 €**."))
    done(page)
    page.locator("#sharing").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def keys(page: Page, upstream: Upstream) -> None:
    page.get_by_role("log").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def commands(page: Page, upstream: Upstream) -> None:
    page.get_by_label("Attach files").set_input_files(
        [{"name": "orders.csv", "mimeType": "text/csv", "buffer": b"a,1\n" * 900}]
    )
    box(page).press_sequentially("/")
    expect(page.get_by_role("listbox", name="Commands")).to_be_visible()


SCENES = {each.__name__: each for each in (empty, writing, card, code, error, folded, versions, people, keys, commands)}


def chromium(playwright: Playwright) -> Browser:
    """The browser, without a window."""
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    return playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


@contextmanager
def installation() -> Iterator[tuple[Browser, Server, Upstream]]:
    """A browser, a server with two people, and the upstream that answers for its model."""
    upstream = Upstream().start()
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none").start()
    token = server.token()
    server.call("PATCH", "/api/users/me/", {"name": "Alice Moreau"}, token=token)
    server.quickly("create_user", "bob@example.com", "--organization", "First organization", "--role", "editor")
    with sync_playwright() as playwright:
        yield chromium(playwright), server, upstream
    server.close()
    upstream.close()
    environment.clean()


def take(browser: Browser, server: Server, upstream: Upstream, size: str, scheme: str, scene: str, path: Path) -> None:
    """One picture of one scene."""
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    context = browser.new_context(
        base_url=server.url,
        viewport=viewport,
        color_scheme=scheme,
        has_touch=size == "phone",
        locale="en-GB",  # type: ignore[arg-type]
    )
    page = context.new_page()
    if scene == "sign-in":
        page.goto("/login/")
    else:
        enter(page, "/")
        page.wait_for_selector("body.ready")
        SCENES[scene](page, upstream)
    page.wait_for_timeout(500)  # fonts, transitions, the shortest time of a state
    page.screenshot(path=path)
    upstream.reset()
    context.close()


def main(folder: str = "") -> None:
    with installation() as (browser, server, upstream):
        if not folder:
            for (size, scheme, scene), name in SHOWN.items():
                take(browser, server, upstream, size, scheme, scene, IMAGES / f"{name}.png")
            return
        for size in SIZES:
            for scheme in SCHEMES:
                for scene in ("sign-in", *SCENES):
                    take(browser, server, upstream, size, scheme, scene, Path(folder) / f"{scene}-{size}-{scheme}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
