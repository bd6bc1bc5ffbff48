"""A real Chromium in front of a real server, and a watch that fails a test for what a reader would not see."""

import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Request, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.live import OWNER, PASSWORD, Server

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)
# The page says on the console, where the watch hears it, what the browser refused to load or run.
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"""
WAIT_MS = 10_000
CLOSE_S = 60
# Chromium's sandbox needs user namespaces, which root has not.
ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []


@dataclass
class Watch:
    """What went wrong beside what the test looked at."""

    url: str
    found: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()  # pieces of what a test brings about on purpose

    def attach(self, page: Page) -> None:
        page.add_init_script(TELL_VIOLATIONS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("dialog", lambda dialog: (self.found.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def check(self) -> None:
        bad = [each for each in self.found if not any(piece in each for piece in self.allowed)]
        assert not bad, "\n".join(bad)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.found.append(f"a request to another host: {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Per module, not per session: while Playwright is open its event loop counts as running, and no other test could
    have one."""
    if PROGRAM is None:
        warnings.warn(f"No Chromium on this machine ({', '.join(PROGRAMS)}): THE PAGE IS NOT TESTED.", stacklevel=1)
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        browser = launched(playwright.chromium)
        yield browser
        with ended_after(CLOSE_S):
            browser.close()


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End the browsers of this process where it takes longer: Chromium, seldom, never closes a context, and Playwright
    would wait for it for ever."""
    timer = threading.Timer(seconds, kill_browsers)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def kill_browsers() -> None:
    """They are the children of Playwright's driver, which is a child of ours."""
    for driver in _children(os.getpid()):
        if b"playwright" in Path(f"/proc/{driver}/cmdline").read_bytes():
            for browser in _children(driver):
                os.kill(browser, signal.SIGKILL)


def _children(parent: int) -> list[int]:
    """Their ids."""
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _parent(each) == parent]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it has ended meanwhile


def close(page: Page) -> None:
    """Close its context, or end the browser that does not."""
    with ended_after(CLOSE_S), suppress(PlaywrightError):
        page.context.close()


AGAIN: dict[Browser, Browser] = {}  # what was begun in the place of one that was ended


def living(browser: Browser) -> Browser:
    """The browser, or one that is begun in its place where it was ended."""
    newest = AGAIN.get(browser, browser)
    if not newest.is_connected():
        newest = AGAIN[browser] = launched(browser.browser_type)
    return newest


def launched(chromium: BrowserType) -> Browser:
    return chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., tuple[Page, Watch]]]:
    """`open_page(server)` is a watched page on that server, not signed in; the watch is checked at the test's end."""
    opened: list[tuple[Page, Watch]] = []

    def open_page(server: Server, **options: object) -> tuple[Page, Watch]:
        context = living(browser).new_context(base_url=server.url, **options)  # type: ignore[arg-type]
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page, watch = context.new_page(), Watch(server.url)
        watch.attach(page)
        opened.append((page, watch))
        return page, watch

    yield open_page
    for page, _ in opened:
        close(page)
    for _, watch in opened:
        watch.check()


@pytest.fixture
def page(open_page: Callable[..., tuple[Page, Watch]], server: Server) -> Page:
    """Alice's page for a new chat, on the shared server, in its first project whatever her last chat was about."""
    page, _ = open_page(server)
    sign_in(page)
    page.locator("#project").select_option(label="Welcome")
    return page


def sign_in(page: Page, email: str = OWNER) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")
    page.wait_for_selector("body.ready")  # the scripts have taken over


STATIC = Path(__file__).resolve().parents[2] / "static" / "chat"
