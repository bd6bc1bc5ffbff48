"""From a small phone to a wide screen, with less motion, with forced colours: nothing is cut off or too small."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, script, send, submit
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
SIZES = {"small phone": (320, 640), "phone": (390, 844), "tablet": (834, 1112), "wide": (1440, 900)}
TOUCH = ("small phone", "phone", "tablet")
WORD = "Donaudampfschifffahrtsgesellschaftskapitänswitwe" * 6
WIDE = (
    f"{WORD}\n\n```python\nlong = '{WORD}'\n```\n\n"
    f"| {WORD} | b | c | d |\n|---|---|---|---|\n| 1 | 2 | 3 | {WORD} |\n\n"
    f"- {WORD}\n- [a link](https://example.org/{WORD})\n\n`{WORD}`\n"
)
SIDEWAYS = """() => [document.documentElement, document.body, document.querySelector("#log, main")]
  .filter((each) => each && each.scrollWidth > each.clientWidth + 1)
  .map((each) => `${each.tagName}#${each.id} ${each.scrollWidth}`)"""
# What is pressed and too small: links in a sentence are let off, as WCAG does, and what only a screen reader finds.
SMALL = """(least) => [...document.querySelectorAll("button, a, input, select, textarea, summary")].filter((each) => {
  const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
  const isShown = each.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1;
  const isSmall = width < least - 0.5 || height < least - 0.5;
  return isShown && isSmall && !each.closest(".text, .unseen, .skip");
}).map((each) => {
  const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
  return `${Math.round(width)}x${Math.round(height)} ${each.outerHTML.slice(0, 120)}`;
})"""
OFF_SCREEN = """() => [...document.querySelectorAll(".dock button, .dock textarea, .head button, .head h1")]
  .filter((each) => each.checkVisibility())
  .filter((each) => {
    const { left, right, bottom } = each.getBoundingClientRect();
    return left < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
  }).map((each) => each.outerHTML.slice(0, 120))"""


def opened(open_page: Open, server: Server, size: str, **more: Any) -> Page:
    width, height = SIZES[size]
    is_touch = size in TOUCH
    page, _ = open_page(
        server, viewport={"width": width, "height": height}, has_touch=is_touch, is_mobile=is_touch, **more
    )
    return page


@pytest.mark.parametrize("size", SIZES)
def test_everything_fits_and_can_be_pressed(open_page: Open, server: Server, upstream: Upstream, size: str) -> None:
    page = opened(open_page, server, size)
    page.goto("/login/")
    assert page.evaluate(SIDEWAYS) == []
    sign_in(page)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches") == (size in TOUCH)
    least = 44 if size in TOUCH else 24
    fits(page, least)
    calls = [ScriptedCall("read_file", {"path": WORD}), ScriptedCall("list_files", {})]
    submit(page, f"{WORD} {script(upstream, Turn(reasoning=WORD, tool_calls=calls), Turn(text=WIDE))}")
    expect(answer(page)).to_contain_text("tokens")
    for each in answer(page).locator("details:not(.more) > summary").all():
        each.click()
    fits(page, least)
    answer(page).locator("details.more > summary").scroll_into_view_if_needed()
    answer(page).locator("details.more > summary").click()
    fits(page, least)


def fits(page: Page, least: int) -> None:
    assert page.evaluate(SIDEWAYS) == []
    assert page.evaluate(OFF_SCREEN) == []
    assert page.evaluate(SMALL, least) == []


def test_on_a_touch_screen_enter_breaks_the_line(open_page: Open, server: Server) -> None:
    page = opened(open_page, server, "phone")
    sign_in(page)
    box(page).fill("One")
    box(page).press("Enter")
    box(page).press_sequentially("two")
    expect(box(page)).to_have_value("One\ntwo")
    expect(page.get_by_role("article")).to_have_count(0)


def test_four_times_as_large_is_the_phones_layout(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server, viewport={"width": 360, "height": 225}, device_scale_factor=4)  # 1440 x 900 at 400 %
    sign_in(page)
    expect(page.get_by_role("navigation")).to_be_hidden()
    send(page, f"{WORD} {script(upstream, Turn(text=WIDE))}")
    expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate(SIDEWAYS) == []
    assert page.evaluate(OFF_SCREEN) == []


def test_with_less_motion_nothing_moves(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server, reduced_motion="reduce")
    sign_in(page)
    send(page, f"Wait {script(upstream, Turn(text=['a ', 'b ', 'c'], gate='never', gate_at=3))}")
    expect(answer(page)).to_contain_text("a b")
    moving = """() => [...document.querySelectorAll("*")]
      .flatMap((each) => ["", "::before", "::after"].map((part) => [each, part]))
      .filter(([each, part]) => { const style = getComputedStyle(each, part || null);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0; })
      .map(([each, part]) => `${each.tagName}.${each.className}${part}`)"""
    assert page.evaluate(moving) == []
    assert page.evaluate("document.getAnimations().length") == 0
    page.get_by_role("button", name="Stop").click()
    expect(answer(page)).to_contain_text("Stopped by you")


def test_with_forced_colours_what_had_only_a_ground_has_a_border(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    page, _ = open_page(server, forced_colors="active")
    sign_in(page)
    turn = Turn(text="```python\nx = 1\n```\n")
    send(page, f"Look {script(upstream, turn)}")
    expect(answer(page)).to_contain_text("tokens")
    bordered = (
        "each => [each.matches('*'), getComputedStyle(each).borderTopStyle, getComputedStyle(each).borderTopWidth]"
    )
    for locator in (
        page.locator("article.own").first,
        answer(page).locator("pre"),
        page.locator(".box"),
        page.locator(".send"),
    ):
        _, style, width = locator.evaluate(bordered)
        assert style == "solid" and float(width.removesuffix("px")) >= 1
    box(page).focus()
    outline = page.locator(".box").evaluate("each => getComputedStyle(each).outlineStyle")
    assert outline != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_choice_of_colours_holds_over_a_reload(open_page: Open, server: Server, scheme: str) -> None:
    other = {"light": "dark", "dark": "light"}[scheme]
    page, _ = open_page(server, color_scheme=scheme)
    sign_in(page)
    ground = "() => getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("radio", name=other.title()).check(force=True)
    chosen = page.evaluate(ground)
    assert chosen != before
    page.reload()
    assert page.evaluate(ground) == chosen
    expect(page.get_by_role("radio", name=other.title())).to_be_checked()
