"""Joining an organization by a link: signing in on the way, saying yes, and the second time it holds no more."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import Open
from tests.browser.test_axe import VIEWS, looking
from tests.doors.people import newcomer
from tests.live import PASSWORD, Server

pytestmark = [pytest.mark.live, pytest.mark.browser]


def sign_in_as(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("view", VIEWS)
def test_an_invitation_is_accepted(open_page: Open, server: Server, view: str) -> None:
    alice, ida = server.token(), newcomer(server)
    place = server.call("GET", "/api/organizations/", token=alice).body["results"][0]
    email = ida.get("/api/users/me/")["email"]
    made = server.call("POST", f"/api/organizations/{place['id']}/invitations/", {"email": email}, token=alice)
    page, watch = open_page(server, **VIEWS[view])
    watch.allowed = ("404",)
    with looking(page) as look:
        page.goto(made.body["link"])
        look.at("an invitation, signed out")
        expect(page.locator("main")).not_to_contain_text(place["name"])
        page.get_by_role("link", name="Sign in").click()
        sign_in_as(page, email)
        expect(page.locator("main")).to_contain_text(f"invites you to join {place['name']}")
        look.at("an invitation")
        page.get_by_role("button", name="Join").click()
        expect(page).to_have_url(f"{server.url}/")
        page.goto(made.body["link"])
        expect(page.get_by_role("alert")).to_be_visible()
        look.at("an invitation that is used")
    names = [each["organization"]["name"] for each in ida.get("/api/users/me/")["memberships"]]
    assert place["name"] in names and len(names) == 2
