"""A real Chromium in front of a real server, and a watch that fails a test for what a reader would not see."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.live import OWNER, PASSWORD, Server

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# The page says on the console, where the watch hears it, what the browser refused to load or run.
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`))"""
WAIT_MS = 10_000
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
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        warnings.warn(f"No Chromium on this machine ({', '.join(PROGRAMS)}): THE PAGE IS NOT TESTED.", stacklevel=1)
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., tuple[Page, Watch]]]:
    """`open_page(server)` is a watched page on that server, not signed in; the watch is checked at the test's end."""
    opened: list[tuple[Page, Watch]] = []

    def open_page(server: Server, **options: object) -> tuple[Page, Watch]:
        context = browser.new_context(base_url=server.url, **options)  # type: ignore[arg-type]
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page, watch = context.new_page(), Watch(server.url)
        watch.attach(page)
        opened.append((page, watch))
        return page, watch

    yield open_page
    for page, _ in opened:
        page.context.close()
    for _, watch in opened:
        watch.check()


@pytest.fixture
def page(open_page: Callable[..., tuple[Page, Watch]], server: Server) -> Page:
    """Alice's page for a new chat, on the shared server."""
    page, _ = open_page(server)
    sign_in(page)
    return page


def sign_in(page: Page, email: str = OWNER) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")
    page.wait_for_selector("body.ready")  # the scripts have taken over


STATIC = Path(__file__).resolve().parents[2] / "static" / "chat"
