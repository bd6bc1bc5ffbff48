"""What one can do with messages: versions, asking again, forking, deleting, copying, allowing, and what goes wrong."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, gated, script, send, state
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
MARKDOWN = "Some **bold** words.\n\n```python\nprint('copied')\n```\n"


def own(page: Page) -> Locator:
    return page.locator("article.own").last


def ask(page: Page, upstream: Upstream, text: str, *turns: Turn) -> None:
    """Send it and wait for its answer's end."""
    send(page, f"{text} {script(upstream, *turns)}")
    expect(answer(page)).to_contain_text("tokens")


def act(message: Locator, name: str) -> None:
    """Press one of a message's buttons, as a mouse that comes near shows them."""
    message.hover()
    message.get_by_role("button", name=re.compile(f"^{name}")).click()


def choose(message: Locator, name: str) -> None:
    """Press a button of a message's menu."""
    message.hover()
    message.locator("details.more > summary").click()
    message.get_by_role("button", name=name).click()


def chat_of(page: Page) -> str:
    return re.sub(r".*/chats/([^/]+)/.*", r"\1", page.url)


def test_an_edit_makes_a_version_and_the_choice_is_in_the_address(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "First question", Turn(text="First answer."))
    act(own(page), "Edit")
    editor = page.get_by_label("Your message")
    editor.fill(f"Second question {script(upstream, Turn(text='Second answer.'))}")
    page.get_by_role("button", name="Save and answer again").dblclick()
    expect(answer(page)).to_contain_text("Second answer.")
    expect(answer(page)).to_contain_text("tokens")
    expect(page.get_by_role("article")).to_have_count(2)
    versions = own(page).get_by_role("group", name="Versions")
    expect(versions).to_contain_text("2 of 2")
    expect(versions.get_by_role("button", name="Next version")).to_be_disabled()

    versions.get_by_role("button", name="Previous version").click()
    expect(answer(page)).to_contain_text("First answer.")
    expect(own(page)).to_contain_text("1 of 2")
    expect(page).to_have_url(re.compile(r"\?at="))
    page.reload()
    expect(answer(page)).to_contain_text("First answer.")
    expect(own(page).get_by_role("button", name="Previous version")).to_be_disabled()
    own(page).get_by_role("button", name="Next version").click()
    expect(answer(page)).to_contain_text("Second answer.")

    answer(page).hover()
    answer(page).get_by_role("button", name=re.compile("^Regenerate")).dblclick()
    # Its script is used up: it fails, and the version is there, once.
    expect(answer(page)).to_contain_text("2 of 2")
    expect(page.get_by_role("article")).to_have_count(2)
    answer(page).get_by_role("button", name="Previous version").click()
    expect(answer(page)).to_contain_text("Second answer.")


def test_an_older_branch_is_gone_on_with_and_the_newest_is_still_there(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "Left or right?", Turn(text="Left."))
    act(own(page), "Edit")
    page.get_by_label("Your message").fill(f"Up or down? {script(upstream, Turn(text='Down.'))}")
    page.get_by_role("button", name="Save and answer again").click()
    expect(answer(page)).to_contain_text("tokens")
    own(page).get_by_role("button", name="Previous version").click()
    expect(answer(page)).to_contain_text("Left.")
    ask(page, upstream, "Why left?", Turn(text="Because."))
    expect(answer(page)).to_contain_text("Because.")
    expect(page.get_by_role("article")).to_have_count(4)
    page.reload()
    expect(page.get_by_role("article").first).to_contain_text("Left or right?")
    expect(answer(page)).to_contain_text("Because.")


