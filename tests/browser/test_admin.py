"""Every page of the admin in a real Chromium, under its content policy: no violation, no error, no other host."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests import environment
from tests.browser.conftest import Watch
from tests.live import OWNER, PASSWORD, Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]
TABLES = sorted(admin.site._registry, key=lambda model: model._meta.label)
ROWS = 60  # more than a page of a list
ONE_EACH = environment.ROOT / "tests" / "upgrade" / "fill.py"


class Busy:
    """A server with rows in every table, and a superuser's cookies."""

    def __init__(self, upstream: Upstream, browser: Browser, *, runs: int = 60, others: int = ROWS) -> None:
        told = {"OPENAI_PRICES": "gpt-4o=2.5/1.25/10", "USAGE_EVERY_S": "0"}  # whose chore empties a table
        self.server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **told)
        self.server.start()
        self.run = self._fill("--runs", str(runs), "--others", str(others))
        self.server.quickly("shell", "-c", ONE_EACH.read_text())  # a row in each table that has none
        self._fail(upstream)
        self.cookies = self._sign_in(browser)

    def _fail(self, upstream: Upstream) -> None:
        """A run that fails just now."""
        upstream.script(Turn(fault="401"), key=(mark := key()))
        alice = client(self.server)
        alice.wait(alice.start(alice.chat(), f"[[key={mark}]] How many files?")["run"]["id"])

    def _fill(self, *how_many: str) -> str:
        """Returns the id of a run in which everything happened."""
        environ = {**self.server.environ(), "DJANGO_SETTINGS_MODULE": "config.settings", "PATH": os.environ["PATH"]}
        told = subprocess.run(
            [sys.executable, "-m", "tests.chat.fill", *how_many],
            cwd=environment.ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return told.stdout.strip()

    def _sign_in(self, browser: Browser) -> Any:
        context = browser.new_context(base_url=self.server.url)
        page, watch = context.new_page(), Watch(self.server.url)
        watch.attach(page)
        opens(page, "/admin/")
        page.get_by_label("Email").fill(OWNER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Right now")).to_be_visible()
        watch.check()
        state = context.storage_state()
        context.close()
        return state


@pytest.fixture(scope="module")
def busy(upstream: Upstream, browser: Browser) -> Iterator[Busy]:
    made = Busy(upstream, browser)
    yield made
    made.server.close()


@pytest.fixture
def staff(busy: Busy, open_page: Open) -> Page:
    """The superuser's page; its watch fails the test for what it hears."""
    return open_page(busy.server, storage_state=busy.cookies)[0]


def opens(page: Page, address: str) -> None:
    """It is a page, and no part of it reaches past the window's edge."""
    answer = page.goto(address)
    assert answer is not None and answer.status == 200, (address, answer and answer.status)
    expect(page.locator("h1").last).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is wider than the window"


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.label_lower)
def test_a_tables_pages_open(model: type[Model], staff: Page) -> None:
    """Its list and the last saved view of it; a row, its history, and the form for a new one where there is one."""
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    opens(staff, listed)
    results = staff.locator("#changelist .results")
    assert results.evaluate("box => box.scrollWidth <= box.clientWidth"), "the list is wider than its page"
    can_add = staff.locator(".object-tools .addlink").count()
    tabs = staff.locator("nav.views a").evaluate_all("links => links.map(link => link.href)")
    row = staff.locator("#result_list tbody th a").first.get_attribute("href")
    assert row, "a list without rows shows nothing"
    for address in (*tabs[-1:], row, re.sub("/change/.*", "/history/", row), *([f"{listed}add/"] if can_add else [])):
        opens(staff, address)


def test_every_step_from_the_first_screen(busy: Busy, staff: Page) -> None:
    """What an operator asks is one click away; each answer's list says what was clicked."""
    for link, heading in {
        "Running now": "Runs", "Waiting for approval": "Runs", "Failed today": "Runs", "Slowest models today": "Runs",
        "Who spends": "Usage by day", "Processes": "Processes", "The last hour": "Runs", "Consistency": "Chores",
        "This month": "Usage by day", "Webhooks that fail": "Webhooks", "Audit log, not sealed": "Audit entries",
    }.items():  # fmt: skip
        opens(staff, "/admin/")
        staff.locator(".box").get_by_role("link", name=link, exact=True).click()
        expect(staff.locator("h1").last).to_have_text(heading)


# What operators ask: where they click, from the first screen on, and where the answer stands then. "=": what they type.
QUESTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "what failed in the last hour, and why": ((".box-failed h2 a",), "#result_list .why"),
    "who spends": ((), ".box-people td:has-text('@')"),
    "which model is slow": ((), ".box-slowest td a"),
    "which run hangs": ((".box-running td a",), ".timeline"),
    "where is that person's chat": (("Users", "=ada@", "#result_list tbody th a", "Chats"), "#result_list tbody th a"),
    "how is a person kept out": (
        ("Users", "=grace@", "#result_list tbody th a", "Deactivate"),
        ".messagelist .success",
    ),
    "how is a key revoked": (("API keys", "#result_list tbody th a", "Revoke, at once and for good"), ".messagelist"),
    "is the cache worth it": ((), ".box-cache"),
    "is the log consistent": ((), ".box-consistency"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_operators_ask_is_three_clicks_away_at_most(question: str, staff: Page) -> None:
    steps, answer = QUESTIONS[question]
    assert sum(not step.startswith("=") for step in steps) <= 3
    opens(staff, "/admin/")
    for step in steps:
        take(staff, step)
        staff.wait_for_load_state("networkidle")
    expect(staff.locator(answer).first).to_be_visible()


def take(page: Page, step: str) -> None:
    """A click on a link, a button or what is there; or what is typed into the search of a list."""
    content = page.locator("#content")
    if step.startswith("="):
        page.locator("#searchbar").fill(step[1:])
        page.keyboard.press("Enter")
    elif step.startswith((".", "#")):
        page.locator(step).first.click()
    else:
        content.get_by_role("link", name=step, exact=True).or_(content.get_by_role("button", name=step)).first.click()


def test_a_runs_timeline_and_what_can_be_done_to_it(busy: Busy, staff: Page) -> None:
    opens(staff, reverse("admin:chat_run_change", args=[busy.run]))
    for summary in staff.locator(".timeline summary").all():
        summary.click()
    expect(staff.get_by_text("billing/models.py").first).to_be_visible()
    staff.get_by_role("link", name="Show content").click()
    staff.get_by_label("Reason").fill("Ticket 42")
    staff.get_by_role("button", name="Show content").click()
    staff.locator(".row-text summary").first.click()
    expect(staff.get_by_text("I look at the billing tables first.")).to_be_visible()
    staff.get_by_role("button", name="Hide content").click()
    staff.get_by_role("link", name="Re-drive").click()
    expect(staff.get_by_text("A new run answers the same message")).to_be_visible()
    staff.get_by_role("link", name="Cancel").click()
    expect(staff.locator("h1").last).to_have_text("Run: Succeeded")


def test_what_was_sent_is_a_click_from_its_turn_and_behind_the_gate(
    busy: Busy, staff: Page, upstream: Upstream
) -> None:
    upstream.script(Turn(tool_calls=[ScriptedCall("list_files", {})]), Turn(text="Two."), key=(mark := key()))
    alice = client(busy.server)
    run = alice.start(alice.chat(), f"[[key={mark}]] How many files?")["run"]["id"]
    alice.wait(run)
    opens(staff, "/admin/")
    for step in ("Runs", "#result_list tbody th a"):  # with the next, three from the first screen
        take(staff, step)
    expect(staff).to_have_url(re.compile(run))
    expect(staff.get_by_role("link", name="What was sent")).to_have_count(2)
    staff.get_by_role("link", name="What was sent").last.click()
    expect(staff.get_by_text("Hidden", exact=True)).to_be_visible()
    staff.get_by_role("link", name="Show content").click()
    staff.get_by_label("Reason").fill("Ticket 42")
    staff.get_by_role("button", name="Show content").click()
    staff.locator("summary", has_text="· user ·").click()
    expect(staff.get_by_text("How many files?")).to_be_visible()
    assert staff.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_runs_are_chosen_in_a_list_and_asked_about(busy: Busy, staff: Page) -> None:
    for action, title in {"Stop …": "Stop", "Re-drive …": "Re-drive", "Release lease …": "Release lease"}.items():
        opens(staff, reverse("admin:chat_run_changelist"))
        staff.get_by_label("Select all objects on this page for an action").check()
        staff.get_by_label("Action:").select_option(label=action)
        staff.get_by_role("button", name="Go", exact=True).click()
        expect(staff.locator("h1").last).to_have_text(title)


def test_forms_with_the_admins_own_scripts(busy: Busy, staff: Page) -> None:
    """A calendar, a search for a person, a list to choose from, and the password's page."""
    opens(staff, reverse("admin:accounts_apikey_add"))
    staff.get_by_title("Choose a Date").first.click()
    expect(staff.locator(".calendarbox").first).to_be_visible()
    opens(staff, reverse("admin:accounts_membership_add"))
    staff.locator(".field-user .select2-selection").click()
    staff.get_by_role("searchbox").fill("person1@")
    staff.get_by_role("option", name="person1@crowd.example").click()
    expect(staff.locator(".field-user .select2-selection")).to_contain_text("person1@crowd.example")
    opens(staff, reverse("admin:accounts_user_changelist") + "?q=person1@")
    staff.locator("#result_list tbody th a").click()
    expect(staff.locator(".selector").first).to_be_visible()
    opens(staff, staff.url.replace("change/", "password/"))
    opens(staff, reverse("admin:password_change"))
