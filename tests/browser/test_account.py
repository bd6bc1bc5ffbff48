"""The account page in a browser: found from the chats, fitting, readable in every view, and it works."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import Open, enter
from tests.browser.test_axe import VIEWS, looking
from tests.browser.test_sizes import SIDEWAYS
from tests.doors.people import newcomer
from tests.live import PASSWORD, Server

pytestmark = [pytest.mark.live, pytest.mark.browser]
NEW = "another horse battery"
PICTURES = os.environ.get("ACCOUNT_PICTURES", "")  # a folder: what the test sees is kept there to be looked at


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("view", VIEWS)
def test_a_person_sees_to_their_account(open_page: Open, server: Server, view: str) -> None:
    email = newcomer(server).get("/api/users/me/")["email"]
    page, watch = open_page(server, **VIEWS[view])
    watch.allowed = ("400", "409")
    enter(page, "/account/", email)
    with looking(page) as look:
        expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
        page.get_by_label("What others see").fill("Ida Lund")
        page.get_by_role("button", name="Keep the name").click()
        expect(page.get_by_role("status")).to_have_text("Your name is kept.")
        page.get_by_text("Make a key").click()
        page.get_by_label("What it is for").fill("Build server")
        page.get_by_role("button", name="Make the key").click()
        expect(page.get_by_label("Copy it now")).to_have_value(re.compile(r"pk_\w{43}"))
        look.at("the account")
        keep(page, f"account-{view}")
        page.get_by_label("Your password of now").first.fill("wrong")
        page.get_by_label("New password").fill(NEW)
        page.get_by_label("The same again").fill(NEW)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("alert")).to_have_text("This is not your password.")
        look.at("the account, refused")
        page.get_by_label("Of the pages").select_option("de")
        page.get_by_role("button", name="Keep the language").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ihr Konto")
        assert not page.evaluate(SIDEWAYS)
        keep(page, f"account-{view}-de")
        page.get_by_text("Löschen", exact=True).click()
        page.get_by_label("Ihr jetziges Passwort").last.fill(PASSWORD)
        page.get_by_label("Ich bin sicher").check()
        look.at("the account, before it is deleted")
        page.get_by_role("button", name="Mein Konto endgültig löschen").click()
        expect(page.get_by_role("alert")).to_contain_text("Sie sind die letzte Person")
        look.at("the account, not deleted")


def test_the_page_of_the_chats_leads_to_it(page: Page) -> None:
    page.get_by_role("link", name="Alice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    page.get_by_role("link", name="To the chats").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")
