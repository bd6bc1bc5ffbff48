"""A hostile model: whatever it says, in whatever pieces, is text; nothing runs, and no other host hears of it."""

import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.hostile import CORPUS, GUARD, NAME, Stranger
from tests.browser.steps import Open, answer, gated, script, send
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
# Links that do not say where they lead.
UNNAMED_HOSTS = """() => [...document.querySelectorAll("#log .text a")]
  .filter((link) => !(link.textContent + link.nextSibling?.textContent).includes(link.hostname))
  .map((link) => link.outerHTML)"""
PARTS = "() => [...document.querySelectorAll('#log article .parts > *')].map((each) => each.outerHTML)"


def in_pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_nothing_a_model_says_is_more_than_text(page: Page, upstream: Upstream, size: int) -> None:
    with Stranger() as stranger:
        text = CORPUS.format(host=stranger.host)
        pieces = in_pieces(text, size)
        calls = [ScriptedCall("read_file", {"path": text}), ScriptedCall("list_files", {"path": text[:200]})]
        turns = [Turn(reasoning=pieces, text=pieces, tool_calls=calls), Turn(text=pieces)]
        page.evaluate(GUARD)
        scripts = page.locator("script").count()
        send(page, f"{text} {script(upstream, *turns)}")
        expect(answer(page)).to_contain_text("tokens", timeout=60_000)
        assert page.evaluate("looked") > 100
        assert page.evaluate("strange") == []
        looks_as_meant(page, scripts)
        watched = page.evaluate(PARTS)
        page.reload()
        page.wait_for_selector("body.ready")
        page.evaluate(GUARD)
        assert page.evaluate("strange") == []
        looks_as_meant(page, scripts)
        assert difference(watched, page.evaluate(PARTS)) == ""
        page.wait_for_load_state("networkidle")
        assert stranger.visits == 0


def difference(before: list[str], after: list[str]) -> str:
    """Where two lists of HTML begin to differ."""
    for one, other in zip(before, after, strict=True):
        if one != other:
            at = next(
                (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
            )
            return f"{one[at - 80 : at + 80]}\n---\n{other[at - 80 : at + 80]}"
    return ""


def looks_as_meant(page: Page, scripts: int) -> None:
    """Two messages, two cards, links that say where they lead, and all of the bad as text that can be read."""
    expect(page.get_by_role("article")).to_have_count(2)
    expect(page.get_by_role("log").locator("details.tool")).to_have_count(2)
    expect(page.locator("script")).to_have_count(scripts)
    expect(page.get_by_role("button", name="Allow once")).to_have_count(0)
    expect(page.locator("#text")).to_have_count(1)
    links = page.get_by_role("log").get_by_role("link").all()
    assert all(re.match("https?://", link.get_attribute("href") or "") for link in links)
    assert not page.evaluate(UNNAMED_HOSTS)
    expect(answer(page)).to_contain_text("<script>alert(1)</script>")
    expect(answer(page)).to_contain_text('const password = "<b>kept</b>";')
    expect(answer(page)).to_contain_text("<script>alert(32)</script>")


def test_what_is_half_said_is_never_more_than_text_either(page: Page, upstream: Upstream) -> None:
    """The model stops in the middle of a thing, for as long as anybody likes to look."""
    halves = [
        "<img src=x onerror=alert(1)",
        "[a](javascript:alert(2)",
        "```html\n<script>alert(3)",
        "![x](https://x.test/",
    ]
    page.evaluate(GUARD)
    for half in halves:
        gate = uuid4().hex
        send(page, f"Go on {script(upstream, gated(gate, in_pieces(half, 2), ' and so on'))}")
        expect(answer(page)).to_contain_text(half.strip("`html\n") if half.startswith("`") else half)
        upstream.release(gate)
        expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate("strange") == []


def test_hostile_names_are_text_wherever_they_show(open_page: Open, server: Server, upstream: Upstream) -> None:
    email, place = f"mallory-{uuid4().hex[:8]}@example.com", f"{uuid4().hex[:6]} {NAME}"
    server.quickly("create_user", email, "--organization", place, "--role", "owner", "--name", NAME)
    token = server.token(email)
    organization = server.call("GET", "/api/organizations/", token=token).body["results"][0]["id"]
    project = {"organization": organization, "name": NAME}
    made = server.call("POST", "/api/projects/", project, token=token)
    assert made.status == 201, made
    page, watch = open_page(server)
    watch.allowed = ("404", "WebSocket")
    sign_in(page, email)
    send(page, f"{NAME} {script(upstream, Turn(text='Well.'))}")
    expect(answer(page)).to_contain_text("tokens")
    chat = page.url.removesuffix("/").rpartition("/")[2]
    server.call("PATCH", f"/api/chats/{chat}/", {"title": NAME}, token=token)
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)

    page.locator("#sharing").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(page.get_by_role("navigation")).to_contain_text(NAME)
    page.get_by_role("button", name="Rename or delete this chat").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(NAME)
    page.get_by_role("button", name="Keep it").click()
    page.goto(f"/{quote(NAME)}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("404")
    expect(page.locator("img[src=x]")).to_have_count(0)
    nothing_came_to_life_in_the_admin(open_page, server, chat)


def nothing_came_to_life_in_the_admin(open_page: Open, server: Server, chat: str) -> None:
    page, _ = open_page(server)
    sign_in(page)
    lists = ["accounts/user", "accounts/organization", "accounts/project", "chat/chat", "chat/run"]
    for path in ["", *(f"{each}/" for each in lists), f"chat/chat/{chat}/change/", "accounts/user/?q=%22%3E%3Cimg"]:
        answered = page.goto(f"/admin/{path}")
        assert answered is not None and answered.ok, path
        expect(page.locator("img[src=x]")).to_have_count(0)
    page.goto("/admin/accounts/user/")
    expect(page.locator("#content")).to_contain_text(NAME)
