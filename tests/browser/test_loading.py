"""What a browser asks for: little when another chat is opened, and parley.js from a frontend of another origin."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, send
from tests.browser.test_everyday import newcomer
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
MOST_REQUESTS = 2  # the page, and the icon where a browser asks for that again
MOST_BYTES = 62_000  # with two chats in the list beside it; 17,000 of them are what the page says, in its language
# What came over the network for this page; what the browser had kept is 0 bytes.
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map(({ name, transferSize }) => [name, transferSize]).filter(([, size]) => size > 0)"""


def test_a_second_chat_is_one_small_request(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server)
    sign_in(page, newcomer(server))
    chats = []
    for name in ("First", "Second"):
        page.goto("/")
        page.wait_for_selector("body.ready")
        send(page, f"{name} {script(upstream, Turn(text=f'{name} answer.'))}")
        expect(answer(page)).to_contain_text("tokens")
        chats.append(page.url)
    page.goto(chats[0])
    page.wait_for_selector("body.ready")
    page.get_by_role("navigation").get_by_role("link", name="Second").first.click()
    page.wait_for_url(chats[1])
    page.wait_for_selector("body.ready")
    expect(answer(page)).to_contain_text("Second answer.")
    loaded: list[list[Any]] = page.evaluate(LOADED)
    assert len(loaded) <= MOST_REQUESTS, loaded
    assert sum(size for _, size in loaded) < MOST_BYTES, loaded
    page.go_back()
    expect(answer(page)).to_contain_text("First answer.")


PAGE = """<!doctype html><title>Elsewhere</title><p id="found"></p><script type="module">
  const found = document.getElementById("found");
  try {
    const paths = ["parley.js", "chat/outbox.js"]; // the second imports others
    const [{ Parley }] = await Promise.all(paths.map((each) => import(`%(url)s/static/${each}`)));
    found.textContent = typeof Parley;
  } catch (error) { found.textContent = error.name; }
</script>"""


class Frontend:
    """A page of another origin that imports Parley's modules."""

    def __init__(self) -> None:
        self.parley = ""
        frontend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(PAGE.replace("%(url)s", frontend.parley).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def frontend() -> Iterator[Frontend]:
    found = Frontend()
    yield found
    found.server.shutdown()


def test_a_listed_origin_imports_the_modules_and_no_other(open_page: Open, frontend: Frontend, server: Server) -> None:
    page, watch = open_page(server)
    watch.allowed = ("",)  # the other host and its refusal are what this is about
    frontend.parley = server.url
    page.goto(frontend.url)
    expect(page.locator("#found")).to_have_text("TypeError")
    listed = Server(CORS_ALLOWED_ORIGINS=frontend.url)
    try:
        frontend.parley = listed.start().url
        page.goto(frontend.url)
        expect(page.locator("#found")).to_have_text("function")
    finally:
        listed.close()
