"""The chat on a page of another site, in Chromium with third-party cookies blocked; its person signs in by exchange."""

import http.server
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from playwright.sync_api import Browser, Error, Frame, Page, Request, expect, sync_playwright

from tests import environment
from tests.accounts.sso.sample import registered
from tests.browser import conftest
from tests.browser.steps import gated, script
from tests.live import Server
from tests.servers import free_port
from tests.streams import Client, client
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.browser, pytest.mark.live]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shop</title><h1>A shop</h1><p>Ask us anything.</p><button id="before">Before</button>
<parley-chat %(attributes)s></parley-chat>
<script type="module" src="%(server)s/static/embed.js"></script><script src="/host.js"></script>"""
# A page of its own policy, as docs/embed.md says it: nothing inline.
POLICY = "default-src 'none'; connect-src 'self'; script-src 'self' {0}; style-src {0}; frame-src {0}; img-src 'self'"
ALICE, CHARLIE = "alice@example.com", "charlie@example.com"
SCRIPT = """const chat = document.querySelector("parley-chat");
window.heard = [];
for (const name of ["ready", "open", "close", "message", "error", "token-needed"])
  chat.addEventListener(`parley:${name}`, ({ detail }) => heard.push({ name, ...detail }));
if (!chat.hasAttribute("token")) chat.tokenProvider = async () => (await fetch("/token")).text();
"""


# The view of docs/embed.md, by which the site's backend gets its person's token.
SAMPLE = re.search(r"```python\n(.*?)```", (environment.ROOT / "docs" / "embed.md").read_text(), re.DOTALL)
ROSA = SimpleNamespace(is_authenticated=True, pk=7, get_full_name=lambda: "Rosa")  # signed in at the site


class Shop:
    """A customer's site: its own origin, its own sign-in, and a backend that gets tokens for its people."""

    def __init__(self, name: str = "localhost") -> None:
        self.server: Server | None = None
        self.attributes, self.asked, self.key, self.token = "", 0, "", ""
        self.user: Any = ROSA
        self.person = ""  # who has a password there, in place of the user
        self.gives: str | None = None  # in place of a token
        self.url = f"http://{name}:{free_port()}"
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, content = shop.answer(urlsplit(self.path).path)
                self.send_response(200)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                assert shop.server is not None
                self.send_header("Content-Security-Policy", POLICY.format(shop.server.url))
                self.end_headers()
                self.wfile.write(content.encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", urlsplit(self.url).port or 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def answer(self, path: str) -> tuple[str, str]:
        assert self.server is not None
        if path == "/token":
            self.asked += 1
            if self.gives is not None:
                return "text/plain", self.gives
            self.token = self.server.token(self.person) if self.person else self.chat_token().content.decode()
            return "text/plain", self.token
        if path == "/host.js":
            return "text/javascript", SCRIPT
        return "text/html", PAGE % {"attributes": self.attributes, "server": self.server.url}

    def chat_token(self) -> HttpResponse:
        assert self.server is not None and SAMPLE is not None
        view: dict[str, Any] = {}
        exec(SAMPLE[1], view)
        request = RequestFactory().get("/chat-token")
        request.user = self.user
        with mock.patch.dict(os.environ, {"PARLEY": self.server.url, "PARLEY_PRIVATE_KEY": self.key}):
            answer = view["chat_token"](request)
        assert isinstance(answer, HttpResponse)
        return answer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(conftest.shutil.which, conftest.PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=conftest.WAIT_MS)
        blocked = "--test-third-party-cookie-phaseout"
        browser = playwright.chromium.launch(executable_path=program, args=[*conftest.ARGUMENTS, blocked])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shops(upstream: Upstream) -> Iterator[tuple[Shop, Shop]]:
    """A listed one and one that is not, with one server."""
    listed, other = Shop(), Shop()
    own = {"EMBED_ORIGINS": listed.url, "PARLEY_NAME": "Harbor", "TOOLS_ASK_FIRST": "write_file"}
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **own)
    listed.server = other.server = server.start()
    listed.key = other.key = registered(server, default_role="editor")
    yield listed, other
    server.close()
    for each in (listed, other):
        each.httpd.shutdown()


