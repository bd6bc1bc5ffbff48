"""The page of a project's document: read, changed, taken back; others' changes come by themselves and lose no text."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.steps import Open, answer, enter, script, submit
from tests.browser.test_axe import VIEWS, looking
from tests.browser.test_sizes import SIDEWAYS
from tests.doors.people import newcomer
from tests.doors.test_document_live import Document
from tests.live import Server
from tests.streams import Client
from tests.tools.test_hidden import HIDDEN, SEEN
from tests.upstream import ScriptedCall, Turn, Upstream
from tools.hidden import visible

pytestmark = [pytest.mark.live, pytest.mark.browser]
PICTURES = os.environ.get("DOCUMENT_PICTURES", "")  # a folder: what the test sees is kept there to be looked at
CONTENT = {
    "title": "Shop of Ida & Co <b>",
    "pages": [{"name": "home", "blocks": [{"kind": "text", "text": "Welcome"}]}, {"name": "cart", "blocks": []}],
    "2": 12345678901234567890,
    "10": None,
    "open": True,
    "long": "x" * 500,
}


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def of(person: Client) -> Document:
    """The document of a new project of theirs."""
    organization = person.get("/api/organizations/")["results"][0]["id"]
    project = person.post("/api/projects/", {"organization": organization, "name": "Website"})
    return Document(person, str(project["id"]))


def open_document(page: Page, document: Document) -> None:
    enter(page, f"/projects/{document.project}/document/", document.person.get("/api/users/me/")["email"])
    page.wait_for_selector("body.ready")


def text_box(page: Page) -> Any:
    return page.get_by_label("The document as JSON")


@pytest.mark.parametrize("view", ["light", "dark phone"])
def test_it_is_read_changed_and_taken_back(open_page: Open, server: Server, view: str) -> None:
    mine = of(newcomer(server))
    page, watch = open_page(server, **VIEWS[view])
    watch.allowed = ("400",)  # of a name that may not be used
    mine.put(CONTENT)
    open_document(page, mine)
    with looking(page) as look:
        expect(page.get_by_role("heading", level=1)).to_have_text("Document of Website")
        expect(page.locator("#about")).to_contain_text("Version 1, by ")
        tree = page.get_by_role("tabpanel", name="Tree")
        assert tree.locator("> div > ul > li").all_inner_texts()[0].startswith("title")
        expect(tree).to_contain_text("12345678901234567890")
        tree.locator("summary", has_text=re.compile("^0")).first.click()
        tree.get_by_text("blocks").first.click()
        expect(tree).to_contain_text("home")
        look.at("the tree")
        keep(page, f"tree-{view}")
        page.get_by_role("tab", name="Text").click()
        box, save = text_box(page), page.get_by_role("button", name="Save")
        assert '"2": 12345678901234567890,\n  "10": null' in box.input_value()
        expect(save).to_be_disabled()
        box.fill('{\n  "a": 1,\n  "b"\n}')
        expect(page.get_by_text("This is no JSON yet: see line 4, column 1.")).to_be_visible()
        expect(save).to_be_disabled()
        look.at("a text that is no JSON")
        box.fill('{"__proto__": 1}')
        save.click()
        expect(page.get_by_role("status")).to_contain_text("__proto__")
        box.fill('{"b": [1, 2.50], "a": {}}')
        save.click()
        expect(page.get_by_role("status")).to_have_text("Saved as version 2.")
        expect(box).to_have_value('{\n  "b": [\n    1,\n    2.5\n  ],\n  "a": {}\n}')
        keep(page, f"text-{view}")
        page.get_by_role("tab", name="History").click()
        rows = page.get_by_role("listitem")
        expect(rows).to_have_count(2)
        rows.last.get_by_text("What it was").click()
        expect(rows.last.locator("pre")).to_contain_text('"name": "home"')
        look.at("the history")
        rows.last.get_by_role("button", name="Go back to this").click()
        expect(page.get_by_role("status")).to_have_text("It is as version 1 was; that makes version 3.")
        expect(rows.first).to_contain_text("as version 1")
        assert not page.evaluate(SIDEWAYS)
        keep(page, f"history-{view}")
    assert json.dumps(mine.now()) == json.dumps(CONTENT)


def test_others_changes_come_by_themselves_and_take_no_text_away(open_page: Open, server: Server) -> None:
    mine = of(newcomer(server))
    page, watch = open_page(server)
    watch.allowed = ("412",)
    mine.put({"a": 1})
    open_document(page, mine)
    expect(page.locator("#about")).to_contain_text("Version 1")
    mine.put({"a": 2})
    expect(page.get_by_role("status")).to_contain_text("has changed it: this is version 2.")
    page.get_by_role("tab", name="Text").click()
    box, save = text_box(page), page.get_by_role("button", name="Save")
    expect(box).to_have_value('{\n  "a": 2\n}')
    box.fill('{"mine": true}')
    mine.put({"a": 3})
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("version 3")
    expect(conflict).to_contain_text("Your text was begun at version 2.")
    save.click()  # for version 2: refused, and nothing is lost
    expect(box).to_have_value('{"mine": true}')
    assert mine.now() == {"a": 3}
    conflict.get_by_role("button", name="See both").click()
    expect(page.locator("#theirs-text")).to_have_text('{\n  "a": 3\n}')
    keep(page, "both")
    save.click()
    expect(page.get_by_role("status")).to_have_text("Saved as version 4.")
    expect(conflict).to_be_hidden()
    box.fill("[]")
    mine.put({"a": 5})
    conflict.get_by_role("button", name="Load it, and drop my text").click()
    expect(box).to_have_value('{\n  "a": 5\n}')
    assert mine.now() == {"a": 5}


def test_what_is_typed_while_it_is_saved_stays(open_page: Open, server: Server) -> None:
    mine = of(newcomer(server))
    page, _ = open_page(server)
    mine.put({"a": 1})
    open_document(page, mine)
    page.get_by_role("tab", name="Text").click()
    box, save = text_box(page), page.get_by_role("button", name="Save")
    held: list[Route] = []
    page.route(
        f"**/projects/{mine.project}/document/",
        lambda route: held.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    box.fill('{"a": 2}')
    with page.expect_request(lambda request: request.method == "PUT"):
        save.click()
    expect(save).to_be_disabled()
    box.fill('{"a": 2, "typed": "meanwhile"}')
    expect(save).to_be_disabled()
    for each in held:
        each.continue_()
    held.clear()
    page.unroute_all()
    expect(page.get_by_role("status")).to_have_text("Saved as version 2.")
    expect(box).to_have_value('{"a": 2, "typed": "meanwhile"}')
    save.click()
    expect(page.get_by_role("status")).to_have_text("Saved as version 3.")
    assert mine.now() == {"a": 2, "typed": "meanwhile"}


def test_hidden_characters_are_written_out_as_the_server_does(open_page: Open, server: Server) -> None:
    mine = of(newcomer(server))
    text = "".join(
        f"{each}." for each in (*HIDDEN, *SEEN) if each not in ("\x00", "\ud800")
    )  # which no document may hold
    page, _ = open_page(server)
    mine.put({"a\nb\u202e": text})
    open_document(page, mine)
    tree = page.locator("#tree-place")
    expect(tree.locator(".name").first).to_have_text("a␊b⟨U+202E⟩")
    assert tree.locator(".string").all_text_contents() == [visible(text)]


def test_who_only_reads_is_shown_no_way_to_change_it(open_page: Open, server: Server) -> None:
    owner = newcomer(server)
    mine = of(owner)
    mine.put({"a": 1})
    name = owner.get("/api/organizations/")["results"][0]["name"]
    viewer = newcomer(server, organization=name, role="viewer")
    page, _ = open_page(server)
    open_document(page, Document(viewer, mine.project))
    page.get_by_role("tab", name="Text").click()
    expect(text_box(page)).not_to_be_editable()
    expect(page.get_by_text("You may read here, but not write")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("button", name=re.compile("Go back"))).to_have_count(0)


def test_an_answer_that_changed_it_leads_there(open_page: Open, page: Page, server: Server, upstream: Upstream) -> None:
    call = ScriptedCall("patch_document", {"patch": [{"op": "add", "path": "/shown", "value": [1]}]})
    knob = script(upstream, Turn(tool_calls=[call]), Turn(text="It is done."))
    page.get_by_label("Agent").first.select_option("project_navigator")
    submit(page, f"{knob} Change it.")
    line = answer(page).get_by_role("link", name=re.compile(r"^Changed the document: 1 place, version \d+$"))
    expect(line).to_be_visible()
    keep(page, "answer")
    page.reload()
    line.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Document of")
    expect(page.get_by_role("tabpanel", name="Tree")).to_contain_text("shown")
    page.get_by_role("link", name="To the chats").click()
    expect(page.get_by_role("link", name=re.compile("^Document")).first).to_be_attached()
