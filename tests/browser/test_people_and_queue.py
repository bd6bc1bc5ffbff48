"""Two people in one chat, and what is sent while the server cannot be reached, in a real Chromium."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch, sign_in
from tests.browser.steps import answer, box, script, send, state
from tests.doors.cutting import Tunnel
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]


def bob(server: Server) -> str:
    """Somebody else in the same organization, with a name of his own."""
    email = f"bob-{uuid.uuid4().hex[:8]}@example.com"
    organization = server.call("GET", "/api/organizations/", token=server.token()).body["results"][0]["name"]
    arguments = ("--role", "editor", "--organization", organization)
    server.quickly("create_user", email, *arguments)
    return email


@pytest.mark.smoke
def test_another_persons_message_and_answer_appear_live(
    page: Page, open_page: Open, server: Server, upstream: Upstream
) -> None:
    email = bob(server)
    send(page, f"Hello {script(upstream, Turn(text='Good day.'))}")
    expect(answer(page)).to_contain_text("tokens")
    page.get_by_role("button", name="Private").click()
    page.get_by_label("Person", exact=True).select_option(label=email.split("@")[0])
    page.get_by_label("What this person may do").select_option("write")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_contain_text("may write")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#sharing")).to_contain_text("bob-")

    other, watch = open_page(server)
    watch.allowed = ("404", "WebSocket")
    sign_in(other, email)
    other.goto(page.url)
    expect(answer(other)).to_contain_text("Good day.")
    expect(page.locator("#people")).to_contain_text("2 people")
    box(other).press_sequentially("Hi")
    expect(state(page)).to_contain_text("is writing")
    box(other).fill(f"And from me {script(upstream, Turn(text='To both of you.'))}")
    box(other).press("Enter")
    expect(page.get_by_role("article").nth(2)).to_contain_text("And from me")
    expect(answer(page)).to_contain_text("To both of you.")
    expect(page.get_by_role("article")).to_have_count(4)
    expect(other.get_by_role("article")).to_have_count(4)

    box(other).fill("what I was about to say")
    page.get_by_role("button", name="Rename or delete this chat").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(state(other)).to_contain_text("was deleted by")
    expect(box(other)).to_have_value("what I was about to say")
    expect(other.get_by_role("button", name="Send")).to_be_disabled()


@pytest.mark.smoke
def test_what_is_sent_while_offline_waits_survives_a_reload_and_is_stored_once(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    page, watch = open_page(server)
    watch.allowed = ("net::ERR_INTERNET_DISCONNECTED", "WebSocket")  # the test cuts the network
    sign_in(page)
    send(page, f"First {script(upstream, Turn(text='One.'))}")
    expect(answer(page)).to_contain_text("tokens")
    page.context.set_offline(True)
    send(page, f"Second {script(upstream, Turn(text='Two.'))}")
    send(page, "never to be sent")
    expect(state(page)).to_contain_text("You are offline. 2 messages wait.")
    page.get_by_role("article").last.get_by_role("button", name="Cancel").click()
    expect(state(page)).to_contain_text("You are offline. 1 message waits.")
    box(page).fill("a draft")
    page.wait_for_timeout(400)  # a draft is kept 300 ms after the last key
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_role("article").nth(2)).to_contain_text("Second")
    expect(answer(page)).to_contain_text("Two.")
    expect(box(page)).to_have_value("a draft")
    page.reload()
    expect(page.get_by_role("article")).to_have_count(4)


def test_an_answer_goes_on_when_the_network_comes_back_in_the_middle(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    gate = uuid.uuid4().hex
    with Tunnel(server.url) as tunnel:
        page, watch = open_page(server)
        watch.url, watch.allowed = tunnel.url, ("net::ERR_", "WebSocket", "403")
        page.goto(f"{tunnel.url}/login/")
        page.get_by_label("E-mail").fill(OWNER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("body.ready")
        send(page, f"Tell me {script(upstream, Turn(text=['half ', 'of ', 'it'], gate=gate, gate_at=3))}")
        expect(answer(page)).to_contain_text("half of")
        tunnel.cut()
        upstream.release(gate)
        expect(answer(page)).to_contain_text("half of it")
        expect(answer(page)).to_contain_text("tokens")
        page.goto("about:blank")


def test_a_double_click_sends_once(page: Page, upstream: Upstream) -> None:
    box(page).fill(f"Once {script(upstream, Turn(text='Yes.'))}")
    page.get_by_role("button", name="Send").dblclick()
    expect(answer(page)).to_contain_text("tokens")
    expect(page.get_by_role("article")).to_have_count(2)


def test_the_page_speaks_german(open_page: Open, server: Server) -> None:
    page, _ = open_page(server, locale="de-DE")
    page.goto("/login/")
    expect(page.get_by_role("button", name="Anmelden")).to_be_visible()


def test_a_german_page_says_exactly_why_an_answer_ended(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server)
    sign_in(page)
    page.context.add_cookies([{"name": "language", "value": "de", "url": server.url}])
    page.goto("/")
    text = page.locator("#text")
    text.fill(f"Eins {script(upstream, Turn(text='Halb', finish_reason='length'))}")
    text.press("Enter")
    expect(answer(page)).to_contain_text("Die Antwort wurde abgeschnitten")
    text.fill(f"Zwei {script(upstream, Turn(fault='html'))}")
    text.press("Enter")
    expect(answer(page)).to_contain_text("Der Modellanbieter hat mit einer Webseite geantwortet.")
