"""The chat page as a person uses it, found by role and name, in a real Chromium against a real server."""

import re
from collections.abc import Callable
from urllib.parse import urljoin
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Watch, sign_in
from tests.browser.steps import answer, box, gated, script, send, state
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.smoke, pytest.mark.live]

LIST = Turn(tool_calls=[ScriptedCall("list_files", {})])
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> ![i](https://evil.test/i.png) <style>*{display:none}</style>"
    " [a](javascript:alert(3)) [b](//evil.test/b) [c](data:text/html,x) <svg onload=alert(4)>\n\n"
    '<iframe src="https://evil.test/f"></iframe>\n\n[d]: https://evil.test/d\n![d] </template></article>&lt;b&gt;'
)


AT_END = """() => {
  const log = document.getElementById("log");
  return log.scrollHeight - log.clientHeight - log.scrollTop < 2 && log.scrollTop > 500;
}"""


# Blocks that were whole, the tool's card, and all in them.
MARK_DRAWN = """() => {
  const wholes = [...document.querySelectorAll(".assistant .tool, .text > :not(.rest)")];
  window.drawn = wholes.flatMap((each) => [each, ...each.querySelectorAll("*")]);
}"""
LEFT_OF_DRAWN = "() => drawn.filter((each) => each.isConnected).length"