@pytest.fixture
def shop(shops: tuple[Shop, Shop]) -> Shop:
    shops[0].attributes, shops[0].asked, shops[0].user = "", 0, ROSA
    shops[0].person, shops[0].gives = "", None
    return shops[0]


@pytest.fixture(scope="module")
def charlie(shops: tuple[Shop, Shop]) -> str:
    """The address of somebody of another organization, on the same server."""
    assert shops[0].server is not None
    shops[0].server.quickly("create_user", CHARLIE, "--organization", "Elsewhere", "--role", "owner")
    return CHARLIE


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(shop)` is its page. What the console says, and cookies that are sent, fail the test."""
    opened: list[tuple[Page, list[str], tuple[str, ...]]] = []

    def visit(shop: Shop, *, allowed: tuple[str, ...] = (), **options: Any) -> Page:
        page = browser.new_context(**options).new_page()
        found: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and found.append(said.text))
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on("request", lambda request: found.extend(cookies_of(request)))
        opened.append((page, found, allowed))
        page.goto(shop.url)
        return page

    yield visit
    for page, found, allowed in opened:
        page.context.close()
        assert not [each for each in found if not any(piece in each for piece in allowed)]


def cookies_of(request: Request) -> list[str]:
    return [f"a cookie to {request.url}"] if "cookie" in request.headers else []


def launcher(page: Page) -> Any:
    return page.get_by_role("button", name="Chat")


def frame(page: Page) -> Any:
    return page.frame_locator("parley-chat iframe")


def say(page: Page, text: str) -> None:
    box = frame(page).get_by_label("Message", exact=True)
    box.fill(text)
    box.press("Enter")


def until(page: Page, expression: str) -> None:
    """Wait until it is so. Asked from here: the page's policy lets no text be run in it."""
    end = time.monotonic() + conftest.WAIT_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression}: {page.evaluate('window.heard')}"
        page.wait_for_timeout(20)


def heard(page: Page, name: str) -> list[dict[str, Any]]:
    return [each for each in page.evaluate("window.heard") if each["name"] == name]


def test_it_opens_signs_in_streams_and_survives_a_reload(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    page = visit(shop)
    assert page.locator("parley-chat iframe").count() == 0, "nothing is loaded before it is opened"
    launcher(page).click()
    expect(frame(page).get_by_role("heading", level=1)).to_have_text("Harbor")
    expect(frame(page).get_by_label("Message", exact=True)).to_be_focused()
    gate = uuid4().hex
    say(page, script(upstream, gated(gate, ["**Half** "], "and the rest.")) + " Hello")
    answer = frame(page).get_by_role("article").last
    expect(answer).to_contain_text("Half")
    page.reload()
    launcher(page).click()
    expect(frame(page).get_by_role("article").first).to_contain_text("Hello")
    expect(answer).to_contain_text("Half")
    upstream.release(gate)
    expect(answer).to_contain_text("and the rest.")
    expect(answer.locator("strong")).to_have_text("Half")
    expect(answer.locator(".end")).to_contain_text("tokens")
    assert shop.asked == 2, "one token for each load of the page, held in memory alone"
    assert shop.server is not None
    (chat,) = {each["chat"] for each in heard(page, "ready")}
    kept = page.evaluate("JSON.stringify(sessionStorage)")
    assert chat in kept and "Hello" not in kept, "an id, and no word"
    inner = next(each for each in page.frames if "/embed/" in each.url)
    with pytest.raises(Error, match="SecurityError"):
        inner.evaluate("sessionStorage.length")  # third-party cookies are blocked, or this shows nothing
    rosa = Client(shop.server, shop.token)
    assert len(rosa.get(f"/api/chats/{chat}/messages/")["results"]) == 2
    assert rosa.get("/api/users/me/")["name"] == "Rosa", "who has no password here"
    assert page.context.cookies() == []
    frame(page).get_by_role("button", name="New chat").click()
    expect(frame(page).get_by_role("article")).to_have_count(0)
    expect(frame(page).get_by_label("Message", exact=True)).to_be_editable()


def test_who_is_not_signed_in_at_the_site_gets_no_token(shop: Shop) -> None:
    shop.user = AnonymousUser()
    answer = shop.chat_token()
    assert (answer.status_code, answer.content) == (401, b"")


def test_the_page_is_told_of_states_and_never_of_what_was_said(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    shop.attributes = "open"
    page = visit(shop)
    say(page, script(upstream, Turn(text=["a secret answer"])) + " a secret question")
    expect(frame(page).get_by_role("article").last).to_contain_text("a secret answer")
    until(page, "heard.some((each) => each.state === 'completed')")
    assert [each["state"] for each in heard(page, "message")] == ["queued", "completed"]
    assert "secret" not in json.dumps(page.evaluate("window.heard"))


def test_the_keyboard_opens_and_closes_it_and_the_focus_comes_back(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(shop)
    page.locator("#before").focus()
    page.keyboard.press("Tab")
    expect(launcher(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(frame(page).get_by_label("Message", exact=True)).to_be_focused()
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(launcher(page)).to_be_focused()
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    expect(page.locator("parley-chat iframe")).to_be_hidden()
    assert [each["name"] for each in page.evaluate("window.heard")] == ["open", "ready", "close"]


FORGE = """() => {
  const frame = document.querySelector("parley-chat").shadowRoot.querySelector("iframe").contentWindow;
  const { port1, port2 } = new MessageChannel();
  window.leaked = [];
  port1.onmessage = ({ data }) => leaked.push(data);
  frame.postMessage({ type: "parley:start", inline: null }, "*", [port2]);
  frame.postMessage({ type: "theme", value: "dark" }, "*");
  for (const type of ["token", "theme"]) port1.postMessage({ type, value: "dark" });
  for (const type of ["close", "message", "error"]) window.postMessage({ type, value: { code: "forged" } }, "*");
}"""
PUT_A_FRAME = """(url) => {
  const frame = document.createElement("iframe");
  document.body.append(Object.assign(frame, { name: "bare", src: url }));
}"""
BEGIN_FROM_ELSEWHERE = """async () => {
  const { port1, port2 } = new MessageChannel();
  const told = [];
  port1.onmessage = ({ data }) => told.push(data);
  opener.frames.bare.postMessage({ type: "parley:start", inline: null }, "*", [port2]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  return told;
}"""


def test_a_forged_beginning_and_forged_messages_change_nothing(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    """To a frame that has begun, and to the page: neither hears anything but its end of their channel."""
    shop.attributes = "open"
    page = visit(shop)
    until(page, "heard.some((each) => each.name === 'ready')")
    theme = frame(page).locator("html").get_attribute("data-theme")
    page.evaluate(FORGE)
    page.wait_for_timeout(300)
    assert page.evaluate("leaked") == []
    assert frame(page).locator("html").get_attribute("data-theme") == theme
    assert [each["name"] for each in page.evaluate("heard")] == ["ready"]
    say(page, script(upstream, Turn(text=["Still here."])) + " Hi")
    expect(frame(page).get_by_role("article").last).to_contain_text("Still here.")


def test_a_window_that_is_not_its_parent_begins_nothing(shop: Shop, visit: Callable[..., Page]) -> None:
    """Also where it is of the listed origin: a frame that waits for its page asks no other for a token."""
    page = visit(shop)
    assert shop.server is not None
    page.evaluate(PUT_A_FRAME, f"{shop.server.url}/embed/")
    expect(page.frame_locator("iframe[name=bare]").get_by_role("heading", level=1)).to_have_text("Harbor")
    with page.expect_popup() as popup:
        page.evaluate("void open('/elsewhere')")
    popup.value.wait_for_load_state()
    assert popup.value.evaluate(BEGIN_FROM_ELSEWHERE) == []


def test_at_an_origin_that_is_not_listed_nothing_loads(shops: tuple[Shop, Shop], visit: Callable[..., Page]) -> None:
    other = shops[1]
    other.attributes = "open"
    page = visit(other, allowed=("frame-ancestors", "CORS", "net::ERR_", "Failed to load", "postMessage"))
    page.wait_for_timeout(500)
    assert page.evaluate("customElements.get('parley-chat') === undefined"), "nor is the script"
    assert other.server is not None
    page.evaluate(PUT_A_FRAME, f"{other.server.url}/embed/")
    page.wait_for_timeout(500)
    inner: list[Frame] = [each for each in page.frames if each != page.main_frame]
    assert inner and all("chrome-error" in each.url for each in inner), [each.url for each in inner]


def test_a_token_that_ends_is_asked_for_again_and_one_that_never_held_is_told(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    shop.attributes = 'open token="none"'
    page = visit(shop, allowed=("401",))
    until(page, "heard.some((each) => each.name === 'token-needed')")
    page.evaluate("async () => chat.setAttribute('token', await (await fetch('/token')).text())")
    expect(frame(page).get_by_label("Message", exact=True)).to_be_editable()
    say(page, script(upstream, Turn(text=["Signed in."])) + " Hi")
    expect(frame(page).get_by_role("article").last).to_contain_text("Signed in.")


def test_a_tool_that_asks_first_is_allowed_in_the_frame(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    assert shop.server is not None
    project = client(shop.server).get("/api/projects/")["results"][0]["id"]
    shop.attributes = f'open project="{project}" archetype="project_navigator"'
    page = visit(shop)
    called = ScriptedCall(name="write_file", arguments={"path": "note.md", "content": "Hello"})
    say(page, script(upstream, Turn(tool_calls=[called]), Turn(text=["It is written."])) + " Write it.")
    answer = frame(page).get_by_role("article").last
    answer.get_by_role("button", name="Allow once").click()
    expect(answer).to_contain_text("It is written.")
    expect(answer.locator(".tool")).to_have_attribute("data-status", "returned")


def test_in_the_page_it_grows_with_what_is_said_within_its_bounds(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    shop.attributes = 'inline theme="dark" lang="de"'
    page = visit(shop)
    place = page.locator("parley-chat iframe")
    expect(frame(page).get_by_label("Nachricht", exact=True)).to_be_editable()
    assert frame(page).locator("html").get_attribute("data-theme") == "dark"
    before = place.bounding_box()
    box = frame(page).get_by_label("Nachricht", exact=True)
    box.fill(script(upstream, Turn(text=["line\n\n"] * 60)) + " Hallo")
    box.press("Enter")
    expect(frame(page).get_by_role("article").last).to_contain_text("line")
    assert before
    until(page, f"chat.shadowRoot.querySelector('iframe').offsetHeight > {before['height'] + 100}")
    after = place.bounding_box()
    assert after and after["height"] <= 44 * 16
    expect(launcher(page)).to_have_count(0)


def test_who_comes_back_as_somebody_else_sees_nothing_of_the_first(
    shop: Shop, charlie: str, visit: Callable[..., Page], upstream: Upstream
) -> None:
    page = visit(shop, allowed=("404",))  # that chat is not there, for who comes back
    launcher(page).click()
    say(page, script(upstream, Turn(text=["For Alice alone."])) + " Mine")
    expect(frame(page).get_by_role("article").last).to_contain_text("For Alice alone.")
    (chat,) = {each["chat"] for each in heard(page, "message")}
    assert shop.server is not None
    other = shop.server.token(charlie)
    shop.attributes = f'open token="{other}" chat="{chat}"'
    page.context.clear_cookies()
    page.reload()
    expect(frame(page).get_by_label("Message", exact=True)).to_be_editable()
    expect(frame(page).get_by_role("article")).to_have_count(0)
    assert "Alice alone" not in frame(page).locator("body").inner_text()


@pytest.mark.parametrize("way", ["another token", "none, then another", "the element again"])
def test_whom_the_page_signs_in_next_finds_nothing_of_the_first_and_writes_as_themselves(
    way: str, shop: Shop, charlie: str, visit: Callable[..., Page], upstream: Upstream
) -> None:
    assert shop.server is not None
    is_asked = way == "the element again"
    shop.attributes = "open" if is_asked else f'open token="{shop.server.token()}"'
    shop.person = ALICE
    page = visit(shop)
    say(page, script(upstream, Turn(text=["For Alice alone."])) + " Mine")
    expect(frame(page).get_by_role("article").last).to_contain_text("For Alice alone.")
    (chat,) = {each["chat"] for each in heard(page, "message")}
    shop.person = charlie
    if is_asked:
        page.evaluate("document.body.append(chat)")
    if way == "none, then another":
        page.evaluate("chat.removeAttribute('token')")
        expect(frame(page).locator("#state")).to_contain_text("To write here, sign in on this page.")
        expect(frame(page).get_by_role("article")).to_have_count(0)
    if not is_asked:
        page.evaluate("(token) => chat.setAttribute('token', token)", shop.server.token(charlie))
    until(page, "heard.filter((each) => each.name === 'ready').length === 2")
    expect(frame(page).get_by_role("article")).to_have_count(0)
    say(page, script(upstream, Turn(text=["For Charlie."])) + " Whose?")
    expect(frame(page).get_by_role("article").last).to_contain_text("For Charlie.")
    assert heard(page, "message")[-1]["chat"] != chat
    assert len(client(shop.server).get(f"/api/chats/{chat}/messages/")["results"]) == 2


def test_a_new_token_of_the_same_person_changes_nothing_that_is_seen(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    assert shop.server is not None
    shop.attributes = f'open token="{shop.server.token()}"'
    page = visit(shop)
    until(page, "heard.some((each) => each.name === 'ready')")
    frame(page).get_by_label("Message", exact=True).fill("Half a")
    with page.expect_response("**/api/users/me/"):
        page.evaluate("(token) => chat.setAttribute('token', token)", shop.server.token())
    page.wait_for_timeout(200)
    expect(frame(page).get_by_label("Message", exact=True)).to_have_value("Half a")
    assert [each["name"] for each in page.evaluate("heard")] == ["ready"]


@pytest.mark.parametrize("given", ["", "<!doctype html>\n<h1>Sign in \u2026</h1>"])
def test_who_has_no_token_is_told_at_once_to_sign_in_and_the_server_is_asked_nothing(
    given: str, shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    shop.attributes, shop.gives = 'open lang="de"', given
    page = visit(shop)
    page.on("request", lambda request: heard_of.append(request.url))
    heard_of: list[str] = []
    expect(frame(page).locator("#state")).to_contain_text("Zum Schreiben bitte auf dieser Seite anmelden.")
    assert heard(page, "token-needed") and not [each for each in heard_of if "/api/" in each]
    shop.gives = None
    frame(page).get_by_role("button", name="Noch einmal").click()
    expect(frame(page).get_by_label("Nachricht", exact=True)).to_be_editable()


def test_of_several_organizations_the_server_knows_where_a_chat_goes(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    """Of the first one she is a viewer, and what she begins in the other is no choice for good."""
    assert shop.server is not None
    for name, role in (("First organization", "viewer"), ("Vera's", "owner")):
        shop.server.quickly("create_user", "vera@example.com", "--organization", name, "--role", role)
    shop.attributes, shop.person = "open", "vera@example.com"
    page = visit(shop)
    say(page, script(upstream, Turn(text=["In hers."])) + " Hi")
    expect(frame(page).get_by_role("article").last).to_contain_text("In hers.")


def test_a_chat_that_is_gone_is_told_and_the_one_begun_instead_is_gone_on_with(
    shop: Shop, visit: Callable[..., Page], upstream: Upstream
) -> None:
    shop.attributes = f'open chat="{uuid4()}"'
    page = visit(shop, allowed=("404",))
    until(page, "heard.some((each) => each.name === 'ready')")
    assert [each["code"] for each in heard(page, "error")] == ["not_found"]
    say(page, script(upstream, Turn(text=["Instead."])) + " Hi")
    until(page, "heard.some((each) => each.state === 'completed')")
    page.reload()
    expect(frame(page).get_by_role("article").last).to_contain_text("Instead.")
    expect(frame(page).get_by_role("button", name="New chat")).to_be_visible()


def test_no_button_is_shown_that_does_nothing_here(shop: Shop, visit: Callable[..., Page], upstream: Upstream) -> None:
    assert shop.server is not None
    shop.attributes = "open"
    page = visit(shop)
    say(page, script(upstream, Turn(text=["One."]), Turn(text=["Two."])) + " Hi")
    until(page, "heard.some((each) => each.state === 'completed')")
    message = heard(page, "message")[-1]["message"]
    key = {"Idempotency-Key": uuid4().hex}
    path = f"/api/messages/{message}/regenerate/"
    assert shop.server.call("POST", path, {}, token=shop.token, headers=key).status == 201
    page.reload()
    expect(frame(page).get_by_role("article").last).to_contain_text("Two.")
    expect(frame(page).locator("[data-action=version]")).to_have_count(2)
    for each in frame(page).locator("[data-action=version]").all():
        expect(each).to_be_hidden()


def test_a_frame_that_does_not_answer_is_closed_and_tried_again(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(shop, allowed=("net::ERR_", "postMessage"), viewport={"width": 390, "height": 800})
    expect(launcher(page)).to_be_visible()
    page.clock.install()
    page.route("**/embed/**", lambda route: route.abort())
    launcher(page).click()
    expect(page.locator("parley-chat iframe")).to_be_visible()
    page.clock.fast_forward(16_000)
    expect(page.locator("parley-chat iframe")).to_have_count(0)
    assert [each["name"] for each in page.evaluate("heard")] == ["open", "close", "error"]
    page.unroute("**/embed/**")
    launcher(page).click()
    expect(frame(page).get_by_label("Message", exact=True)).to_be_editable()


COLOURS = """() => {
  for (const name of ["--accent", "--on-accent"]) document.documentElement.style.setProperty(name, "#fff");
  const { backgroundColor, color } = getComputedStyle(chat.shadowRoot.querySelector("button"));
  return [backgroundColor, color];
}"""
WITHOUT_STORAGE = """() => {
  Object.defineProperty(window, "sessionStorage", { get: () => { throw new DOMException("no", "SecurityError"); } });
  chat.setAttribute("open", "");
}"""


def test_the_page_has_colours_of_its_own_and_perhaps_no_storage(shop: Shop, visit: Callable[..., Page]) -> None:
    page = visit(shop)
    expect(launcher(page)).to_be_visible()
    assert page.evaluate(COLOURS) == ["rgb(31, 95, 168)", "rgb(255, 255, 255)"]
    assert page.evaluate("'tokenProvider' in document.createElement('parley-chat')"), "or React sets none"
    page.evaluate(WITHOUT_STORAGE)
    expect(frame(page).get_by_label("Message", exact=True)).to_be_editable()


def test_two_on_a_page_keep_their_own_chats(shop: Shop, visit: Callable[..., Page], upstream: Upstream) -> None:
    assert shop.server is not None
    token = f'token="{shop.server.token()}"'
    shop.attributes = f'open {token}></parley-chat><parley-chat id="other" inline archetype="generalist" {token}'
    page = visit(shop)
    told = {"parley-chat[open]": "First.", "#other": "Second."}
    for place, text in told.items():
        inner = page.frame_locator(f"{place} iframe")
        box = inner.get_by_label("Message", exact=True)
        box.fill(script(upstream, Turn(text=[text])) + " Hi")
        box.press("Enter")
        expect(inner.get_by_role("article").last).to_contain_text(text)
    page.reload()
    for place, text in told.items():
        expect(page.frame_locator(f"{place} iframe").get_by_role("article").last).to_contain_text(text)
