"""A component that is built beside the chat, as its card shows it, in a real Chromium."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import answer, send
from tests.streams import key
from tests.tools.test_component_code import CARD
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]


def begin(page: Page, upstream: Upstream, *turns: Turn) -> None:
    """An answer begins a build whose builder says this."""
    own, mark = key(), key()
    given = {"name": "Card", "kind": "react", "description": f"A card. [[key={own}]]"}
    upstream.script(*turns, key=own)
    calls = [ScriptedCall("generate_component", given)]
    upstream.script(Turn(tool_calls=calls), Turn(text="It is being built."), key=mark)
    send(page, f"[[key={mark}]] build me a card")
    expect(answer(page)).to_contain_text("It is being built.")


def picture(page: Page, name: str) -> None:
    """Of what it looks like, where somebody wants to see it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
        page.set_viewport_size({"width": 390, "height": 800})
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=str(Path(folder) / f"{name}-phone.png"))
        page.set_viewport_size({"width": 1280, "height": 720})
        page.emulate_media(color_scheme="light")


def test_a_build_is_watched_and_its_code_read_copied_and_kept(page: Page, upstream: Upstream) -> None:
    gate = key()
    broken = Turn(text=CARD.replace("</h2>", ""))
    begin(page, upstream, broken, broken, Turn(text=list(CARD), gate=gate, gate_at=20))
    card = page.locator(".build")
    expect(card).to_contain_text("Card.tsx is being built: attempt 3 of 3.")
    picture(page, "building")
    upstream.release(gate)
    expect(card).to_contain_text("Card.tsx is built.")
    card.get_by_role("button", name="Show code").click()
    expect(card.locator("pre")).to_have_text(CARD)
    expect(card.locator("pre span").first).to_be_visible()
    picture(page, "built")
    card.get_by_role("button", name="Copy code").click()
    expect(card.locator(".bar")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == CARD
    with page.expect_download() as download:
        card.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "Card.tsx"
    assert Path(download.value.path()).read_text() == CARD
    card.get_by_role("button", name="Hide code").click()
    expect(card.locator("pre")).to_be_hidden()


def test_a_build_is_stopped_and_one_that_fails_says_why(page: Page, upstream: Upstream) -> None:
    gate = key()
    begin(page, upstream, Turn(text=list(CARD), gate=gate, gate_at=20))
    card = page.locator(".build")
    expect(card).to_contain_text("Card.tsx is being built.")
    card.get_by_role("button", name="Stop").click()
    expect(card).to_contain_text("Building Card.tsx was stopped. Nothing was written.")
    expect(card.get_by_role("button")).to_have_count(0)
    begin(page, upstream, *[Turn(text="I would rather talk.")] * 3)
    card = page.locator(".build").last
    expect(card).to_contain_text("Card.tsx was not built.")
    expect(card).to_contain_text("The code was not right in 3 attempts. Line 1")
    picture(page, "failed")
