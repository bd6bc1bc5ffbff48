"""The page of the API's documentation works under our policy and asks no other host."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.smoke]


def test_the_docs_page_shows_operations_without_inline_scripts_or_other_hosts(open_page, server):
    page, _ = open_page(server)
    # A large document, of which only the part in sight is drawn: a door's operations, then those of runs.
    page.goto("/api/docs/#/editorChat")
    expect(page.locator("#operations-tag-editorChat")).to_be_visible(timeout=30_000)
    page.goto("/api/docs/?from=the-top#/runs")
    page.locator("#operations-runs-start_run").click()
    expect(page.get_by_role("button", name="Execute").first).to_be_visible()
