"""The line over the composer that says at which step of its workflow a chat is: while one reads, and later."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.steps import Open, answer, script
from tests.browser.test_german import german
from tests.browser.test_sizes import OFF_SCREEN, SIDEWAYS
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 720}
LONG = "Donaudampfschifffahrtsgesellschaftskapitän und Reiseversicherung"
OF = {"workflow": "w", "name": "Booking", "steps": 5}
DATES = {"type": "workflow.changed", **OF, "step": "Dates", "step_id": "dates", "index": 2, "steps_done": 1}
PAYMENT = {"type": "workflow.changed", **OF, "step": LONG, "step_id": "pay", "index": 3, "steps_done": 2}
OVER = {"type": "workflow.completed", "workflow": "w", "name": "Booking"}
# Before the last event of the chat's newest run.
STORED = """
import json
from chat.models import Run, RunEvent
run = Run.objects.filter(chat={chat!r}).order_by("-position").first()
row = RunEvent.objects.filter(run=run).order_by("-last_seq").first()
events = json.loads(row.events)
events.insert(-1, {event!r} | {{"at": events[-1]["at"]}})
row.events, row.last_seq = json.dumps(events, separators=(",", ":")), row.last_seq + 1
row.save()
"""


def told(page: Page, *events: dict[str, Any]) -> None:
    """The answers that are watched from now on have these events behind their first text."""

    def more(route: Route) -> None:
        reply = route.fetch()
        frames = reply.text().split("\n\n")
        at = next(number for number, each in enumerate(frames) if '"type":"text.delta"' in each)
        text = json.loads(frames[at].split("data: ", 1)[1])
        place = {"run": text["run"], "attempt": text["attempt"]}
        numbered = [{**each, **place, "seq": text["seq"] + part / 100} for part, each in enumerate(events, 1)]
        made = [f"data: {json.dumps(each)}" for each in numbered]
        route.fulfill(response=reply, body="\n\n".join([*frames[: at + 1], *made, *frames[at + 1 :]]))

    page.unroute_all(behavior="wait")
    page.route("**/api/runs/*/events*", more)


def line(page: Page) -> Any:
    return page.locator("#workflow")


def picture(page: Page, name: str) -> None:
    """Of what it looks like, where somebody wants to see it."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def ask(page: Page, upstream: Upstream) -> None:
    page.locator("#text").fill(f"Next {script(upstream, Turn(text='Which days suit you?'))}")
    page.locator("#text").press("Enter")
    expect(answer(page)).to_contain_text("Which days suit you?")


def test_the_step_is_said_as_it_changes_and_goes_with_the_workflow(page: Page, upstream: Upstream) -> None:
    expect(line(page)).to_be_hidden()
    told(page, DATES)
    ask(page, upstream)
    expect(line(page)).to_have_text("Step 2 of 5: Dates")
    picture(page, "workflow")
    told(page, DATES, PAYMENT)
    ask(page, upstream)
    expect(line(page)).to_have_text(f"Step 3 of 5: {LONG}")
    page.set_viewport_size(PHONE)
    assert page.evaluate(SIDEWAYS) == [] and page.evaluate(OFF_SCREEN) == []
    page.emulate_media(color_scheme="dark")
    picture(page, "workflow-phone")
    told(page, OVER)
    ask(page, upstream)
    expect(line(page)).to_be_hidden()


def test_the_stored_step_is_said_when_the_chat_is_opened_in_german_too(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    page, _ = german(open_page, server, viewport=WIDE)
    ask(page, upstream)
    expect(answer(page).locator(".end")).to_contain_text("Token")
    chat = page.url.rstrip("/").rsplit("/", 1)[-1]
    server.manage("shell", "-c", STORED.format(chat=chat, event=DATES))
    page.reload()
    expect(line(page)).to_have_text("Schritt 2 von 5: Dates")
    picture(page, "workflow-german")
