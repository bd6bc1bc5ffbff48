"""The line over the composer that says at which step of its workflow a chat is: while one reads, and later."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import Open, answer, script
from tests.browser.test_german import german
from tests.browser.test_sizes import OFF_SCREEN, SIDEWAYS
from tests.live import Server
from tests.streams import client
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
PHONE = {"width": 390, "height": 844}
LONG = "Donaudampfschifffahrtsgesellschaftskapitän und Reiseversicherung"


def step(id: str, name: str, to: str) -> dict[str, Any]:
    return {"id": id, "name": name, "prompt": "Ask.", "next": [{"to": to}]}


STEPS = [step("dates", "Dates", "pay"), step("pay", LONG, "end")]


def booking(server: Server) -> str:
    """A new chat that goes through two steps."""
    alice = client(server)
    project = alice.get("/api/projects/")["results"][0]["id"]
    made = alice.post("/api/workflows/", {"project": project, "name": "Booking", "definition": {"steps": STEPS}})
    alice.post(f"/api/workflows/{made['id']}/publish", {})
    return alice.chat(workflow=made["id"])


def line(page: Page) -> Locator:
    return page.locator("#workflow")


def picture(page: Page, name: str) -> None:
    """Of what it looks like, where somebody wants to see it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def ask(page: Page, upstream: Upstream) -> None:
    page.locator("#text").fill(f"Next {script(upstream, Turn(text='Which days suit you?'))}")
    page.locator("#text").press("Enter")
    expect(answer(page)).to_contain_text("Which days suit you?")


def test_the_step_is_said_as_it_changes_and_goes_with_the_workflow(
    page: Page, server: Server, upstream: Upstream
) -> None:
    expect(line(page)).to_be_hidden()
    page.goto(f"/chats/{booking(server)}/")
    page.wait_for_selector("body.ready")
    expect(line(page)).to_have_text("Step 1 of 2: Dates")
    picture(page, "workflow")
    ask(page, upstream)
    expect(line(page)).to_have_text(f"Step 2 of 2: {LONG}")
    page.set_viewport_size(PHONE)
    assert page.evaluate(SIDEWAYS) == [] and page.evaluate(OFF_SCREEN) == []
    page.emulate_media(color_scheme="dark")
    picture(page, "workflow-phone")
    ask(page, upstream)
    expect(line(page)).to_be_hidden()
    page.reload()
    expect(answer(page)).to_contain_text("Which days suit you?")
    expect(line(page)).to_be_hidden()


def test_the_step_is_said_in_german_too(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = german(open_page, server)
    page.goto(f"/chats/{booking(server)}/")
    page.wait_for_selector("body.ready")
    expect(line(page)).to_have_text("Schritt 1 von 2: Dates")
    ask(page, upstream)
    expect(line(page)).to_have_text(f"Schritt 2 von 2: {LONG}")
    picture(page, "workflow-german")
