"""A pull request's page in a browser: read, merged, and the other closed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import complaints
from tests.browser.conftest import Watch, sign_in
from tests.live import Server
from tests.streams import client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.browser, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]


def put_forward(server: Server, upstream: Upstream, path: str) -> str:
    """A chat's pull request which adds the file: the address of its page."""
    alice, mark = client(server), key()
    call = ScriptedCall("write_file", {"path": path, "content": "Green door.\n\n\tBlue door.\n"})
    upstream.script(Turn(tool_calls=[call]), Turn(text="Written."), key=mark)
    chat = alice.chat(title="Doors")
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    body = "Why:\n\n- the **old** one was red\n- `doors.md` says so"
    return str(alice.post(f"/api/chats/{chat}/pull-request/", {"title": "Paint the doors", "body": body})["url"])


def test_one_is_merged_and_one_closed(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server)
    sign_in(page)
    page.goto(put_forward(server, upstream, f"notes/{key()}.md"))
    expect(page.get_by_text("+Green door.")).to_be_visible()
    assert complaints(page) == []
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Merged as")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.goto(put_forward(server, upstream, f"notes/{key()}.md"))
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".state")).to_have_text("Closed")
    page.get_by_role("link", name="Pull requests").click()
    expect(page.get_by_role("link", name="Paint the doors").first).to_be_visible()
    assert complaints(page) == []
