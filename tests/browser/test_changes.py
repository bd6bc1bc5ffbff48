"""What a chat changed, on its page: found from the answer and the menu, coloured, foldable, and never wider than it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import complaints
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, submit
from tests.browser.test_sizes import SIDEWAYS
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
LINES = 1_000
LONG = "".join(f"value_{number} = {number}  # {'and so on ' * 5}\n" for number in range(LINES))
HOSTILE = "<img src=x onerror=alert(1)>.txt"
FILES = [{"path": "long.py", "content": LONG}, {"path": HOSTILE, "content": "<script>alert(1)</script>\n"}]
MOST_MS = 1_500  # from the page's first byte to all of it drawn, on a slow machine


def test_what_an_answer_changed_is_a_click_away(
    open_page: Open, server: Server, upstream: Upstream, tmp_path: Path
) -> None:
    page, _ = open_page(server, viewport={"width": 1440, "height": 900})
    sign_in(page)
    page.locator("#archetype").select_option("project_navigator")
    calls = [
        [ScriptedCall("write_files", {"files": FILES})],
        [ScriptedCall("move_file", {"old": "README.md", "new": "docs/README.md"})],
    ]
    submit(page, f"Go {script(upstream, *(Turn(tool_calls=each) for each in calls), Turn(text='Done.'))}")
    expect(answer(page)).to_contain_text("tokens", timeout=60_000)  # three turns, two of them on disk
    page.get_by_role("button", name="Rename or delete this chat").click()
    expect(page.locator("#chat-menu").get_by_role("link", name="Changed files")).to_be_visible()
    page.keyboard.press("Escape")
    answer(page).get_by_role("link", name="Changed files").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text([HOSTILE, "README.md → docs/README.md", "long.py"])
    looks_right(page)
    page.get_by_role("link", name="Side by side").click()
    expect(page.locator("table.split td.none").first).to_be_attached()
    looks_right(page)
    page.get_by_role("link", name="Files", exact=True).click()
    page.get_by_role("link", name="long.py").click()
    expect(page.locator("table.whole tr")).to_have_count(LINES)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    download.value.save_as(tmp_path / "long.py")
    assert (tmp_path / "long.py").read_text() == LONG


def looks_right(page: Page) -> None:
    """A long file is folded and drawn soon when it is opened; the page is as wide as its window, also a small one."""
    long = page.locator("details.file", has_text="long.py")
    expect(long).not_to_have_attribute("open", "")
    took = page.evaluate("() => { const [{ responseStart, domComplete }] = performance.getEntriesByType('navigation');"
                         " return domComplete - responseStart; }")  # fmt: skip
    assert took < MOST_MS
    long.locator("summary").click()
    expect(long.locator("tr")).to_have_count(LINES)
    expect(long.locator("td.add").first).to_have_css("background-color", "rgb(223, 243, 228)")
    assert complaints(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(SIDEWAYS) == []
    page.set_viewport_size({"width": 1440, "height": 900})
