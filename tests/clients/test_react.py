"""The hook of docs/react.md, as it stands there, with React as npm has it, at another origin."""

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests import environment
from tests.browser.conftest import WAIT_MS, browser
from tests.clients.node import installed
from tests.live import Server
from tests.servers import free_port
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
__all__ = ["browser"]  # a fixture

DOCS = environment.ROOT / "docs" / "react.md"
# npm has them as CommonJS, for bundlers; the page has none, so each becomes a module here.
PACKAGES = {
    "react": "react/cjs/react.production.js",
    "scheduler": "scheduler/cjs/scheduler.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
}
IMPORTS = {name: f"/packages/{name}" for name in PACKAGES}
PAGE = """<!doctype html><title>React</title><div id="root"></div>
<script type="importmap">%s</script><script type="module" src="/app.js"></script>"""
APP = """import { createElement as element, Fragment, StrictMode, useLayoutEffect } from "react";
import { createRoot } from "react-dom/client";
import { useParley } from "/useParley.js";
const { base, chat } = await (await fetch("/given")).json();
function Chat({ chat }) {
  const found = useParley({ base, chat, token: async () => (await fetch("/token")).text() });
  window.found = found;
  document.getElementById("root").dataset.drawn = "yes";
  const drawn = [chat, found.answer.text, ...found.messages.map(({ content }) => content)].join(" ");
  useLayoutEffect(() => void (window.drawn ??= []).push(drawn)); // what the page has, and not what React threw away
  const said = ({ id, role, content }) => element("p", { key: id, className: role }, content);
  return element(Fragment, null, ...found.messages.map(said));
}
const root = createRoot(document.getElementById("root"));
window.show = (id = chat) => root.render(element(StrictMode, null, element(Chat, { chat: id })));
window.hide = () => root.render(null);
window.show();
"""


