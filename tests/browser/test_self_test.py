"""The self-test page in a browser: through a good nginx nothing is held back, and what a bad one does is named."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.deploy.nginx import Nginx, needs_nginx
from tests.deploy.test_sse import KEEPS, OLD, PACKED
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live, needs_nginx]
Open = Callable[..., tuple[Page, Watch]]


class Before:
    """A server whose public address is that of an nginx before it."""

    def __init__(self, upstream: Upstream) -> None:
        self.server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
        self.nginx = Nginx([self.server.port])
        self.server.settings["PARLEY_PUBLIC_URL"] = self.nginx.url
        self.server.start()
        self.nginx.start()

    def configure(self, ports: list[int], *changes: tuple[str, str]) -> None:
        """Start nginx anew, before these ports, with these changes."""
        self.nginx.close()
        self.nginx.configure(ports, *changes)
        self.nginx.start()

    def close(self) -> None:
        self.nginx.close()
        self.server.close()


@pytest.fixture(scope="module")
def before(upstream: Upstream) -> Iterator[Before]:
    before = Before(upstream)
    yield before
    before.close()


def opened(before: Before, open_page: Open, *changes: tuple[str, str], ports: list[int] | None = None) -> Page:
    """The page with what it found."""
    before.configure(ports or [before.server.port], *changes)
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
    page = opened(before, open_page, PACKED)
    expect(page.get_by_role("alert").first).to_contain_text("compresses the stream")


def test_an_nginx_that_buffers_is_named(before: Before, open_page: Open) -> None:
    inner = Nginx([before.server.port], KEEPS).start()
    page = opened(before, open_page, OLD, ports=[inner.port])
    inner.close()
    expect(page.get_by_role("alert").first).to_contain_text("Events are held back")
    expect(page.get_by_role("alert").first).to_contain_text("nginx buffers")
