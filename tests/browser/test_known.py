"""A person and what models know of them, in a browser: asked in the chat, then looked at, changed and forgotten."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.steps import Open, answer, enter, script, submit
from tests.browser.test_account import keep
from tests.browser.test_axe import VIEWS, looking
from tests.browser.test_sizes import SIDEWAYS
from tests.doors.people import newcomer
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.live, pytest.mark.browser]
FACT = "Runs a bakery in Ulm, and starts work at three in the morning."


@pytest.mark.parametrize("view", ["light", "dark phone"])
def test_a_person_sees_to_what_is_known_of_them(open_page: Open, server: Server, upstream: Upstream, view: str) -> None:
    email = newcomer(server).get("/api/users/me/")["email"]
    page, watch = open_page(server, **VIEWS[view])
    watch.allowed = ("400",)
    enter(page, "/account/#preferences", email)
    with looking(page) as look:
        mine = page.locator("#preferences")
        mine.get_by_label("Language of answers").fill("German")
        mine.get_by_label("Manner of answers").fill("Briefly")
        mine.get_by_label("About you").fill("I bake.\nAnd I sell what I bake.")
        mine.get_by_label("Tell the models").check()
        mine.get_by_label("An agent may ask").check()
        mine.get_by_role("button", name="Keep the preferences").click()
        expect(mine.get_by_role("status")).to_have_text("Your preferences are kept. They hold from the next answer on.")
        expect(mine.get_by_label("About you")).to_have_value("I bake.\nAnd I sell what I bake.")
        expect(page.locator("#remembered")).to_contain_text("Nothing yet.")
        page.get_by_role("link", name="To the chats").click()
        mark = script(
            upstream, Turn(tool_calls=[ScriptedCall("remember", {"text": FACT})]), Turn(text="I know it now.")
        )
        submit(page, f"{mark} I run a bakery in Ulm")
        expect(answer(page)).to_contain_text(FACT)
        look.at("asked whether to remember")
        keep(page, f"remember-{view}")
        answer(page).get_by_role("button", name="Allow once").click()
        expect(answer(page)).to_contain_text("I know it now.")
        page.goto("/account/#remembered")
        known = page.locator("#remembered")
        expect(known).to_contain_text(FACT)
        known.get_by_text("Change or forget").click()
        assert not page.evaluate(SIDEWAYS)
        look.at("what is remembered")
        keep(page, f"known-{view}")
        known.get_by_label("In other words").fill("Bakes in Ulm.")
        known.get_by_role("button", name="Keep these words").click()
        expect(known.get_by_role("status")).to_have_text("It is kept in these words.")
        page.get_by_label("Of the pages").select_option("de")
        page.get_by_role("button", name="Keep the language").click()
        expect(known.get_by_role("heading")).to_have_text("Was von Ihnen gemerkt ist")
        known.get_by_text("Ändern oder vergessen").click()
        keep(page, f"known-{view}-de")
        known.get_by_role("button", name=re.compile("^Vergessen$")).click()
        expect(known.get_by_role("status")).to_have_text("Es ist vergessen.")
        expect(known).to_contain_text("Noch nichts.")


def test_the_settings_lead_to_it(open_page: Open, server: Server) -> None:
    page, _ = open_page(server)
    enter(page, "/")
    page.wait_for_selector("body.ready")
    page.get_by_role("log").focus()
    page.keyboard.press(",")
    page.get_by_role("link", name="Your preferences, and what is remembered of you").click()
    expect(page.locator("#preferences").get_by_role("heading")).to_be_in_viewport()
