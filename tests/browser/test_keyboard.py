"""Keyboard only, from the sign-in to the sign-out: everything is reached, the focus is never lost, Escape closes."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import Open, answer, box, gated, script, send
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
TABS = 80
FOCUSED = """() => {
  const element = document.activeElement;
  const label = element.labels?.[0]?.textContent ?? "";
  return (element.getAttribute("aria-label") || label || element.textContent || element.placeholder || "").trim();
}"""
IS_LOST = "() => !document.activeElement || document.activeElement === document.body"
IS_SEEN = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const box = document.activeElement.closest(".box, .themes label");
  return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || Boolean(box);
}"""
# A mouse is not there.
NO_MOUSE = "addEventListener('mousedown', () => console.error('a mouse was used'), true)"


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until what has the focus is called so; on the way, what has the focus is seen."""
    for _ in range(TABS):
        page.keyboard.press(key)
        if page.evaluate(IS_LOST):
            continue  # the browser's own bar, between the last and the first
        assert page.evaluate(IS_SEEN), page.evaluate("document.activeElement.outerHTML")
        if re.match(name, page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"{name} is not reached by {key}")


def test_the_whole_path_by_keyboard(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server)
    page.add_init_script(NO_MOUSE)
    page.goto("/login/")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(OWNER)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("body.ready")
    expect(box(page)).to_be_focused()

    page.keyboard.type(f"A question {script(upstream, Turn(text='An answer.'))}")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("tokens")
    expect(box(page)).to_be_focused()
    page.keyboard.type(f"Another {script(upstream, gated(uuid4().hex, ['so ', 'far '], '.'))}")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("so far")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()  # half a second after the click on Send
    tab_to(page, "Stop")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("Stopped by you")
    expect(box(page)).to_be_focused()

    tab_to(page, "Edit", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your message")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(f"Put otherwise {script(upstream, Turn(text='Better.'))}")
    tab_to(page, "Save and answer again")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("Better.")
    expect(answer(page)).to_contain_text("tokens")
    expect(box(page)).to_be_focused()
    tab_to(page, "Previous version", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("so far")
    expect(page.get_by_role("button", name="Next version")).to_be_focused()

    tab_to(page, "Rename or delete this chat", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
    assert not page.evaluate(IS_LOST)

    tab_to(page, "Sign out", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_escape_closes_what_is_open_and_gives_the_focus_back(page: Page, upstream: Upstream) -> None:
    send(page, f"Hello {script(upstream, Turn(text='Good day.'))}")
    expect(answer(page)).to_contain_text("tokens")
    opener = page.get_by_role("button", name="Rename or delete this chat")
    for dialog in ("", "Rename", "Delete"):
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#chat-menu")).to_be_visible()
        if dialog:
            tab_to(page, dialog) if dialog == "Delete" else None
            page.keyboard.press("Enter")
            expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("#chat-menu")).to_be_hidden()
        expect(opener).to_be_focused()
    page.locator("#sharing").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sharing")).to_be_focused()
    menu = answer(page).locator("details.more > summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(answer(page).get_by_role("button", name="Fork from here")).to_be_visible()
    page.keyboard.press("Escape")
    expect(answer(page).get_by_role("button", name="Fork from here")).to_be_hidden()
    expect(menu).to_be_focused()


def test_events_never_take_the_focus(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(page, f"Hello {script(upstream, Turn(text=['a ', 'b ', 'c'], gate=gate, gate_at=3))}")
    expect(answer(page)).to_contain_text("a b")
    copy = page.get_by_role("article").first.get_by_role("button", name=re.compile("^Copy"))
    copy.focus()
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    expect(copy).to_be_focused()
    page.get_by_role("searchbox").focus()
    page.keyboard.type("nothing like it")
    expect(page.locator(".none")).not_to_have_text("")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_headings_landmarks_and_names_lead_through_the_page(page: Page, upstream: Upstream) -> None:
    send(page, f"Hello {script(upstream, Turn(text=['Good ', 'day.']))}")
    expect(answer(page)).to_contain_text("tokens")
    for role in ("navigation", "main"):
        expect(page.get_by_role(role)).to_have_count(1)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    names = [each.inner_text() for each in page.get_by_role("article").get_by_role("heading", level=2).all()]
    assert [re.sub(r"\W*\d+:\d+.*", "", name.strip(), flags=re.S) for name in names] == ["alice", "Parley"]
    log = page.get_by_role("log")
    assert log.get_attribute("aria-live") == "off" and log.get_attribute("aria-label")
    assert page.locator("#status").get_attribute("role") == "status"
    assert page.locator("#answer").get_attribute("aria-live") == "polite"
    nameless = """() => [...document.querySelectorAll("button, a, input, select, textarea, summary")]
      .filter((each) => !each.hidden && each.type !== "hidden" && !each.closest("template"))
      .filter((each) => !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length))
      .map((each) => each.outerHTML)"""
    assert page.evaluate(nameless) == []
    expect(page.locator("svg.icon:not([aria-hidden=true])")).to_have_count(0)
