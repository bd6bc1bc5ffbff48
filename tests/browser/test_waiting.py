"""A first message that cannot be sent yet: it says until when it waits, goes by itself, and comes back whole."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, script, send, state
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
FIRST = "**/api/chats/runs"
TEXT = "  my question\n\n\twith lines  "
FILE: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"A."}
UNTIL = re.compile(r"^(Waits\. Next try in \d+ s|Trying again)")


def too_many(route: Route, *, wait_s: int = 50) -> None:
    error = {"code": "too_many_runs", "message": "Too many.", "fields": {}}
    route.fulfill(status=429, headers={"Retry-After": str(wait_s)}, json={"error": error})


def failing(route: Route) -> None:
    route.fulfill(status=503, json={"error": {"code": "unavailable", "message": "No.", "fields": {}}})


# How it fails, and what its bubble says meanwhile.
CAUSES: dict[str, tuple[Callable[[Route], None] | None, re.Pattern[str]]] = {
    "too many": (too_many, re.compile(r"^Waits\. Next try in (50|4\d) s")),
    "no server": (lambda route: route.abort(), UNTIL),
    "no database": (failing, UNTIL),
    "no network": (None, re.compile("^Waits for the network")),
}


@pytest.fixture
def own(open_page: Open, server: Server) -> Page:
    return entered(open_page, server)


def entered(open_page: Open, server: Server, way: Way = "mouse") -> Page:
    """Alice's page, whose refusals and lost connections are meant."""
    page, watch = open_page(server, **SCREENS[way])
    watch.allowed = ("429", "503", "WebSocket", "net::ERR_")
    sign_in(page)
    return page


def waits(page: Page) -> Locator:
    return page.get_by_role("article").last.locator(".waits")


def chats(server: Server) -> int:
    return len(server.call("GET", "/api/chats/?page_size=200", token=server.token()).body["results"])


@pytest.mark.parametrize("way", WAYS)
def test_it_says_until_when_it_waits_and_cancel_puts_it_back_into_the_box(
    open_page: Open, server: Server, way: Way
) -> None:
    page, before = entered(open_page, server, way), chats(server)
    acts = Acts(page, way)
    for name, (fails, said) in CAUSES.items():
        page.get_by_label("Attach files").set_input_files([FILE])
        expect(page.locator("#composer .files li")).to_have_count(1)
        expect(page.get_by_role("progressbar")).to_have_count(0)
        if fails:
            page.route(FIRST, fails)
        page.context.set_offline(fails is None)
        acts.send(TEXT)
        expect(waits(page)).to_have_text(said)
        expect(box(page)).to_have_value("")
        acts.press(waits(page).get_by_role("button", name="Cancel"))
        expect(box(page)).to_have_value(TEXT)
        expect(box(page)).to_be_focused()
        expect(page.locator("#composer .files li")).to_contain_text("a.txt")
        expect(page.get_by_role("article")).to_have_count(0)
        expect(page.locator(".sentence")).to_be_visible()
        assert page.url == f"{server.url}/", name
        page.unroute(FIRST)
        page.get_by_role("button", name="Remove a.txt").click()
    page.context.set_offline(False)
    page.wait_for_timeout(1500)  # longer than the first pauses between tries
    assert chats(server) == before
    page.reload()
    expect(box(page)).to_have_value(TEXT)
    expect(page.get_by_role("article")).to_have_count(0)


def test_it_goes_by_itself_once_and_the_focus_does_not_go_with_its_button(
    own: Page, server: Server, upstream: Upstream
) -> None:
    before = chats(server)
    own.route(FIRST, lambda route: too_many(route, wait_s=3), times=1)
    send(own, f"Is there room? {script(upstream, Turn(text='There is.'))}")
    expect(waits(own)).to_contain_text("Next try in")
    expect(state(own)).to_contain_text("Too many at once. Sends in")
    own.get_by_role("button", name="Cancel").focus()
    expect(answer(own)).to_contain_text("There is.")
    expect(box(own)).to_be_focused()
    assert chats(server) == before + 1
    own.reload()
    expect(own.get_by_role("article")).to_have_count(2)


def test_who_writes_faster_than_they_may_is_told_when_it_sends_and_it_does(
    open_page: Open, new_server: Callable[..., Server]
) -> None:
    server = new_server(LIMITS_USER="1/8s:2").start()
    page = entered(open_page, server)
    for number in (1, 2, 3):
        send(page, f"message {number}")
    expect(state(page)).to_have_text(re.compile(r"^That was a lot in a short time\. Sends in \d s\."))
    expect(waits(page)).to_contain_text("Next try in")
    expect(waits(page)).to_be_hidden(timeout=20_000)
    expect(state(page)).not_to_contain_text("Sends in")
    page.reload()
    expect(page.get_by_role("article")).to_have_count(6)


def test_what_is_cancelled_while_it_is_tried_again_comes_back_when_the_try_has_failed(own: Page) -> None:
    held: list[Route] = []
    own.route(FIRST, lambda route: held.append(route))
    send(own, TEXT)
    own.wait_for_function("() => document.querySelector('article')")
    expect(waits(own)).to_be_hidden()
    take(own, held).abort()
    expect(waits(own)).to_contain_text("Trying again")
    own.get_by_role("button", name="Cancel").click()
    expect(waits(own)).to_contain_text("Cancelling")
    expect(box(own)).to_have_value("")
    take(own, held).abort()
    expect(box(own)).to_have_value(TEXT)
    expect(own.get_by_role("article")).to_have_count(0)
    own.wait_for_timeout(1500)
    assert held == []


def take(page: Page, held: list[Route]) -> Route:
    """The request that is held, once it has come."""
    for _ in range(500):
        if held:
            return held.pop()
        page.wait_for_timeout(20)
    raise AssertionError("no request has come")


def test_those_behind_it_wait_for_it_and_each_comes_back_alone(own: Page) -> None:
    own.route(FIRST, too_many)
    send(own, "one")
    send(own, "two")
    expect(own.locator(".waits span")).to_have_text([re.compile("^Waits. Next try in"), "Waits"])
    own.get_by_role("article").last.get_by_role("button", name="Cancel").click()
    expect(box(own)).to_have_value("two")
    own.get_by_role("article").last.get_by_role("button", name="Cancel").click()
    expect(box(own)).to_have_value("one\n\ntwo")


def test_another_act_that_is_too_much_is_not_promised_to_be_done_later(own: Page, upstream: Upstream) -> None:
    send(own, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(own)).to_contain_text("tokens")
    own.route("**/regenerate/", too_many)
    answer(own).hover()
    answer(own).get_by_role("button", name="Regenerate").click()
    expect(state(own)).to_contain_text("Not done: Too many at once. Try again in 50 s.")
