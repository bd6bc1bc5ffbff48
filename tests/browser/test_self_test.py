"""The self-test page in a browser: through a good nginx nothing is held back, and what a bad one does is named."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.deploy.nginx import Nginx, needs_nginx
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live, needs_nginx]
Open = Callable[..., tuple[Page, Watch]]
PACKS = ("gzip_types ", "gzip_proxied any; gzip_types text/event-stream ")
# An answer in chunks nginx passes on at once, also where it buffers; of one in HTTP/1.0 it waits for 4 KB or the end.
OLD = ("proxy_http_version 1.1;", "proxy_http_version 1.0; proxy_ignore_headers X-Accel-Buffering; proxy_buffering on;")


class Before:
    """A server whose public address is that of an nginx before it."""

    def __init__(self, upstream: Upstream) -> None:
        self.server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
        self.nginx = Nginx([self.server.port])
        self.server.settings["PARLEY_PUBLIC_URL"] = self.nginx.url
        self.server.start()
        self.nginx.start()

    def configure(self, *changes: tuple[str, str]) -> None:
        """Start nginx anew with these changes."""
        self.nginx.close()
        self.nginx.configure([self.server.port], *changes)
        self.nginx.start()

    def close(self) -> None:
        self.nginx.close()
        self.server.close()


@pytest.fixture(scope="module")
def before(upstream: Upstream) -> Iterator[Before]:
    before = Before(upstream)
    yield before
    before.close()


def opened(before: Before, open_page: Open, *changes: tuple[str, str]) -> Page:
    """The page with what it found."""
    before.configure(*changes)
    page, watch = open_page(before.server)
    watch.url = before.nginx.url
    page.goto(f"{before.nginx.url}/login/?next=/self-test/")
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What was seen")).to_be_visible(timeout=30_000)
    return page


def test_through_the_nginx_of_the_docs_streams_pass(before: Before, open_page: Open) -> None:
    page = opened(before, open_page)
    expect(page.get_by_role("status")).to_have_text("Streams pass: every event came when it was sent.")
    lines = page.locator("main li").all_inner_texts()
    assert "server: nginx" in lines and not any(each.startswith("content-encoding") for each in lines)
    (first,) = (each for each in lines if each.startswith("event 1 after "))
    assert float(first.split()[3]) < 1.0
    page.get_by_role("link", name="Test again").click()
    expect(page.get_by_role("heading", name="What was seen")).to_be_visible(timeout=30_000)


def test_an_nginx_that_packs_streams_is_named(before: Before, open_page: Open) -> None:
    page = opened(before, open_page, PACKS)
    expect(page.get_by_role("alert").first).to_contain_text("compresses the stream")


def test_an_nginx_that_buffers_is_named(before: Before, open_page: Open) -> None:
    page = opened(before, open_page, OLD)
    expect(page.get_by_role("alert").first).to_contain_text("Events are held back")
    expect(page.get_by_role("alert").first).to_contain_text("nginx buffers")
