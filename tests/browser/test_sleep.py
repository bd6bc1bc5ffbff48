"""A laptop that sleeps, a network that goes, a tab that is left: the answer goes on; nothing is sent twice or lost."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ARGUMENTS, PROGRAMS, Watch
from tests.browser.steps import Open, answer, box, enter, gated, script, send, state
from tests.doors.cutting import Tunnel
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
EXPECTED = ("net::ERR_", "WebSocket", "503", "502")
SLEEP_S = 60


@pytest.fixture(scope="module")
def line(upstream: Upstream) -> Iterator[tuple[Server, Tunnel]]:
    """A server of this module's own, and the only way to it."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CHAT_RUNS_PER_ORGANIZATION="1")
    with Tunnel(server.url) as tunnel:
        server.settings["PARLEY_PUBLIC_URL"] = tunnel.url
        server.start()
        yield server, tunnel
    server.close()


@pytest.fixture
def tunnel(line: tuple[Server, Tunnel]) -> Iterator[Tunnel]:
    yield line[1]
    line[1].mend()


@pytest.fixture
def far_page(open_page: Open, line: tuple[Server, Tunnel], tunnel: Tunnel) -> Page:
    """Alice's page, at the other end of the tunnel."""
    page, watch = open_page(line[0])
    watch.url, watch.allowed = tunnel.url, EXPECTED
    enter(page, f"{tunnel.url}/login/")
    page.wait_for_selector("body.ready")
    return page


@contextmanager
def asleep(browser: Browser, page: Page) -> Iterator[None]:
    """The processes of the browser that show pages and reach the network stand still, as on a laptop that is closed."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    pids = [int(each["id"]) for each in processes if each["type"] in ("renderer", "utility")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_minute_of_sleep_in_mid_answer(far_page: Page, browser: Browser, tunnel: Tunnel, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(far_page, f"Tell me {script(upstream, gated(gate, ['before ', 'it '], 'and after it'))}")
    expect(answer(far_page)).to_contain_text("before it")
    with asleep(browser, far_page):
        tunnel.swallow()
        upstream.release(gate)
        time.sleep(SLEEP_S)
        tunnel.cut()  # nobody keeps a connection that long
        tunnel.mend()
    expect(answer(far_page)).to_contain_text("before it and after it", timeout=30_000)
    expect(answer(far_page)).to_contain_text("tokens")
    expect(far_page.get_by_role("article")).to_have_count(2)
    expect(box(far_page)).to_be_focused()
    send(far_page, f"Awake {script(upstream, Turn(text='Good morning.'))}")
    expect(answer(far_page)).to_contain_text("Good morning.")


def test_a_network_that_says_nothing_more_is_noticed(far_page: Page, tunnel: Tunnel, upstream: Upstream) -> None:
    """No connection ends; only nothing comes. The page gives it up after 30 s of silence."""
    gate = uuid4().hex
    send(far_page, f"Tell me {script(upstream, gated(gate, ['half ', 'of '], 'it'))}")
    expect(answer(far_page)).to_contain_text("half of")
    tunnel.swallow()
    upstream.release(gate)
    expect(state(far_page)).to_contain_text("Reconnecting", timeout=60_000)
    tunnel.mend()
    expect(answer(far_page)).to_contain_text("half of it", timeout=40_000)
    expect(answer(far_page)).to_contain_text("tokens")


def test_after_six_tries_a_button_reconnects(far_page: Page, tunnel: Tunnel, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(far_page, f"Tell me {script(upstream, gated(gate, ['half ', 'of '], 'it'))}")
    expect(answer(far_page)).to_contain_text("half of")
    tunnel.refuse()
    expect(state(far_page)).to_contain_text("Connection lost. Reconnecting")
    button = far_page.get_by_role("button", name="Reconnect")
    expect(button).to_be_hidden()
    expect(button).to_be_visible(timeout=60_000)
    box(far_page).fill("what I was about to say")
    tunnel.mend()
    upstream.release(gate)
    button.click()
    expect(answer(far_page)).to_contain_text("half of it")
    expect(answer(far_page)).to_contain_text("tokens")
    expect(button).to_be_hidden()
    expect(box(far_page)).to_have_value("what I was about to say")


def test_a_message_is_sent_once_though_its_reply_is_lost(far_page: Page, tunnel: Tunnel, upstream: Upstream) -> None:
    send(far_page, f"First {script(upstream, Turn(text='One.'))}")
    expect(answer(far_page)).to_contain_text("tokens")
    sent = far_page.expect_request("**/runs")
    with sent:
        tunnel.swallow()
        send(far_page, f"Second {script(upstream, Turn(text='Two.'))}")
    tunnel.cut()
    tunnel.mend()
    expect(answer(far_page)).to_contain_text("Two.", timeout=30_000)
    expect(answer(far_page)).to_contain_text("tokens")
    far_page.reload()
    expect(far_page.get_by_role("article")).to_have_count(4)


def test_too_many_at_once_wait_visibly_and_are_sent_by_themselves(
    far_page: Page, open_page: Open, line: tuple[Server, Tunnel], upstream: Upstream
) -> None:
    gate = uuid4().hex
    send(far_page, f"One {script(upstream, gated(gate, ['the ', 'only '], 'one'))}")
    expect(answer(far_page)).to_contain_text("the only")
    other, watch = open_page(line[0])
    watch.url, watch.allowed = line[1].url, (*EXPECTED, "429")
    enter(other, f"{line[1].url}/login/")
    other.wait_for_selector("body.ready")
    send(other, f"Two {script(upstream, Turn(text='two'))}")
    send(other, "Three")
    expect(state(other)).to_contain_text("Too many at once")
    seconds = "() => Number(document.querySelector('.state-text').textContent.match(/\\d+/)?.[0] ?? 99)"
    first = other.evaluate(seconds)
    other.wait_for_function(f"() => ({seconds})() < {first}")
    expect(other.get_by_role("article")).to_have_count(2)
    other.get_by_role("article").last.get_by_role("button", name="Cancel").click()
    expect(other.get_by_role("article")).to_have_count(1)
    upstream.release(gate)
    expect(answer(other)).to_contain_text("two", timeout=30_000)
    expect(other.get_by_role("article")).to_have_count(2)


def test_the_page_is_kept_for_going_back_and_goes_on(
    browser: Browser, line: tuple[Server, Tunnel], upstream: Upstream
) -> None:
    """The browser's back/forward cache, which automation turns off, is on here."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    off = ["--disable-back-forward-cache"]
    with browser.browser_type.launch(executable_path=program, args=ARGUMENTS, ignore_default_args=off) as own:
        page, watch = own.new_page(base_url=line[1].url), Watch(line[1].url, allowed=EXPECTED)
        watch.attach(page)
        going_back_shows_it_as_it_was(page, upstream)
    watch.check()


def going_back_shows_it_as_it_was(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    enter(page, "/login/")
    page.wait_for_selector("body.ready")
    send(page, f"Wait {script(upstream, gated(gate, ['for ', 'me '], 'here'))}")
    expect(answer(page)).to_contain_text("for me")
    page.evaluate("addEventListener('pageshow', ({ persisted }) => (window.wasKept = persisted))")
    page.goto("/healthz")
    upstream.release(gate)
    page.go_back(wait_until="commit")
    expect(answer(page)).to_contain_text("for me here")
    assert page.evaluate("window.wasKept") is True
    expect(answer(page)).to_contain_text("tokens")