class Site:
    """A page that uses the hook: the scripts of the docs, our parley.js, React; and a backend that gives tokens."""

    def __init__(self, packages: Path) -> None:
        self.packages, self.url = packages, f"http://localhost:{free_port()}"
        self.given: dict[str, str] = {}
        self.token = ""
        self.server: Server | None = None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, content = site.answer(urlsplit(self.path).path)
                self.send_response(200)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write(content.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.httpd = ThreadingHTTPServer(("127.0.0.1", urlsplit(self.url).port or 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def answer(self, path: str) -> tuple[str, str]:
        assert self.server is not None
        if path.startswith("/packages/"):
            return "text/javascript", self._package(path.removeprefix("/packages/"))
        match path:
            case "/useParley.js":
                return "text/javascript", hook()
            case "/parley.js":
                return "text/javascript", (environment.ROOT / "static" / "parley.js").read_text()
            case "/app.js":
                return "text/javascript", APP
            case "/given":
                return "application/json", json.dumps(self.given)
            case "/token":
                self.token = self.token or self.server.token()  # to make one is to hash a password
                return "text/plain", self.token
        return "text/html", PAGE % json.dumps({"imports": IMPORTS})

    def _package(self, name: str) -> str:
        source = (self.packages / PACKAGES[name]).read_text()
        needed = [each for each in re.findall(r'require\("([^"]+)"\)', source) if each in PACKAGES]
        imports = "".join(f'import * as m{at} from "{each}";\n' for at, each in enumerate(needed))
        table = ", ".join(f'"{each}": m{at}.default' for at, each in enumerate(needed))
        names = sorted(set(re.findall(r"^exports\.(\w+) =", source, re.MULTILINE)))
        made = "".join(f"export const {each} = made.{each};\n" for each in names)
        return (
            f"{imports}const made = {{}}, needed = {{ {table} }}, process = {{ env: {{ NODE_ENV: 'production' }} }};\n"
            f"((exports, require) => {{ {source}\n}})(made, (name) => needed[name]);\n{made}export default made;"
        )


def hook() -> str:
    """The first block of code in the docs."""
    (found, *_) = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert "export function useParley" in found
    return str(found)


@pytest.fixture(scope="module")
def site(upstream: Upstream) -> Iterator[Site]:
    site = Site(installed() / "node_modules")
    site.server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", CORS_ALLOWED_ORIGINS=site.url).start()
    yield site
    site.httpd.shutdown()
    site.server.close()


@pytest.fixture
def page(site: Site, browser: Any) -> Iterator[Page]:
    assert site.server is not None
    alice: Client = client(site.server)
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    site.given = {"base": site.server.url, "chat": alice.post("/api/chats/", {"organization": organization})["id"]}
    page = browser.new_context().new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site.url)
    page.wait_for_selector("#root[data-drawn]", state="attached")
    assert not errors
    yield page
    page.context.close()
    assert not errors


def until(page: Page, expression: str) -> None:
    end = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression}: {page.evaluate('window.found?.answer')}"
        page.wait_for_timeout(20)


def send(page: Page, upstream: Upstream, turn: Turn) -> None:
    mark = key()
    upstream.script(turn, key=mark)
    page.evaluate("(text) => found.send(text)", f"[[key={mark}]] Hello")


def test_it_streams_and_ends_with_the_stored_messages(page: Page, upstream: Upstream) -> None:
    gate = key()
    send(page, upstream, Turn(text=["One ", "two ", "three."], gate=gate, gate_at=3))
    until(page, "found.answer.text === 'One two '")
    assert page.evaluate("found.answer.status") == "writing"
    upstream.release(gate)
    until(page, "found.messages.length === 2 && found.answer.status === 'completed'")
    assert page.locator("p.assistant").inner_text() == "One two three."


def test_a_component_that_comes_back_goes_on_with_what_runs(page: Page, upstream: Upstream) -> None:
    gate = key()
    send(page, upstream, Turn(text=["Begun, ", "and done."], gate=gate, gate_at=2))
    until(page, "found.answer.text === 'Begun, '")
    page.evaluate("hide()")
    page.evaluate("show()")
    until(page, "found.answer.text === 'Begun, '")
    upstream.release(gate)
    until(page, "found.messages.at(-1)?.content === 'Begun, and done.'")


def test_another_chat_shows_nothing_of_the_one_before(page: Page, site: Site, upstream: Upstream) -> None:
    """Neither what was there, nor what comes for it later: a history, a message on its way, the rest of an answer."""
    assert site.server is not None
    alice: Client = client(site.server)
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    other = alice.post("/api/chats/", {"organization": organization})["id"]
    gate, mark = key(), key()
    send(page, upstream, Turn(text=["Of the ", "first."], gate=gate, gate_at=2))
    until(page, "found.answer.text === 'Of the '")
    upstream.script(Turn(text=["Later."]), key=mark)
    page.evaluate("([chat, text]) => { window.sent = found.send(text); show(chat); }", [other, f"[[key={mark}]] Last"])
    upstream.release(gate)
    page.evaluate("sent.catch(() => {})")
    page.wait_for_timeout(500)
    assert page.evaluate("[found.messages, found.answer]") == [[], {"text": "", "status": "idle", "error": None}]
    drawn = page.evaluate("(chat) => drawn.filter((each) => each.startsWith(chat))", other)
    assert drawn and {each.strip() for each in drawn} == {other}, "not even once"
    send(page, upstream, Turn(text=["Of the second."]))
    until(page, "found.messages.at(-1)?.content === 'Of the second.'")
    page.evaluate("show()")
    until(page, "found.messages.some(({ content }) => content === 'Of the first.')")


def test_stop_stops(page: Page, upstream: Upstream) -> None:
    gate = key()
    send(page, upstream, Turn(text=["Half ", "more"], gate=gate, gate_at=2))
    until(page, "found.answer.text === 'Half '")
    page.evaluate("found.stop()")
    until(page, "found.answer.status === 'cancelled'")
    upstream.release(gate)


def test_what_fails_is_told(page: Page, site: Site) -> None:
    site.given["chat"] = "00000000-0000-4000-8000-000000000000"
    page.reload()
    until(page, "window.found?.answer.status === 'failed'")
    assert page.evaluate("found.answer.error.code") == "not_found"
