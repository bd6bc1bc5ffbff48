"""What people say of messages on the page: ratings with reasons, reactions, annotations; the other one sees it live."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import Open, answer, enter, script, send
from tests.doors.people import newcomer
from tests.live import OWNER, Server
from tests.streams import client
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
TEXT = "Ask for the **green** door. 🚀 Then knock."


def come(open_page: Open, server: Server, email: str, chat: str) -> Page:
    page, watch = open_page(server)
    watch.allowed = ("WebSocket",)  # one that is left while it opens
    enter(page, "/login/", email)
    page.wait_for_selector("body.ready")
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    return page


def rating(page: Page, name: str) -> Locator:
    return answer(page).get_by_role("button", name=re.compile(f"^{name}"))


def choose(page: Page, name: str) -> None:
    answer(page).hover()
    answer(page).locator("details.more > summary").click()
    answer(page).get_by_role("button", name=name).click()


def test_two_people_say_what_they_think_of_an_answer(server: Server, upstream: Upstream, open_page: Open) -> None:
    alice = client(server)
    place = alice.get("/api/organizations/")["results"][0]["name"]
    bob = newcomer(server, organization=place, role="editor")
    chat = alice.chat(sharing="project", project_access="write")
    first = come(open_page, server, OWNER, chat)
    send(first, f"Hello {script(upstream, Turn(text=TEXT))}")
    expect(answer(first)).to_contain_text("tokens")
    second = come(open_page, server, bob.get("/api/users/me/")["email"], chat)

    # A bad one is asked for reasons, and may be said to be good after all.
    rating(first, "Bad answer").click()
    expect(first.get_by_role("group", name="What was wrong with it?")).to_be_visible()
    first.get_by_label("Too slow").check()
    first.get_by_label("In your own words").fill("Rather.")
    answer(first).get_by_role("button", name="Send").click()
    expect(first.locator(".said-form")).to_have_count(0)
    expect(rating(first, "Bad answer")).to_have_attribute("aria-pressed", "true")
    expect(rating(second, "Bad answer")).to_contain_text("1")
    expect(rating(second, "Bad answer")).to_have_attribute("aria-pressed", "false")
    message = alice.get(f"/api/chats/{chat}/messages/")["results"][1]
    assert message["feedback"]["mine"] == {"rating": "down", "reasons": ["slow"], "comment": "Rather."}
    second.get_by_role("log").focus()  # and no letter of a text
    second.keyboard.press("g")
    expect(rating(first, "Good answer")).to_contain_text("1")
    expect(rating(second, "Good answer")).to_have_attribute("aria-pressed", "true")

    # An emoji, put on by one and joined by the other.
    choose(first, "React")
    first.keyboard.press("Escape")
    expect(first.locator(".said-form")).to_have_count(0)
    choose(first, "React")
    first.get_by_role("group", name="React").get_by_role("button", name="🚀").click()
    chip = answer(second).get_by_role("button", name="🚀 1")
    chip.click()
    expect(answer(first).get_by_role("button", name="🚀 2")).to_have_attribute("aria-pressed", "true")
    answer(first).get_by_role("button", name="🚀 2").click()
    expect(answer(second).get_by_role("button", name="🚀 1")).to_have_attribute("aria-pressed", "true")

    # A note on words that stand between Markdown's marks.
    choose(second, "Annotate")
    second.get_by_label("Passage").fill("no such words")
    second.get_by_label("Your note").fill("Which one is it?")
    answer(second).get_by_role("button", name="Send").click()
    told = "These words are not in the message, one after the other."
    expect(second.locator("[name=quote]")).to_have_js_property("validationMessage", told)
    second.get_by_label("Passage").fill("the green door")
    answer(second).get_by_role("button", name="Send").click()
    answer(first).get_by_role("button", name="1 annotation").click()
    expect(answer(first).locator(".notes")).to_contain_text("Which one is it?")
    expect(answer(first).locator(".notes blockquote")).to_have_text("the **green** door")
    expect(answer(first).locator(".notes [data-action=remove-note]")).to_be_hidden()

    # All of it is there when the page is read anew; and what one takes back is gone.
    second.reload()
    expect(rating(second, "Good answer")).to_have_attribute("aria-pressed", "true")
    rating(second, "Good answer").click()
    expect(rating(first, "Good answer")).not_to_contain_text("1")
    answer(second).get_by_role("button", name="1 annotation").click()
    delete = answer(second).locator(".notes [data-action=remove-note]")
    delete.click()
    second.wait_for_timeout(500)  # a second press at once is the half of a double click
    delete.click()
    expect(answer(first).locator(".notes")).to_have_count(0)
