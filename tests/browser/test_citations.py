"""Sources of an answer: marks that open them, live and after a reload, on a phone, in the dark, in German."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, gated, script, send
from tests.browser.test_sizes import SIDEWAYS
from tests.knowing import know
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
FIND = Turn(tool_calls=[ScriptedCall("search_knowledge", {"query": "refund days ten"})])
TEXT = "Ten days [1], see [2] and [1].\n\n- `[1]` is code, [9] is nothing.\n\n```\n[1]\n```\n"
HOSTILE = '<img src=x onerror="alert(1)"> Terms'


def atlas(server: Server) -> tuple[Client, str]:
    """Alice, and a new project of hers."""
    alice = client(server)
    organization = alice.get("/api/projects/")["results"][0]["organization"]
    return alice, alice.post("/api/projects/", {"organization": organization, "name": f"Atlas {key()}"})["id"]


def ask(page: Page, server: Server, upstream: Upstream, turn: Turn) -> str:
    """A chat about a project that knows two documents; its id."""
    alice, project = atlas(server)
    chat = alice.chat(project=project)
    know(alice, project, title=HOSTILE, heading="Refunds", text="A refund takes ten days. " * 30)
    know(alice, project, title="Prices", heading="Euros", text="Ten euros.")
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    send(page, f"{script(upstream, FIND, turn)} What about refunds?")
    return chat


def picture(page: Page, name: str) -> None:
    """Of what it looks like, where somebody wants to see it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def check(page: Page, source: str = "Source", sources: str = "Sources") -> None:
    marks = answer(page).get_by_role("button", name=f"{source} 1: {HOSTILE}", exact=True)
    expect(marks).to_have_count(2)
    expect(marks.first).to_have_text("[1]")
    expect(answer(page).get_by_role("button", name=f"{source} 2: Prices", exact=True)).to_have_count(1)
    expect(answer(page).locator("code", has_text="[1]").first).to_be_visible()
    expect(answer(page).locator("code button, pre button")).to_have_count(0)
    expect(answer(page).locator(".text")).to_contain_text("[9] is nothing")
    expect(answer(page).get_by_role("heading", name=sources)).to_be_visible()
    items = answer(page).locator(".cited li")
    expect(items).to_have_count(2)
    expect(items.first).to_contain_text(HOSTILE)
    expect(items.first.locator("blockquote")).to_be_hidden()
    marks.first.click()
    expect(items.first.locator("blockquote")).to_be_visible()
    expect(items.first.locator("blockquote")).to_contain_text("A refund takes ten days.")
    expect(items.first.locator("summary")).to_be_focused()
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_marks_open_their_sources_live_and_after_a_reload(page: Page, server: Server, upstream: Upstream) -> None:
    gate = key()
    chat = ask(page, server, upstream, gated(gate, ["Ten days [", "1].\n\nAnd\n\n"], "so [2].\n\nEnd [1]."))
    expect(answer(page).get_by_role("button", name="Source 1", exact=False)).to_have_count(1)
    expect(answer(page).locator(".cited li")).to_have_count(1)
    answer(page).locator(".cited summary").click()
    upstream.release(gate)
    expect(answer(page).get_by_role("button", name="Source 1", exact=False)).to_have_count(2)
    expect(answer(page).locator(".cited li")).to_have_count(2)
    expect(answer(page).locator(".cited li").first.locator("blockquote")).to_be_visible()  # as the reader left it
    page.goto(f"/chats/{chat}/")
    expect(answer(page).get_by_role("button", name="Source 1", exact=False)).to_have_count(2)


def test_a_whole_answer_says_the_same_live_and_later(page: Page, server: Server, upstream: Upstream) -> None:
    ask(page, server, upstream, Turn(text=list(TEXT)))
    check(page)
    picture(page, "sources")
    page.reload()
    page.wait_for_selector("body.ready")
    check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_german(open_page: Open, server: Server, upstream: Upstream, scheme: Any) -> None:
    page, _ = open_page(server, viewport={"width": 390, "height": 844}, has_touch=True, color_scheme=scheme)
    sign_in(page)
    page.context.add_cookies([{"name": "language", "value": "de", "url": server.url}])
    alice, project = atlas(server)
    chat = alice.chat(project=project)
    know(alice, project, title=HOSTILE, heading="Erstattung", text="A refund takes ten days. " * 30)
    know(alice, project, title="Prices", heading="Euro", text="Ten euros.")
    alice.wait(alice.start(chat, f"{script(upstream, FIND, Turn(text=TEXT))} Was?")["run"]["id"])
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    check(page, "Quelle", "Quellen")
    assert page.evaluate(SIDEWAYS) == []
    picture(page, f"sources-phone-{scheme}")
