"""A browser that does not close holds nothing up: it is ended, and the next test has another one."""

import os
import signal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import conftest
from tests.browser.steps import Open
from tests.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.live]


def test_one_that_does_not_close_is_ended_and_another_begun(
    open_page: Open, browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, _ = open_page(server)
    page.goto("/healthz")
    (driver,) = [each for each in conftest._children(os.getpid()) if conftest._children(each)]
    for each in conftest._children(driver):
        os.kill(each, signal.SIGSTOP)
    monkeypatch.setattr(conftest, "CLOSE_S", 0.5)
    conftest.close(page)
    assert not browser.is_connected()
    again: Page = open_page(server)[0]
    assert again.goto("/healthz")
