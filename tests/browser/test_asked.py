"""The card of a tool that asks first: what it says of each kind of call, who may answer, two who answer at once."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import complaints
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, enter, script, send, submit
from tests.browser.test_sizes import SIDEWAYS
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import client
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
TOOLS = '''
from typing import Any
from agents.own import extend
from tools import Form, NeedsPerson, ToolContext, tool

@tool(permission="write", asks_first=True)
async def edit_part(ctx: ToolContext, path: str, old: str, new: str) -> str:
    """Put one text in the place of another."""
    return "edited"

@tool(permission="write", asks_first=True)
async def patch_page(ctx: ToolContext, patch: list[dict[str, Any]]) -> str:
    """Change the page."""
    return "patched"

@tool(permission="write", asks_first=True, outward=True, title="Send a note")
async def send_note(ctx: ToolContext, url: str, body: str) -> str:
    """Send it."""
    return "sent"

@tool(permission="write", asks_first=True, as_person=True)
async def book_room(ctx: ToolContext, room: str, guests: int) -> str:
    """Book it."""
    return "booked"

FIELDS = {
    "name": {"type": "string", "title": "Your name", "description": "As it stands on the list", "maxLength": 20},
    "seats": {"type": "integer", "title": "Seats", "minimum": 1, "maximum": 12, "default": 2},
    "day": {"type": "string", "format": "date", "title": "Day"},
    "place": {"type": "string", "enum": ["in", "out"], "enumNames": ["Inside", "Outside"], "title": "Where"},
    "extras": {"type": "array", "items": {"anyOf": [{"const": "dog", "title": "A dog"}, {"const": "cake"}]},
               "title": "With"},
    "quiet": {"type": "boolean", "title": "A quiet corner", "default": True},
}
FORM = {"type": "object", "properties": FIELDS, "required": ["name", "place"]}

@tool(permission="write", outward=True, title="Book a table")
async def book_table(ctx: ToolContext) -> Any:
    """Book it."""
    if ctx.given:
        return dict(ctx.given.answers)
    raise NeedsPerson([
        Form(key="who", message="For whom is it?\\nWe hold it for a quarter of an hour.", schema=FORM),
        Form(key="in", message="Sign in once.", url="https://tables.example/in?next=/book"),
    ])

for each in ("generalist", "project_navigator"):
    extend(each, edit_part, patch_page, send_note, book_room, book_table)
'''
NOTES = {"path": "notes.md", "content": "# Notes\n\nOne\nthree\n"}
STEPS = [{"op": "replace", "path": "/title", "value": "Home"}, {"op": "remove", "path": "/old"}]
KINDS: dict[str, tuple[ScriptedCall, list[str]]] = {
    "new file": (
        ScriptedCall("write_file", NOTES), ["Write file, in the name of", "Writes a new file, notes.md:", "three"],
    ),
    "edit": (
        ScriptedCall("edit_part", {"path": "a.py", "old": "x = 1", "new": "x = 2"}),
        ["Edit part", "Changes a place in the file a.py:", "x = 1", "x = 2"],
    ),
    "JSON patch": (ScriptedCall("patch_page", {"patch": STEPS}), ['replace /title = "Home"', "remove /old"]),
    "outward": (
        ScriptedCall("send_note", {"url": "https://hooks.example.com/x", "body": "Hello"}),
        ["Send a note", "It leaves this installation.", "https://hooks.example.com/x", "cannot be taken back", "Hello"],
    ),
    "anything else": (
        ScriptedCall("book_room", {"room": "Blue", "guests": 4}), ["Book room", "room", "Blue", "guests"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def careful(upstream: Upstream) -> Iterator[Server]:
    """A server with tools of all kinds that ask first."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file", PARLEY_APPS="kinds",
        CHAT_LEASE_S="3", CHAT_LEASE_RENEW_S="1",
    )  # fmt: skip
    server.prepare()
    folder = server.data / "apps" / "kinds"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "parley.py").write_text(TOOLS)
    yield server.start_process()
    server.close()


BOOK = ScriptedCall("book_table", {})


