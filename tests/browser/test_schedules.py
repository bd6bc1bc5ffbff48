"""A chat's schedules, from its menu: adding, what is refused, running, switching off, deleting."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, send
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]


def opened(page: Page) -> Locator:
    """The dialog of the chat that is shown."""
    page.get_by_role("button", name="Rename or delete this chat").click()
    page.get_by_role("button", name="Schedule…").click()
    return page.get_by_role("dialog", name="Schedule")


def test_one_is_added_run_switched_off_and_deleted(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, watch = open_page(server)
    watch.allowed = ("status of 400",)  # what is refused here
    sign_in(page)
    send(page, f"Begin. {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    dialog = opened(page)
    expect(dialog).to_contain_text("Nothing is scheduled in this chat.")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(dialog.get_by_label("By the clock of")).to_have_value(zone)

    dialog.get_by_label("Message to send").fill(f"What is new? {script(upstream, Turn(text='Nothing at all.'))}")
    dialog.locator("[name=how]").select_option("cron")
    expect(dialog.locator("[name=time]")).to_be_hidden()
    dialog.locator("[name=cron]").fill("* * * * *")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_contain_text("at least 300 seconds")
    dialog.locator("[name=how]").select_option("week")
    dialog.locator("[name=weekday]").select_option("Friday")
    dialog.locator("[name=time]").fill("07:30")
    dialog.get_by_role("button", name="Add").click()
    row = dialog.locator("[data-schedule]")
    expect(row).to_contain_text(f"Every week: Friday at 07:30 · {zone}")
    expect(row).to_contain_text(re.compile(r"Next: \S*Fri.*0?7:30"))
    expect(dialog.locator(".said")).to_be_empty()
    expect(dialog.get_by_label("Message to send")).to_have_value("")

    row.get_by_role("button", name="Run now").click()
    expect(row).to_contain_text("Last:")
    expect(page.locator("#log")).to_contain_text("Nothing at all.")
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Switched off")
    row.get_by_role("button", name="Switch on").click()
    expect(row).to_contain_text("Next:")
    row.get_by_role("button", name="Delete").click()
    row.get_by_role("button", name="Delete for good?").click()
    expect(dialog).to_contain_text("Nothing is scheduled in this chat.")
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_be_hidden()


def test_it_speaks_german_and_fits_on_a_phone(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server, locale="de-DE", viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto("/")
    page.locator("input[type=email]").fill("alice@example.com")
    page.locator("input[type=password]").fill("correct horse battery")
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_selector("body.ready")
    page.locator("#text").fill(f"Beginne. {script(upstream, Turn(text='Ja.'))}")
    page.locator("#composer .send").click()
    expect(answer(page)).to_contain_text("Ja.")
    page.locator("header [data-menu], .head [data-menu]").first.click()
    page.get_by_role("button", name="Zeitplan …").click()
    dialog = page.locator("dialog#schedules")
    dialog.locator("[name=prompt]").fill("Was gibt es Neues?")
    dialog.locator("[name=how]").select_option("weekdays")
    dialog.get_by_role("button", name="Hinzufügen").click()
    expect(dialog.locator("[data-schedule]")).to_contain_text("Montag bis Freitag um 09:00")
    assert page.evaluate("(each => each.scrollWidth - each.clientWidth)(document.querySelector('#schedules'))") <= 1
