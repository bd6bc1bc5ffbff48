"""What a person does on the chat page and looks at, by role and name, and what the fake upstream answers them."""

from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Locator, Page

from tests.browser.conftest import Watch
from tests.live import OWNER, PASSWORD
from tests.upstream import Turn, Upstream

Open = Callable[..., tuple[Page, Watch]]


def enter(page: Page, path: str, email: str = OWNER) -> None:
    """Open a page that asks who one is, and say it."""
    page.goto(path)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def box(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def send(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")


def submit(page: Page, text: str) -> None:
    """Send with the button: on a touch screen Enter breaks the line."""
    box(page).fill(text)
    page.get_by_role("button", name="Send").click()


def answer(page: Page) -> Locator:
    """The newest message."""
    return page.get_by_role("article").last


def state(page: Page) -> Locator:
    return page.locator("#state")


def script(upstream: Upstream, *turns: Turn) -> str:
    """The knob that makes the upstream answer a message by these turns."""
    key = uuid4().hex
    upstream.script(*turns, key=key)
    return f"[[key={key}]]"


def gated(gate: str, before: list[str], after: str) -> Turn:
    """A turn that waits in mid-answer."""
    return Turn(text=[*before, after], gate=gate, gate_at=len(before) + 1)