def test_what_a_call_wants_is_filled_in_on_its_card(open_page: Open, careful: Server, upstream: Upstream) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    seen = ask(page, upstream, BOOK, then="Booked.")
    seen.get_by_role("button", name="Allow once").click()
    form = seen.locator(".form").first
    expect(form).to_contain_text("We hold it for a quarter of an hour.")
    expect(seen).to_contain_text("It leads to tables.example.")
    expect(seen.get_by_role("link")).to_have_attribute("rel", re.compile("noopener noreferrer"))
    sends = seen.get_by_role("button", name="Send")
    sends.click()
    expect(seen.get_by_label("Your name")).to_be_focused()  # it is required, and the browser says so
    seen.get_by_label("Your name").fill("Ada")
    seen.get_by_label("Where").select_option("Outside")
    seen.get_by_label("A dog").check()
    seen.get_by_label("Day").fill("2026-12-24")
    assert not page.evaluate(SIDEWAYS) and complaints(page) == []
    assert not _is_taken(seen.get_by_role("link")) and not _is_taken(seen.get_by_label("Where"))
    page.reload()
    seen = card(page)
    seen.get_by_label("Where").select_option("Outside")
    seen.get_by_label("A dog").check()
    seen.get_by_label("Your name").fill("Ada")
    seen.get_by_label("Your name").press("Enter")  # sends; the form's own button would deny
    expect(answer(page)).to_contain_text("Booked.")
    expect(seen.locator(".decision")).to_contain_text("Answered by")
    (said,) = [part["result"] for part in _parts(careful, page) if part["type"] == "tool_result"]
    assert said == {"who": {"name": "Ada", "seats": 2, "place": "out", "extras": ["dog"], "quiet": True}, "in": None}
    page.reload()
    expect(card(page).locator(".decision")).to_contain_text("Answered by")


def test_nobody_has_to_answer(open_page: Open, careful: Server, upstream: Upstream) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    seen = ask(page, upstream, BOOK, then="Then not.")
    seen.get_by_role("button", name="Allow once").click()
    seen.get_by_role("button", name="Do not answer").click()
    expect(answer(page)).to_contain_text("Then not.")
    expect(seen.locator(".decision")).to_contain_text("Not answered by")


def _is_taken(locator: Locator) -> bool:
    """Whether the Enter key does something else there than the browser's own."""
    pressed = "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true})"
    return not locator.evaluate(f"each => each.dispatchEvent({pressed})")


def _parts(server: Server, page: Page) -> list[dict[str, Any]]:
    chat = page.url.rstrip("/").rpartition("/")[2]
    return list(client(server).answer(chat)["parts"])


def card(page: Page) -> Locator:
    return answer(page).locator("details.tool").last


def ask(page: Page, upstream: Upstream, call: ScriptedCall, then: str = "So.", press: Any = send) -> Locator:
    """Let the model ask for the call, and give its card once it says what it will do."""
    press(page, f"Do it {script(upstream, Turn(tool_calls=[call]), Turn(text=then))}")
    expect(card(page).locator(".will")).to_be_visible()
    return card(page)


