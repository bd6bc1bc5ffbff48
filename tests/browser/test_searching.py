"""Ctrl+K: titles and what was said, with marks that are no markup, and the way to a message that is far up."""

import re
import time
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, send
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
LONG = """
from accounts.models import User
from chat.models import Chat, Message
user = User.objects.get(email="alice@example.com")
place = user.memberships.first().organization
title = "A long one %(mark)s"
chat = Chat.objects.create(user=user, organization=place, title=title, model="m", archetype="generalist")
last = None
for number in range(400):
    text = "<b>Deep %(mark)s</b> & *far* up" if number == 3 else f"Line {number}"
    last = Message.objects.create(chat=chat, parent=last, position=number + 1, role="user", author=user, content=text)
Chat.objects.filter(pk=chat.pk).update(leaf=last, position=400)
"""


def wait_for(page: Page, text: str, count: int) -> None:
    """Until so many messages are found by it: a chore indexes them."""
    end = time.monotonic() + 15
    while len(page.request.get("/api/search/", params={"q": text}).json()["results"]) != count:
        assert time.monotonic() < end, f"{text} is not found"
        page.wait_for_timeout(200)


def wait_for_title(page: Page, text: str) -> None:
    """Until a chat is found by it: its title is made after the answer."""
    end = time.monotonic() + 15
    while not page.request.get("/api/chats/", params={"search": text}).json()["results"]:
        assert time.monotonic() < end, f"no chat has {text} in its title"
        page.wait_for_timeout(200)


def look_for(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("searchbox").fill(text)


def test_what_was_said_is_found_marked_and_opened_where_it_stands(page: Page, server: Server) -> None:
    mark = uuid4().hex
    server.quickly("shell", "-c", LONG % {"mark": mark})
    wait_for(page, f"deep {mark}", 1)
    look_for(page, f"deep {mark}")
    hit = page.locator("#said a")
    expect(hit).to_have_count(1)
    expect(hit.locator("mark")).to_have_text(["Deep", mark])
    expect(hit).to_contain_text(f"<b>Deep {mark}</b> & *far* up")
    expect(hit).to_contain_text("A long one")
    expect(page.locator("#found a")).to_have_count(0)
    hit.click()
    page.wait_for_selector("body.ready")
    there = page.get_by_role("article").filter(has_text=f"Deep {mark}")
    expect(there).to_be_in_viewport()
    expect(there).to_be_focused()
    expect(page.get_by_text("Line 399")).to_have_count(0)  # the end is not on the page
    page.goto(page.url.split("#")[0])
    expect(page.get_by_text("Line 399")).to_be_in_viewport()


def test_titles_and_messages_come_together_and_more_on_demand(page: Page, server: Server, upstream: Upstream) -> None:
    mark = uuid4().hex
    send(page, f"{mark} begins {script(upstream, Turn(text=f'Answer {mark}'))}")
    expect(answer(page)).to_contain_text("tokens")
    for number in range(24):
        page.request.post(
            f"/api/chats/{page.url.split('/')[-2]}/messages/",
            data={"content": f"{mark} {number}"},
            headers={"X-CSRFToken": page.evaluate("document.cookie.match(/csrftoken=(\\w+)/)?.[1] ?? ''")},
        )
    wait_for(page, f"{mark} 23", 1)
    wait_for_title(page, mark)
    look_for(page, mark)
    expect(page.locator("#found a")).to_have_count(1)
    expect(page.locator("#said li")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#said li")).to_have_count(26)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    look_for(page, f"{mark} nowhere")
    expect(page.locator("#search-told")).to_have_text("Nothing was found.")
    look_for(page, "")
    expect(page.locator("#said")).to_be_hidden()
    expect(page.locator("#nav section li a").first).to_be_visible()


def test_where_messages_are_not_searched_titles_are(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, watch = open_page(server)
    watch.allowed = ("403",)
    sign_in(page)
    mark = uuid4().hex
    send(page, f"{mark} begins {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    wait_for_title(page, mark)
    refused = {"error": {"code": "plan_feature", "message": "No.", "fields": {}}}
    page.route(re.compile("/api/search/"), lambda route: route.fulfill(status=403, json=refused))
    look_for(page, mark)
    expect(page.locator("#found a")).to_have_count(1)
    expect(page.locator("#said li")).to_have_count(0)
    page.unroute(re.compile("/api/search/"))
    page.route(
        re.compile("/api/search/"),
        lambda route: route.fulfill(json={"results": [], "chats": [], "next": None, "is_partial": True}),
    )
    look_for(page, f"{mark} too")
    expect(page.locator("#search-told")).to_contain_text("not all was looked through")
