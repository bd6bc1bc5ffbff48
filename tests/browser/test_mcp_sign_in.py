"""Signing in at an MCP server in a browser: from the server's page, and from the card of a call that waits for it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import Open, answer, enter, script, send, submit
from tests.browser.test_axe import VIEWS, looking
from tests.browser.test_mcp_page import keep, new_project
from tests.browser.test_sizes import SIDEWAYS
from tests.live import Server
from tests.mcp_shop import shop
from tests.streams import client
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.live, pytest.mark.browser]


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with shop() as host:
        yield host


@pytest.fixture(scope="module")
def parley(host: str, upstream: Upstream) -> Iterator[Server]:
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OUTWARD_ALLOW=host)
    yield server.start()
    server.close()


@pytest.mark.parametrize("view", ["light", "dark phone"])
def test_one_signs_in_on_the_page_and_from_a_chat_that_waits(
    open_page: Open, parley: Server, host: str, upstream: Upstream, view: str
) -> None:
    project = new_project(parley)
    page, watch = open_page(parley, **VIEWS[view])
    watch.allowed = (host,)  # one is sent there
    enter(page, f"/projects/{project}/mcp-servers/")
    with looking(page) as look:

        def shown(page: Page, name: str) -> None:
            assert not page.evaluate(SIDEWAYS), name
            look.at(name)
            keep(page, f"{view}-{name}")

        page.get_by_label("Name").fill("shop")
        page.get_by_label("Address, with https://").fill(f"http://{host}/mcp")
        page.get_by_label("Everybody signs in there themselves").check()
        shown(page, "adding")
        page.get_by_role("button", name="Add the server").click()
        expect(page.locator("main")).to_contain_text("You are not signed in there.")
        page.get_by_role("button", name="Ask for its tools").click()
        expect(page.locator("main")).to_contain_text("Sign in at the server first")
        shown(page, "wanted")
        page.get_by_role("link", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in at shop")
        shown(page, "sign-in")
        page.get_by_role("link", name="Go to 127.0.0.1").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed in at shop")
        shown(page, "signed-in")
        page.goto(f"/projects/{project}/mcp-servers/")
        page.get_by_role("link", name="shop", exact=True).click()
        page.get_by_role("button", name="Ask for its tools").click()
        page.get_by_role("link", name="Who").click()
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("link", name="Tools of shop").click()
        expect(page.locator("main")).to_contain_text("You are signed in there since")
        page.get_by_role("link", name="Sign out there").click()
        page.get_by_role("button", name="Sign out there").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in at shop")

    chat = client(parley).chat(project=project)
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    press = submit if "phone" in view else send
    press(page, f"Who am I? {script(upstream, Turn(tool_calls=[ScriptedCall('mcp_shop_who', {})]), Turn(text='So.'))}")
    answer(page).get_by_role("button", name="Allow once").click()
    form = answer(page).locator(".form")
    expect(form).to_contain_text("Sign in at 127.0.0.1 (shop) first: this tool acts as you there.")
    keep(page, f"{view}-asked")
    with page.expect_popup() as opened:
        form.get_by_role("link").click()
    there = opened.value
    there.get_by_role("link", name="Go to 127.0.0.1").click()
    expect(there.get_by_role("heading", level=1)).to_have_text("You are signed in at shop")
    there.close()
    answer(page).get_by_role("button", name="It is done").click()
    expect(answer(page)).to_contain_text("So.")
    keep(page, f"{view}-done")