def test_each_kind_says_what_it_will_do_the_same_live_and_after_a_reload(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    for kind, (call, said) in KINDS.items():
        page.goto("/")
        seen = ask(page, upstream, call)
        for each in said:
            expect(seen).to_contain_text(each)
        expect(seen.locator("pre.arguments")).to_be_hidden()
        live = seen.locator(".ask").inner_text()
        page.reload()
        expect(card(page).locator(".will")).to_be_visible()
        assert card(page).locator(".ask").inner_text() == live
        expect(page.get_by_role("button", name="Allow in this chat")).to_be_visible(visible=kind != "outward")
        card(page).locator(".given > summary").click()
        expect(card(page).locator("pre.arguments")).to_be_visible()
        page.get_by_role("button", name="Allow once").click()
        expect(answer(page)).to_contain_text("tokens")
        expect(card(page)).to_have_attribute("data-status", "returned")
        expect(card(page).locator(".ask")).to_have_count(0)


def test_a_file_that_is_there_is_shown_as_a_difference(open_page: Open, careful: Server, upstream: Upstream) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    ask(page, upstream, ScriptedCall("write_file", NOTES))
    page.get_by_role("button", name="Allow once").click()
    expect(answer(page)).to_contain_text("tokens")
    seen = ask(page, upstream, ScriptedCall("write_file", {**NOTES, "content": "# Notes\n\nOne\ntwo\nthree\n"}))
    expect(seen).to_contain_text("Changes the file notes.md:")
    expect(seen.locator("ins")).to_have_text("two\n")
    expect(seen.locator("del")).to_have_count(0)
    long = "".join(f"line {number}\n" for number in range(500))
    page.get_by_role("button", name="Deny").click()
    expect(answer(page)).to_contain_text("tokens")
    seen = ask(page, upstream, ScriptedCall("write_file", {"path": "long.md", "content": long}))
    expect(seen.locator("pre.lines")).to_be_hidden()
    seen.locator(".effect summary").click()
    expect(seen.locator("pre.lines")).to_contain_text("line 399")
    expect(seen).to_contain_text("100 more lines are not shown here")
    page.get_by_role("button", name="Deny").click()


def shared(page: Page, server: Server, upstream: Upstream, call: ScriptedCall) -> str:
    """Alice's chat, in which the call waits, shared with all of its project."""
    ask(page, upstream, call)
    chat = re.sub(r".*/chats/([^/]+)/.*", r"\1", page.url)
    client(server).patch(f"/api/chats/{chat}/", {"sharing": "project", "project_access": "write"})
    return chat


def come(open_page: Open, server: Server, chat: str, role: str) -> Page:
    """Somebody else of the organization, at the chat, where a call waits."""
    page = come_to(open_page, server, chat, role)
    expect(card(page).locator(".will")).to_be_visible()
    return page


def come_to(open_page: Open, server: Server, chat: str, role: str) -> Page:
    name = client(server).get("/api/organizations/")["results"][0]["name"]
    email = newcomer(server, organization=name, role=role).get("/api/users/me/")["email"]
    page, watch = open_page(server)
    watch.allowed = ("404", "409")
    enter(page, f"/chats/{chat}/", email)
    return page


def test_of_two_who_decide_at_once_the_first_counts_and_both_see_who_it_was(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, watch = open_page(careful)
    watch.allowed = ("404", "409")
    sign_in(page)
    chat = shared(page, careful, upstream, ScriptedCall("write_file", NOTES))
    other = come(open_page, careful, chat, "editor")
    other.get_by_role("textbox", name="Reason, if you deny it").fill("not on Friday")
    other.evaluate("document.querySelector('.ask [data-action=deny]').click()")
    page.evaluate("document.querySelector('.ask [data-action=allow]').click()")
    line = card(page).locator(".decision")
    expect(line).to_have_text(re.compile("(Allowed|Denied) by"))
    for each in (page, other):
        expect(answer(each)).to_contain_text("tokens")
        expect(card(each).locator(".ask")).to_have_count(0)
        expect(card(each).locator(".decision")).not_to_contain_text("somebody")
    assert line.inner_text() == card(other).locator(".decision").inner_text()
    seen = line.inner_text()
    page.reload()
    expect(line).to_have_text(seen)


def test_who_may_not_allow_it_reads_why_and_has_no_button_for_it(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    chat = shared(page, careful, upstream, KINDS["anything else"][0])
    viewer, editor = (come(open_page, careful, chat, role) for role in ("viewer", "editor"))
    expect(card(viewer)).to_contain_text("You may not decide on it")
    expect(viewer.get_by_role("button", name="Deny")).to_be_hidden()
    expect(card(editor)).to_contain_text("Only alice may allow it")
    expect(editor.get_by_role("button", name="Allow once")).to_be_hidden()
    editor.get_by_role("button", name="Deny").click()
    expect(card(page).locator(".decision")).to_contain_text("Denied by")


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_click_allowed_is_done_once_whatever_dies(
    open_page: Open, careful: Server, upstream: Upstream, when: str
) -> None:
    page, watch = open_page(careful)
    watch.allowed = ("net::ERR_", "WebSocket", "502", "503")
    sign_in(page)
    call = ScriptedCall("write_file", {**NOTES, "path": f"{when}.md"})
    again = [Turn(text="So.")] * 2  # for whoever takes it over
    send(page, f"Do it {script(upstream, Turn(tool_calls=[call]), *again)}")
    allow = page.get_by_role("button", name="Allow once")
    if when == "after":
        with page.expect_response("**/approvals/*"):
            allow.click()
    else:
        expect(allow).to_be_visible()
    careful.kill()
    expect(page.locator("#state")).to_contain_text("Reconnecting")
    careful.start_process()
    if when == "before":
        allow.click()
    expect(answer(page)).to_contain_text("tokens", timeout=40_000)
    expect(card(page)).to_have_attribute("data-status", "returned")
    expect(card(page).locator(".decision")).to_contain_text("Allowed by")
    chat = re.sub(r".*/chats/([^/]+)/.*", r"\1", page.url)
    alice = client(careful)
    run = alice.get(f"/api/runs/?chat={chat}")["results"][0]["id"]
    with alice.events(run) as stream:
        events = [each.json for each in stream.frames()]
    assert [each["arguments"] for each in events if each["type"] == "tool.called"] == [call.arguments]
    assert [each["type"] for each in events].count("tool.returned") == 1


SECOND_CARD = """async () => {
  const { toolView } = await import(document.querySelector("link[rel=modulepreload][href*='/chat/card.']").href);
  const parts = document.querySelector("article.assistant .parts");
  const { call } = parts.querySelector(".tool").dataset;
  const asked = { call, name: "write_file", agent: "", arguments: {}, status: "asked", expiresAt: 2e9 };
  const view = toolView();
  parts.after(view.element);
  window.say = (more) => view.draw({ ...asked, title: "Write a file", risk: "write", digest: "d1g", ...more }, {}, 0);
  say({});
}"""


def test_it_is_allowed_for_the_chat_with_the_digest_and_taken_back(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    chat = shared(page, careful, upstream, ScriptedCall("edit_part", {"path": "a.py", "old": "1", "new": "2"}))
    expect(page.locator("#grants")).to_be_hidden()
    with page.expect_request("**/approvals/*") as sent:
        page.get_by_role("button", name="Allow in this chat").click()
    assert sent.value.post_data_json["scope"] == "chat" and sent.value.post_data_json["digest"]
    expect(card(page).locator(".decision")).to_contain_text("Allowed in this chat by alice until")
    expect(answer(page)).to_contain_text("tokens")
    viewer = come_to(open_page, careful, chat, "viewer")
    for each in (page, viewer):
        expect(each.locator("#grants")).to_contain_text("Allowed in this chat without asking: 1")
        each.locator("#grants > summary").click()
        expect(each.locator("#grants li")).to_contain_text("Edit part allowed by alice until")
    expect(viewer.get_by_role("button", name="Ask again")).to_have_count(0)
    page.get_by_role("button", name="Ask again: Edit part").click()
    expect(page.locator("#grants")).to_be_hidden()
    assert client(careful).get(f"/api/chats/{chat}/grants/")["results"] == []


RISKS = {"": 0, "read": 1, "write": 1, "outward": 0, "delete": 0}


def test_only_what_stays_in_the_chat_may_be_allowed_for_all_of_it(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    ask(page, upstream, ScriptedCall("write_file", NOTES))
    for count, risk in enumerate(RISKS, 2):
        page.evaluate(SECOND_CARD.replace('risk: "write"', f'risk: "{risk}"'))
        expect(page.get_by_role("button", name="Allow once")).to_have_count(count)
    expect(page.get_by_role("button", name="Allow in this chat")).to_have_count(1 + sum(RISKS.values()))


def test_it_fits_a_phone_in_the_dark_in_german_and_by_keyboard(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(
        careful, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    sign_in(page)
    ask(page, upstream, KINDS["outward"][0], press=submit)
    assert page.evaluate(SIDEWAYS) == [] and complaints(page) == []
    page.context.add_cookies([{"name": "language", "value": "de", "url": careful.url}])
    page.reload()
    seen = card(page)
    expect(seen).to_contain_text("Es verlässt diese Installation.")
    assert page.evaluate(SIDEWAYS) == []
    page.get_by_role("button", name="Einmal erlauben").focus()
    page.keyboard.press("Enter")
    expect(seen).to_contain_text("Erlaubt von")
    expect(answer(page)).to_contain_text("Token")