def test_tools_and_text_come_and_a_reload_in_mid_answer_goes_on(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    key = script(upstream, LIST, gated(gate, ["It is **in ", "README.md**, "], "and nowhere else."))
    send(page, f"Where is it? {key}")
    card = answer(page).get_by_role("group").filter(has_text="list_files")
    expect(card).to_be_visible()
    expect(answer(page)).to_contain_text("It is **in README.md**,")
    expect(state(page)).to_contain_text("Writing")
    card.get_by_text("list_files").click()
    expect(card).to_contain_text("Result")
    expect(card.locator(".result")).to_contain_text("README.md")
    expect(page).to_have_url(re.compile(r"/chats/[0-9a-f-]{36}/$"))

    page.reload()
    expect(answer(page)).to_contain_text("It is **in README.md**,")
    expect(answer(page)).to_contain_text("list_files")
    expect(state(page)).to_contain_text("Writing")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("It is in README.md, and nowhere else.")
    expect(answer(page).locator("strong")).to_have_text("in README.md")
    expect(answer(page)).to_contain_text("tokens")
    expect(state(page)).to_have_text("")

    expect(answer(page).locator("details.end")).to_be_visible()  # as it is stored
    watched = answer(page).inner_text()
    page.reload()
    expect(answer(page).locator("strong")).to_have_text("in README.md")
    assert answer(page).inner_text() == watched
    expect(page.get_by_role("article")).to_have_count(2)


def test_what_was_drawn_stays_when_the_answer_is_over(page: Page, upstream: Upstream) -> None:
    """Its stored form is the same; put in its place it would end a selection, and cost a frame."""
    gate = uuid4().hex
    text = "First.\n\n- one\n- two\n\n```python\nx = 1\n```\n\nLast"
    send(page, f"Go on {script(upstream, LIST, gated(gate, [text], ' words.'))}")
    expect(answer(page)).to_contain_text("Last")
    page.evaluate(MARK_DRAWN)
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    expect(answer(page)).to_contain_text("Last words.")
    assert page.evaluate("document.querySelectorAll('.assistant .parts *').length") > page.evaluate(LEFT_OF_DRAWN) > 8
    assert page.evaluate(LEFT_OF_DRAWN) == page.evaluate("drawn.length")


def test_stop_keeps_what_had_come(page: Page, upstream: Upstream) -> None:
    key = script(upstream, gated(uuid4().hex, ["So much ", "and "], "no more"))
    send(page, f"Tell me {key}")
    expect(answer(page)).to_contain_text("So much and")
    page.get_by_role("button", name="Stop").click()
    expect(answer(page)).to_contain_text("Stopped by you")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(box(page)).to_be_focused()
    page.reload()
    expect(answer(page)).to_contain_text("So much and")
    expect(answer(page)).to_contain_text("Stopped by you")


def test_a_message_sent_meanwhile_waits_its_turn(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(page, f"One {script(upstream, gated(gate, ['first '], 'answer'))}")
    expect(answer(page)).to_contain_text("first")
    send(page, f"Two {script(upstream, Turn(text='second answer'))}")
    expect(answer(page)).to_contain_text("Waiting: 1 answer before yours")
    page.reload()
    expect(answer(page)).to_contain_text("Waiting: 1 answer before yours")
    upstream.release(gate)
    expect(page.get_by_role("article").nth(1)).to_contain_text("first answer")
    expect(answer(page)).to_contain_text("second answer")


def test_a_failed_answer_says_why_and_can_be_asked_for_again(page: Page, upstream: Upstream) -> None:
    key = script(upstream, Turn(fault="401"), Turn(text="Now it works."))
    send(page, f"Try {key}")
    expect(answer(page)).to_contain_text("refused our credentials")
    answer(page).get_by_role("button", name="Retry").click()
    expect(answer(page)).to_contain_text("Now it works.")
    expect(answer(page)).to_contain_text("tokens")
    expect(page.get_by_role("article")).to_have_count(2)


def test_a_retry_is_told_while_it_is_waited_for(page: Page, upstream: Upstream) -> None:
    key = script(upstream, Turn(fault="503", retry_after="1"), Turn(text="Here I am."))
    send(page, f"Again {key}")
    expect(state(page)).to_contain_text("The model did not answer. Trying again in")
    expect(answer(page)).to_contain_text("Here I am.")


def test_a_watched_answer_survives_the_death_of_the_server(
    open_page: Callable[..., tuple[Page, Watch]], new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server().start()
    page, watch = open_page(server)
    watch.allowed = ("net::ERR_", "WebSocket connection", "503", "502")
    sign_in(page)
    key = script(upstream, LIST, gated(uuid4().hex, ["half an "], "lost"), Turn(text="The whole right answer."))
    send(page, f"Tell me {key}")
    expect(answer(page)).to_contain_text("half an")
    server.kill()
    expect(state(page)).to_contain_text("Reconnecting")
    server.start_process()
    expect(answer(page)).to_contain_text("The whole right answer.", timeout=30_000)
    expect(answer(page)).to_contain_text("tokens")
    expect(answer(page)).not_to_contain_text("half an")
    expect(answer(page).get_by_text("list_files")).to_have_count(1)


def test_what_cannot_be_sent_goes_back_to_the_composer(
    open_page: Callable[..., tuple[Page, Watch]], server: Server
) -> None:
    page, watch = open_page(server)
    watch.allowed = ("400",)
    sign_in(page)
    page.evaluate("document.querySelector('textarea').removeAttribute('maxlength')")
    long = "x" * 100_001
    send(page, long)
    expect(state(page)).to_contain_text("At most 100,000 characters fit.")
    expect(box(page)).to_have_value(long)
    expect(page.get_by_role("article")).to_have_count(0)


def test_hostile_text_is_shown_and_never_run(page: Page, upstream: Upstream) -> None:
    call = ScriptedCall("read_file", {"path": HOSTILE})
    pieces = [HOSTILE[at : at + 3] for at in range(0, len(HOSTILE), 3)]
    send(page, f"{HOSTILE} {script(upstream, Turn(tool_calls=[call]), Turn(text=pieces))}")
    for _ in range(2):
        expect(answer(page)).to_contain_text("tokens")
        expect(answer(page)).to_contain_text("<script>alert(2)</script>")
        expect(page.get_by_role("article").first).to_contain_text("<img src=x")
        log = page.get_by_role("log")
        expect(log.locator("img, script, iframe, style, svg[onload], [onerror]")).to_have_count(0)
        links = [each.get_attribute("href") or "" for each in log.get_by_role("link").all()]
        assert all(link.startswith(("http://", "https://", "mailto:")) for link in links)
        page.reload()


def test_it_is_used_by_keyboard_alone(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    key = script(upstream, gated(gate, ["a ", "b "], "c"))
    expect(box(page)).to_be_focused()
    page.keyboard.type("First line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(f"second line {key}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article").first).to_contain_text("First line\nsecond line", use_inner_text=True)
    expect(answer(page)).to_contain_text("a b")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("Stopped by you")
    expect(box(page)).to_be_focused()


def test_the_reader_who_scrolled_up_is_left_where_they_are(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    key = script(upstream, gated(gate, [f"line {each}\n\n" for each in range(80)], "the end " * 500))
    send(page, f"Long {key}")
    expect(answer(page)).to_contain_text("line 79")
    log = page.get_by_role("log")
    page.wait_for_function(AT_END)
    log.hover()
    page.mouse.wheel(0, -400)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    top = log.evaluate("log => log.scrollTop")
    upstream.release(gate)
    expect(page.locator("#answer")).to_contain_text("Answer ready")
    assert log.evaluate("log => log.scrollTop") == top
    page.get_by_role("button", name="Jump to latest").click()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()


def test_a_reader_hears_states_and_the_answer_once_but_no_tokens(page: Page, upstream: Upstream) -> None:
    page.evaluate("""() => {
      window.heard = [];
      const hear = (changes) => changes.forEach((change) => heard.push(change.target.textContent));
      for (const id of ["status", "answer"]) {
        new MutationObserver(hear).observe(document.getElementById(id), {childList: true, characterData: true});
      }
    }""")
    send(page, f"Say {script(upstream, Turn(text=[f'word{each} ' for each in range(60)]))}")
    expect(page.locator("#answer")).to_contain_text("word0 word1")
    heard = [text for text in page.evaluate("heard") if text]
    assert len([text for text in heard if "word" in text]) == 1
    assert len(heard) <= 5
    assert page.get_by_role("log").get_attribute("aria-live") == "off"


def test_on_a_phone_the_list_opens_over_the_chat(open_page: Callable[..., tuple[Page, Watch]], server: Server) -> None:
    page, _ = open_page(server, viewport={"width": 390, "height": 844}, has_touch=True)
    sign_in(page)
    expect(page.get_by_role("navigation")).to_be_hidden()
    page.get_by_role("button", name="Open the list of chats").click()
    expect(page.get_by_role("navigation")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_who_may_only_read_watches_without_a_composer(
    open_page: Callable[..., tuple[Page, Watch]], server: Server, page: Page, upstream: Upstream
) -> None:
    gate = uuid4().hex
    send(page, f"Look {script(upstream, gated(gate, ['at ', 'this '], 'now'))}")
    expect(answer(page)).to_contain_text("at this")
    organization = server.call("GET", "/api/organizations/", token=server.token()).body["results"][0]["name"]
    chat = page.url.removesuffix("/").rpartition("/")[2]
    server.call("PATCH", f"/api/chats/{chat}/", {"sharing": "project"}, token=server.token())
    viewer = ("--organization", organization, "--role", "viewer")
    vera = f"vera-{uuid4().hex[:8]}@example.com"
    server.quickly("create_user", vera, *viewer)
    other, _ = open_page(server)
    sign_in(other, vera)
    other.goto(f"/chats/{chat}/")
    expect(answer(other)).to_contain_text("at this")
    upstream.release(gate)
    expect(answer(other)).to_contain_text("at this now")
    expect(answer(other)).to_contain_text("tokens")
    expect(other.get_by_role("textbox")).to_have_count(0)
    expect(other.get_by_role("button", name="Stop")).to_have_count(0)
    expect(other.get_by_role("button", name="Regenerate")).to_have_count(0)


def test_going_back_and_coming_again_goes_on_where_it_was(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(page, f"Wait {script(upstream, gated(gate, ['for ', 'me '], 'here'))}")
    expect(answer(page)).to_contain_text("for me")
    box(page).fill("a draft")
    page.get_by_role("navigation").get_by_role("link", name="Welcome", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    expect(box(page)).to_have_value("")
    page.go_back(wait_until="commit")
    expect(answer(page)).to_contain_text("for me")
    expect(box(page)).to_have_value("a draft")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("for me here")
    expect(answer(page)).to_contain_text("tokens")


def test_signing_out_leads_to_the_sign_in_page(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


IMPORTED = re.compile(r"""(?:from|import)\s*\(?"(\.[^"]+)""")


def test_scripts_and_styles_stay_small(open_page: Callable[..., tuple[Page, Watch]], server: Server) -> None:
    """Bytes as sent, in gzip: what a visit loads until it can be used, and all that it can load later."""
    page, _ = open_page(server)
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request) if "/static/" in request.url else None)
    sign_in(page)
    page.wait_for_load_state("networkidle")
    loaded: dict[str, int] = {}
    for request in asked:
        if request.url.endswith((".js", ".css")) and not request.url.endswith("login.css"):
            loaded[request.url] = max(loaded.get(request.url, 0), request.sizes()["responseBodySize"])
    first = sum(loaded.values())
    assert 30_000 < first < 77_000
    waiting = list(loaded)
    for url in waiting:  # the list grows
        answer = page.request.get(url)
        assert answer.headers["content-encoding"] == "gzip", url
        loaded[url] = int(answer.headers["content-length"])
        waiting += {urljoin(url, name) for name in IMPORTED.findall(answer.text())} - set(waiting)
    assert {"share.js", "slash.js", "files.js", "settings.js"} <= {url.rpartition("/")[2] for url in loaded}
    assert sum(loaded.values()) < 115_000
    print(f"{first} bytes at first, {sum(loaded.values())} with all that can come later")
