"""Reading while an answer comes: the log follows its end until the reader, and nobody else, scrolls away."""

import shutil
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.acts import SCREENS, WAYS, WIDE, Acts, Way
from tests.browser.conftest import ARGUMENTS, PROGRAMS, sign_in
from tests.browser.steps import Open, answer, gated, script, state
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)
LINES = [f"Line {number} of a long answer.\n\n" for number in range(80)]
DISTANCE = """() => { const log = document.getElementById("log");
  return Math.round(log.scrollHeight - log.clientHeight - log.scrollTop); }"""
IS_AT_END = DISTANCE.replace("return Math.round", "return 2 > Math.round")
IS_AWAY = DISTANCE.replace("return Math.round", "return 20 < Math.round")


def begin(open_page: Open, server: Server, way: Way) -> Acts:
    page, _ = open_page(server, **SCREENS[way])
    sign_in(page)
    return Acts(page, way)


@pytest.mark.parametrize("way", WAYS)
def test_the_first_answer_is_followed_however_its_question_was_sent(
    open_page: Open, server: Server, upstream: Upstream, way: Way
) -> None:
    acts, gate = begin(open_page, server, way), uuid4().hex
    acts.send(f"Tell {script(upstream, gated(gate, LINES, 'The end.'))}")
    expect(answer(acts.page)).to_contain_text("Line 79")
    acts.page.wait_for_timeout(100)
    assert acts.page.evaluate(DISTANCE) < 2
    upstream.release(gate)
    expect(answer(acts.page)).to_contain_text("tokens")
    acts.page.wait_for_timeout(100)
    assert acts.page.evaluate(DISTANCE) < 2


def wheel(page: Page) -> None:
    page.mouse.wheel(0, -400)


def page_up(page: Page) -> None:
    page.keyboard.press("PageUp")


def swipe(page: Page) -> None:
    touch = page.context.new_cdp_session(page)
    x, y = page.viewport_size["width"] / 2, page.viewport_size["height"] / 3  # type: ignore[index]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + 30 * step}]})
        page.wait_for_timeout(20)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def next_up(page: Page) -> None:
    """By the page's own key, to an earlier message."""
    page.keyboard.press("k")
    page.keyboard.press("k")


def drag(page: Page) -> None:
    """The scrollbar, where there is one to be dragged."""
    found = page.locator("#log").bounding_box()
    assert found is not None
    x, bottom = found["x"] + found["width"] - 6, found["y"] + found["height"]
    page.mouse.move(x, bottom - 30)
    page.mouse.down()
    page.mouse.move(x, bottom - 200, steps=4)
    page.mouse.up()


AWAY: dict[str, tuple[Way, Callable[[Page], None]]] = {
    "wheel": ("mouse", wheel),
    "touch": ("tap", swipe),
    "page up": ("keys", page_up),
    "previous message": ("keys", next_up),
}


@pytest.mark.parametrize("how", AWAY)
def test_who_scrolls_away_stays_there(open_page: Open, server: Server, upstream: Upstream, how: str) -> None:
    way, scroll = AWAY[how]
    stays(begin(open_page, server, way), upstream, scroll)


def test_who_drags_the_scrollbar_stays_there(browser: Browser, server: Server, upstream: Upstream) -> None:
    """In a browser that shows it: the one of the other tests has none."""
    bare = browser.browser_type.launch(
        executable_path=PROGRAM, args=ARGUMENTS, ignore_default_args=["--hide-scrollbars"]
    )
    page = bare.new_page(base_url=server.url, viewport=WIDE)
    sign_in(page)
    stays(Acts(page, "mouse"), upstream, drag)
    bare.close()


def stays(acts: Acts, upstream: Upstream, scroll: Callable[[Page], None]) -> None:
    page, gate = acts.page, uuid4().hex
    acts.send(f"Tell {script(upstream, gated(gate, LINES, 'x' * 10))}")
    expect(answer(page)).to_contain_text("Line 79")
    page.locator("#log").hover()
    page.get_by_role("log").focus()
    page.wait_for_timeout(100)
    scroll(page)
    page.wait_for_function(IS_AWAY)
    page.wait_for_timeout(700)
    top = page.evaluate("document.getElementById('log').scrollTop")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate("document.getElementById('log').scrollTop") == pytest.approx(top, abs=2)
    expect(page.locator("#jump")).to_be_visible()
    if acts.way == "keys":
        page.keyboard.press("End")
    else:
        acts.press(page.locator("#jump"))
    page.wait_for_function(IS_AT_END)


def test_what_makes_the_log_shorter_or_the_window_higher_is_no_wish_to_stay(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    acts, gate = begin(open_page, server, "mouse"), uuid4().hex
    page = acts.page
    acts.send(f"Tell {script(upstream, gated(gate, LINES, 'The end.'))}")
    expect(answer(page)).to_contain_text("Line 79")
    page.evaluate("document.querySelector('.own .parts').style.display = 'none'")
    page.set_viewport_size({"width": 1440, "height": 1100})
    page.wait_for_timeout(100)
    page.set_viewport_size({"width": 1200, "height": 700})
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    expect(state(page)).to_have_text("")
    page.wait_for_timeout(100)
    assert page.evaluate(DISTANCE) < 2


@pytest.mark.parametrize("way", WAYS)
def test_the_answer_to_an_edited_message_is_followed(
    open_page: Open, server: Server, upstream: Upstream, way: Way
) -> None:
    acts, gate = begin(open_page, server, way), uuid4().hex
    page = acts.page
    acts.send(f"Tell {script(upstream, Turn(text=LINES))}")
    expect(answer(page)).to_contain_text("tokens")
    own = page.locator("article.own")
    own.scroll_into_view_if_needed()
    acts.near(own)
    acts.press(own.get_by_role("button", name="Edit"))
    acts.write(page.get_by_label("Your message"), f"Again {script(upstream, gated(gate, LINES, 'The end.'))}")
    acts.press(page.get_by_role("button", name="Save and answer again"))
    expect(answer(page)).to_contain_text("Line 79")
    page.wait_for_function(IS_AT_END)
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    page.wait_for_timeout(100)
    assert page.evaluate(DISTANCE) < 2
