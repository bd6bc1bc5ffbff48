"""axe finds nothing serious or critical, on every page, in both themes, on a phone, and in every state of a chat."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import complaints, source
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, gated, script, send, state, submit
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
VIEWS = {
    "light": {**WIDE, "color_scheme": "light"},
    "dark": {**WIDE, "color_scheme": "dark"},
    "phone": {**PHONE, "color_scheme": "light"},
    "dark phone": {**PHONE, "color_scheme": "dark"},
}
MARKDOWN = (
    "# A heading\n\nText with **strong words**, `code` and [a link](https://example.org/).\n\n> A quotation\n\n"
    "```python\ndef f(x: int) -> str:\n    return f'{x}'  # a comment\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    "- one\n- two\n"
)
ADMIN = (
    *("", "accounts/user/", "accounts/organization/", "accounts/project/", "chat/chat/", "chat/run/", "chat/usageday/"),
    *("chat/chat/{chat}/change/", "chat/run/{run}/change/", "password_change/"),
)


class Looked:
    """Gathers what axe says of each page and state, so that one run tells all."""

    def __init__(self, page: Page, but: tuple[str, ...]) -> None:
        self.page, self.but = page, but
        self.found: list[str] = []
        self.pages = 0

    def at(self, name: str) -> None:
        self.pages += 1
        self.found += [f"{name}: {each}" for each in complaints(self.page, self.but)]


@contextmanager
def looking(page: Page, but: tuple[str, ...] = ()) -> Iterator[Looked]:
    """`but` names rules whose breaches are known and not ours."""
    source()
    looked = Looked(page, but)
    yield looked
    assert not looked.found, "\n".join(looked.found)


@pytest.mark.parametrize("view", VIEWS)
def test_every_state_of_the_chat_page(open_page: Open, server: Server, upstream: Upstream, view: str) -> None:
    page, watch = open_page(server, **VIEWS[view])
    watch.allowed = ("404",)
    with looking(page) as look:
        page.goto("/login/")
        look.at("sign in")
        page.get_by_label("E-mail").fill("nobody@example.com")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        look.at("sign in refused")
        sign_in(page)
        look.at("a new chat")
        states_of_an_answer(look, page, upstream)
        what_opens_over_it(look, page, is_phone="phone" in view)
        page.goto("/nothing/here/")
        look.at("an error")
        assert look.pages >= 12


def states_of_an_answer(look: Looked, page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    calls = [ScriptedCall("list_files", {}), ScriptedCall("read_file", {"path": "nothing.txt"})]
    turns = [
        Turn(reasoning="I think.", tool_calls=calls),
        Turn(text=[MARKDOWN, "half ", "an end"], gate=gate, gate_at=3),
    ]
    submit(page, f"Show me {script(upstream, *turns)}")
    expect(state(page)).to_contain_text("Writing")
    expect(answer(page)).to_contain_text("half")
    look.at("streaming")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    for each in page.locator("article details:not(.more) > summary").all():
        each.click()
    expect(answer(page).locator(".result").first).to_be_visible()
    look.at("cards open")
    submit(page, f"Fail {script(upstream, Turn(fault='401'))}")
    expect(answer(page)).to_contain_text("refused our credentials")
    look.at("a failed answer")
    submit(page, f"Stop {script(upstream, gated(uuid4().hex, ['so ', 'far '], '.'))}")
    expect(answer(page)).to_contain_text("so far")
    page.get_by_role("button", name="Stop").click()
    expect(answer(page)).to_contain_text("Stopped by you")
    look.at("a stopped answer")


def what_opens_over_it(look: Looked, page: Page, is_phone: bool) -> None:
    own = page.locator("article.own").last
    own.hover()
    own.get_by_role("button", name="Edit").click()
    look.at("editing")
    page.keyboard.press("Escape")
    menu = answer(page).locator("details.more > summary")
    menu.scroll_into_view_if_needed()
    menu.click()
    look.at("a message's menu")
    page.keyboard.press("Escape")
    for dialog in ("Rename", "Delete"):
        page.get_by_role("button", name="Rename or delete this chat").click()
        look.at("the chat's menu")
        page.get_by_role("button", name=dialog, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        look.at(dialog)
        page.keyboard.press("Escape")
    page.locator("#sharing").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look.at("who sees this chat")
    page.keyboard.press("Escape")
    box(page).fill("a draft")
    if is_phone:
        page.get_by_role("button", name="Open the list of chats").click()
        look.at("the list of chats")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admins_pages(open_page: Open, server: Server, upstream: Upstream, scheme: str) -> None:
    page, _ = open_page(server, **WIDE, color_scheme=scheme)
    sign_in(page)
    calls = [ScriptedCall("list_files", {})]
    send(page, f"For the admin {script(upstream, Turn(reasoning='Hm.', tool_calls=calls), Turn(text='There.'))}")
    expect(answer(page)).to_contain_text("tokens")
    chat, run = page.url.removesuffix("/").rpartition("/")[2], answer(page).get_attribute("data-run")
    # The name of Django's search field is its label's image, which axe does not count.
    with looking(page, but=("label-title-only",)) as look:
        for path in ADMIN:
            answered = page.goto(f"/admin/{path.format(chat=chat, run=run)}")
            assert answered is not None and answered.ok, path
            look.at(path or "first screen")


def test_the_api_documentation(open_page: Open, server: Server) -> None:
    """It is Swagger's own page: its colours and its buttons within buttons are not ours to mend."""
    page, _ = open_page(server)
    with looking(page, but=("color-contrast", "nested-interactive")) as look:
        page.goto("/api/docs/")
        expect(page.locator(".opblock").first).to_be_visible(timeout=30_000)
        look.at("docs")
