"""Slash commands on the page: the list has them beside its own, they answer, and `/clear` begins anew at once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch, sign_in
from tests.browser.steps import answer, box, script, send, state
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]


def test_they_are_in_the_list_and_do_what_they_say(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, watch = open_page(server)
    sign_in(page)
    options = page.get_by_role("listbox").get_by_role("option")
    send(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("Yes.")

    box(page).press_sequentially("/us")  # takes nothing: it is sent
    expect(options.first).to_have_text("/usage Tell what this chat has used")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Input tokens")
    expect(page.get_by_role("listbox")).to_be_hidden()

    box(page).press_sequentially("/tit")  # takes a text: it is completed
    box(page).press("Tab")
    expect(box(page)).to_have_value("/title ")
    expect(page.get_by_role("listbox")).to_be_hidden()
    box(page).press_sequentially("The green door")
    expect(page.get_by_role("listbox")).to_be_hidden()
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("This chat is called The green door.")
    expect(page).to_have_title(re.compile("^The green door"))

    watch.allowed = ("400",)
    send(page, "/title ")  # what is refused is said, and stays to be changed
    expect(state(page)).to_contain_text("/title TITLE")
    expect(box(page)).to_have_value("/title ")
    expect(box(page)).to_be_editable()

    box(page).fill("/cle")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("A new beginning")
    expect(page.get_by_role("article")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("article")).to_have_count(2)
    page.get_by_role("button", name="Previous version").click()
    expect(page.get_by_role("article").first).to_contain_text("Hello")
