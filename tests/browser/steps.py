"""What a person does on the chat page and looks at, by role and name, and what the fake upstream answers them."""

from uuid import uuid4

from playwright.sync_api import Locator, Page

from tests.upstream import Turn, Upstream


def box(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def send(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")


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