def test_what_is_edited_is_dropped_only_when_one_means_it(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "A question", Turn(text="An answer."))
    act(own(page), "Edit")
    expect(page.get_by_label("Your message")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Your message")).to_have_count(0)
    act(own(page), "Edit")
    editor = page.get_by_label("Your message")
    editor.press("End")
    editor.type(" and more")
    page.keyboard.press("Escape")
    expect(editor).to_be_visible()
    page.keyboard.press("Escape")  # at once: not meant
    expect(page.get_by_role("button", name="Drop your changes?")).to_be_enabled()
    expect(editor).to_be_visible()
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    expect(own(page)).to_contain_text("A question")
    expect(own(page)).not_to_contain_text("and more")


def test_copies_are_the_source_and_the_code(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "Write", Turn(text=MARKDOWN))
    clipboard = "navigator.clipboard.readText()"
    for _ in range(2):
        act(answer(page), "Copy:")
        page.wait_for_function(f"async () => (await {clipboard}).includes('**bold**')")
        answer(page).locator(".code").hover()
        answer(page).get_by_role("button", name="Copy code").click()
        page.wait_for_function(f"async () => (await {clipboard}).trim() === \"print('copied')\"")
        page.reload()
        page.wait_for_selector("body.ready")


def test_a_message_is_deleted_at_the_second_press_and_its_place_stays(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "My secret", Turn(text="Noted."))
    choose(own(page), "Delete")
    expect(own(page)).to_contain_text("My secret")
    own(page).get_by_role("button", name=re.compile("elete")).click()
    expect(page.get_by_role("article").first).to_contain_text("This message was deleted.")
    expect(page.get_by_role("article").first).not_to_contain_text("My secret")
    page.reload()
    expect(page.get_by_role("article").first).to_contain_text("This message was deleted.")
    expect(answer(page)).to_contain_text("Noted.")


def test_a_double_click_on_delete_only_asks(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "My secret", Turn(text="Noted."))
    deleted: list[str] = []
    page.on("request", lambda request: deleted.append(request.url) if request.method == "DELETE" else None)
    own(page).hover()
    own(page).locator("details.more > summary").click()
    own(page).get_by_role("button", name="Delete").click(click_count=3, delay=5)
    sure = own(page).get_by_role("button", name="Delete for good?")
    expect(sure).to_be_enabled()
    assert deleted == []
    sure.click()
    expect(page.get_by_role("article").first).to_contain_text("This message was deleted.")
    assert len(deleted) == 1


def test_a_fork_is_a_chat_of_its_own(page: Page, upstream: Upstream) -> None:
    ask(page, upstream, "One", Turn(text="Answer one."))
    ask(page, upstream, "Two", Turn(text="Answer two."))
    before = chat_of(page)
    choose(page.get_by_role("article").nth(1), "Fork from here")
    page.wait_for_url(lambda url: before not in url)
    expect(page.get_by_role("article")).to_have_count(2)
    expect(answer(page)).to_contain_text("Answer one.")
    ask(page, upstream, "Three", Turn(text="Answer three."))
    page.goto(f"/chats/{before}/")
    expect(answer(page)).to_contain_text("Answer two.")


def test_what_is_selected_stays_selected_while_text_comes(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    more = [f"word{each} " for each in range(200)]
    turn = Turn(text=["Select these words please. ", "And ", *more, "\n\nDone."], gate=gate, gate_at=3)
    send(page, f"Say {script(upstream, turn)}")
    expect(answer(page)).to_contain_text("And")
    page.evaluate("""() => {
      const rest = document.querySelector("article:last-of-type .rest");
      const text = document.createTreeWalker(rest, NodeFilter.SHOW_TEXT).nextNode();
      getSelection().setBaseAndExtent(text, 7, text, 18);
    }""")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("Done.")
    expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate("getSelection().toString()") == "these words"
    page.evaluate("getSelection().removeAllRanges()")
    expect(answer(page).locator("p").first).to_contain_text("Select these words please.")
    expect(answer(page).locator(".rest")).to_have_count(0)


# --- Approvals --------------------------------------------------------------------------------------------------------

WRITE = ScriptedCall("write_file", {"path": "notes.md", "content": "Hello"})


@pytest.fixture(scope="module")
def careful(upstream: Upstream) -> object:
    """A server whose write_file asks first, and does not wait long."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file", CHAT_APPROVAL_S="20"
    )
    yield server.start()
    server.close()


def test_a_tool_is_allowed_denied_with_a_reason_or_expires(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    page, _ = open_page(careful)
    sign_in(page)
    page.evaluate("""() => {
      window.alerts = [];
      new MutationObserver(() => alerts.push(document.getElementById("status").textContent))
        .observe(document.getElementById("status"), { childList: true, characterData: true, subtree: true });
    }""")
    card = answer(page).locator("details.tool")
    send(page, f"Write it {script(upstream, Turn(tool_calls=[WRITE]), Turn(text='Written.'))}")
    expect(state(page)).to_contain_text("Needs your approval: write_file")
    expect(card).to_have_attribute("open", "")
    expect(card).to_contain_text("notes.md")
    expect(card).to_contain_text("Expires")
    assert any("write_file" in each for each in page.evaluate("alerts"))
    page.get_by_role("button", name="Allow once").dblclick()
    expect(answer(page)).to_contain_text("Written.")
    expect(card).to_contain_text("Allowed by")

    send(page, f"Write it {script(upstream, Turn(tool_calls=[WRITE]), Turn(text='Not written.'))}")
    page.reload()  # it waits as long as it takes
    page.get_by_label("Reason, if you deny it").fill("not on Friday")
    page.get_by_label("Reason, if you deny it").press("Enter")
    expect(answer(page)).to_contain_text("Not written.")
    expect(card).to_contain_text("not on Friday")
    page.reload()
    expect(card).to_contain_text("not on Friday")

    send(page, f"Write it {script(upstream, Turn(tool_calls=[WRITE]), Turn(text='Nobody came.'))}")
    expect(page.get_by_role("button", name="Allow once")).to_be_visible()
    expect(answer(page)).to_contain_text("Nobody came.", timeout=60_000)
    expect(card).to_contain_text("Nobody answered")
    expect(page.get_by_role("button", name="Allow once")).to_have_count(0)


# Frames come only while the page lets them: a tab in the background has none.
HOLD_FRAMES = """() => {
  const [held, frame] = [[], requestAnimationFrame];
  window.requestAnimationFrame = (draw) => held.push(draw);
  window.letFrames = () => { window.requestAnimationFrame = frame; held.forEach((draw) => frame(draw)); };
}"""
WATCH_ANSWER = """() => {
  window.seen = [];
  const answer = document.querySelector(".assistant");
  const look = () => seen.push([answer.dataset.status, answer.querySelectorAll(".tool").length]);
  new MutationObserver(look).observe(answer, { subtree: true, childList: true, attributes: true });
}"""
IS_STORED = "() => document.querySelector('.assistant').dataset.status === 'completed'"


def test_an_answer_that_ended_in_a_background_tab_shows_each_call_once(page: Page, upstream: Upstream) -> None:
    """There its stored form comes before it was drawn."""
    gate = uuid4().hex
    tools = Turn(text=["Looking. "], tool_calls=[ScriptedCall("list_files", {})], gate=gate, gate_at=2)
    send(page, f"Look {script(upstream, tools, Turn(text='Seen.'))}")
    expect(answer(page)).to_contain_text("Looking.")
    page.evaluate(HOLD_FRAMES)
    upstream.release(gate)
    page.wait_for_function(IS_STORED, polling=50)
    page.evaluate("letFrames()")
    expect(state(page)).to_have_text("")
    expect(answer(page).locator("details.tool")).to_have_count(1)
    expect(answer(page).get_by_text("Seen.")).to_have_count(1)


def test_what_was_read_before_an_answer_ended_does_not_open_it_again(
    open_page: Open, careful: Server, upstream: Upstream
) -> None:
    """After a decision the stored messages are read; the answer may be over before they are here."""
    page, _ = open_page(careful)
    sign_in(page)
    gate = uuid4().hex
    send(page, f"Write it {script(upstream, Turn(tool_calls=[WRITE]), gated(gate, ['It is '], 'written.'))}")
    expect(page.get_by_role("button", name="Allow once")).to_be_visible()
    page.evaluate(WATCH_ANSWER)
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/messages/?from=0*", lambda route: late.append((route, route.fetch())), times=1)
    with page.expect_request("**/messages/?from=0*"):
        page.get_by_role("button", name="Allow once").click()
    expect(answer(page)).to_contain_text("It is")
    while not late:
        page.wait_for_timeout(20)
    route, response = late[0]
    assert 'data-status="in_progress"' in response.text()
    upstream.release(gate)
    expect(answer(page)).to_contain_text("It is written.")
    expect(state(page)).to_have_text("")
    route.fulfill(response=response)
    expect(answer(page)).to_contain_text("tokens")
    expect(answer(page).get_by_role("button", name="Regenerate")).to_be_visible()
    seen = page.evaluate("seen")
    assert {cards for _, cards in seen} == {1}
    over = [status for status, _ in seen]
    assert "in_progress" not in over[over.index("completed") :]


WATCH_REMOVED = """() => {
  window.removed = [];
  const note = ({ removedNodes }) => removed.push(...[...removedNodes].map(({ id }) => id));
  new MutationObserver((changes) => changes.forEach(note))
    .observe(document.querySelector(".column"), { childList: true });
}"""


def test_what_was_read_before_a_message_was_sent_does_not_take_it_away(page: Page, upstream: Upstream) -> None:
    """At an answer's end the stored messages are read; the next message may be sent before they are here."""
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/messages/?after=*", lambda route: late.append((route, route.fetch())), times=1)
    send(page, f"First {script(upstream, Turn(text='One.'))}")
    while not late:
        page.wait_for_timeout(20)
    gate = uuid4().hex
    send(page, f"Second {script(upstream, gated(gate, ['It is '], 'here.'))}")
    expect(answer(page)).to_contain_text("It is")
    page.evaluate(WATCH_REMOVED)
    route, response = late[0]
    route.fulfill(response=response)
    expect(page.get_by_role("article").nth(1)).to_contain_text("tokens")
    expect(page.get_by_role("article")).to_have_count(4)
    upstream.release(gate)
    expect(answer(page)).to_contain_text("It is here.")
    assert page.evaluate("removed") == []


# --- What goes wrong --------------------------------------------------------------------------------------------------


def test_an_empty_message_and_one_too_long_are_not_sent(page: Page) -> None:
    box(page).fill("   ")
    box(page).press("Enter")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.get_by_role("article")).to_have_count(0)
    page.locator("#text").evaluate("box => { box.value = 'x'.repeat(100_001); box.dispatchEvent(new Event('input')); }")
    expect(page.locator("#counter")).to_contain_text("1 ")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    box(page).press("Enter")
    expect(state(page)).to_contain_text("100,000")
    assert page.locator("#text").evaluate("box => box.value.length") == 100_001


def test_who_is_signed_out_elsewhere_signs_in_and_sends_what_they_wrote(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    page, watch = open_page(server)
    watch.allowed = ("401", "403", "WebSocket", "net::ERR_")
    sign_in(page)
    ask(page, upstream, "One", Turn(text="Answer one."))
    page.context.clear_cookies(name="sessionid")
    send(page, f"Two {script(upstream, Turn(text='Answer two.'))}")
    expect(state(page)).to_contain_text("signed out")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(answer(page)).to_contain_text("Answer two.")
    expect(page.get_by_role("article")).to_have_count(4)


def test_a_right_that_is_taken_back_keeps_the_text(
    page: Page, open_page: Open, server: Server, upstream: Upstream
) -> None:
    email = f"carl-{uuid4().hex[:8]}@example.com"
    organization = server.call("GET", "/api/organizations/", token=server.token()).body["results"][0]["name"]
    server.quickly("create_user", email, "--organization", organization, "--role", "editor")
    ask(page, upstream, "Ours", Turn(text="Yes."))
    chat, token = chat_of(page), server.token()
    me = server.call("GET", "/api/users/me/", token=server.token(email)).body["id"]
    share = server.call("POST", f"/api/chats/{chat}/shares/", {"user": me, "access": "write"}, token=token)
    assert share.status == 201, share
    other, watch = open_page(server)
    watch.allowed = ("403", "404", "WebSocket")
    sign_in(other, email)
    other.goto(f"/chats/{chat}/")
    other.wait_for_selector("body.ready")
    expect(page.locator("#people")).to_contain_text("2 people")
    box(other).fill("half a thought")
    gone = {"error": {"code": "not_found", "message": "There is no such thing.", "fields": {}}}
    # The right may go while the page reads who sees the chat.
    other.route(re.compile("/shares/"), lambda route: route.fulfill(status=404, json=gone))
    server.call("POST", f"/api/chats/{chat}/shares/", {"user": me, "access": "read"}, token=token)
    expect(state(other)).not_to_have_text("")
    expect(other.get_by_role("button", name="Send")).to_be_disabled()
    expect(box(other)).to_have_value("half a thought")
    server.call("POST", f"/api/chats/{chat}/shares/", {"user": me, "access": "write"}, token=token)
    expect(other.get_by_role("button", name="Send")).to_be_enabled()
    taken = server.call("DELETE", f"/api/chats/{chat}/shares/{share.body['id']}/", token=token)
    assert taken.status == 204, taken
    expect(other.get_by_role("button", name="Send")).to_be_disabled()
    expect(box(other)).to_have_value("half a thought")
    expect(answer(other)).to_contain_text("Yes.")  # what was read stays until one leaves
