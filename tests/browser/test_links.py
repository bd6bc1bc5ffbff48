"""Links to a chat from the page: made, copied, opened by a stranger, ended. And the list of chats by task."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, send
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]


def rule(alice: Client, page: Page, links: str) -> None:
    """Of the organization of the chat that is shown."""
    chat = page.url.split("/chats/")[1].split("/")[0]
    place = alice.get(f"/api/chats/{chat}/")["organization"]
    alice.patch(f"/api/organizations/{place}/rules/", {"links": links})


def opened(page: Page) -> Locator:
    """The dialog of who sees the chat that is shown."""
    page.locator("#sharing").click()
    return page.get_by_role("dialog", name="Who sees this chat")


def test_a_link_is_made_opened_by_a_stranger_and_ended(open_page: Open, server: Server, upstream: Upstream) -> None:
    alice = client(server)
    page, _ = open_page(server)
    sign_in(page)
    send(page, f"Which door? {script(upstream, Turn(text='The **green** one.'))}")
    expect(answer(page)).to_contain_text("tokens")
    rule(alice, page, "off")
    dialog = opened(page)
    expect(dialog.get_by_role("button", name="Done")).to_be_visible()
    expect(dialog.get_by_role("button", name="Make a link")).to_have_count(0)
    dialog.get_by_role("button", name="Done").click()

    rule(alice, page, "anyone")
    dialog = opened(page)
    dialog.locator("[name=opens_to]").select_option("anyone")
    dialog.locator("[name=expires]").select_option("86400")
    dialog.get_by_role("button", name="Make a link").click()
    address = dialog.locator("#links .made input")
    expect(address).to_have_value(re.compile(r"https?://[^/]+/s/[0-9a-f]{64}/"))
    expect(dialog.locator("[data-link]")).to_contain_text("Whoever has the link reads")
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()

    assert page.context.browser is not None
    context = page.context.browser.new_context()
    stranger = context.new_page()
    broken: list[str] = []
    stranger.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    link = address.input_value()
    got = stranger.goto(link)
    assert got is not None and got.status == 200
    expect(stranger.locator("article.assistant strong")).to_have_text("green")
    expect(stranger.locator("article.user")).to_contain_text("Which door?")
    assert broken == [] and stranger.locator("script").count() == 0

    dialog.locator("[data-link]").get_by_role("button", name="End").click()
    expect(dialog.locator("[data-link]")).to_have_count(0)
    expect(address).to_be_hidden()
    got = stranger.goto(link)
    assert got is not None and got.status == 404
    expect(stranger.get_by_role("alert")).to_contain_text("It has ended")
    context.close()
    rule(alice, page, "off")


def test_the_list_shows_the_chats_of_one_task(open_page: Open, server: Server) -> None:
    alice = client(server)
    chat, other = alice.chat(title="About prices"), alice.chat(title="About doors")
    project = alice.get(f"/api/chats/{chat}/")["project"]
    task = alice.post("/api/tasks/", {"project": project, "title": f"Raise them {key()}"})
    link = "from chat.models import Chat, Task; Chat.objects.get(pk='{}').tasks.add(Task.objects.get(pk='{}'))"
    server.manage("shell", "-c", link.format(chat, task["id"]))
    page, _ = open_page(server)
    sign_in(page)
    expect(page.locator(f"#nav a[href^='/chats/{other}/']")).to_be_visible()
    page.get_by_text("By task").click()
    page.locator("#tasks select").select_option(task["id"])
    expect(page.locator("#found a")).to_have_text(["About prices"])
    expect(page.locator(f"#nav section a[href^='/chats/{other}/']")).to_be_hidden()
    page.locator("#tasks select").select_option("")
    expect(page.locator(f"#nav section a[href^='/chats/{other}/']")).to_be_visible()
