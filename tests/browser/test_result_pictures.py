"""Pictures that a tool gives back, on the page: behind the card of their call, small, and large where one looks."""

import re
from base64 import b64encode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import photos
from tests.browser.axe import complaints
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, submit
from tests.browser.test_sizes import SIDEWAYS
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
TOOLS = f'''
from base64 import b64decode
from agents.own import extend
from tools import ToolContext, ToolResult, give_pictures, tool

PICTURES = [b64decode(each) for each in {[b64encode(photos.photo(1200, 800)), b64encode(photos.see_through())]}]

@tool
async def draw(ctx: ToolContext) -> ToolResult:
    """Draw two pictures."""
    kept = await give_pictures(ctx, [("a red one", PICTURES[0]), ("a green one", PICTURES[1]), ("no picture", b"no")])
    return ToolResult({{"left out": list(kept.faults)}}, kept.attachments)

extend("generalist", draw)
extend("project_navigator", draw)
'''
SIZES = {"wide": (1440, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def drawing(upstream: Upstream) -> Iterator[Server]:
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", PARLEY_APPS="kinds")
    server.prepare()
    folder = server.data / "apps" / "kinds"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "parley.py").write_text(TOOLS)
    yield server.start_process()
    server.close()


def pictures(page: Page) -> Locator:
    return page.locator(".parts .tool + .attachments img")


def are_there(seen: Locator, names: list[str]) -> None:
    """They have come, and stand nowhere else."""
    expect(seen).to_have_count(len(names))
    for at, name in enumerate(names):
        expect(seen.nth(at)).to_have_attribute("alt", name)
        expect(seen.nth(at)).to_have_js_property("complete", True)
        assert seen.nth(at).evaluate("(img) => img.naturalWidth") > 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_stand_behind_their_call_and_open(
    open_page: Open, drawing: Server, upstream: Upstream, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    page, _ = open_page(drawing, viewport={"width": width, "height": height}, color_scheme=scheme)
    sign_in(page)
    gate = f"{size}-{scheme}"
    said = Turn(text=["They are ", "red and green."], gate=gate, gate_at=1)
    submit(page, f"Draw {script(upstream, Turn(tool_calls=[ScriptedCall('draw', {})]), said)}")
    names = ["a red one", "a green one"]
    are_there(pictures(page), names)  # while the answer is written
    upstream.release(gate)
    expect(answer(page)).to_contain_text("red and green.")
    for read in (lambda: None, page.reload):
        read()
        are_there(pictures(page), names)
        expect(page.locator(".message.assistant .attachments img")).to_have_count(2)
        assert not page.evaluate(SIDEWAYS) and complaints(page) == []
    pictures(page).first.click()
    large = page.locator("dialog#picture img")
    expect(large).to_be_visible()
    expect(large).to_have_attribute("src", re.compile(r"/api/attachments/[\w-]+/content$"))
    page.keyboard.press("Escape")
    expect(page.locator("dialog#picture")).to_be_hidden()
