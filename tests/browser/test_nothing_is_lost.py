"""Nothing that a person typed or chose is lost: in the box, in another tab, refused, or where nothing is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.attaching import stored
from tests.browser.conftest import Watch, sign_in
from tests.browser.steps import Open, answer, box, script, send, state
from tests.browser.test_composing import PASTE
from tests.live import OWNER, Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
# A draft is kept 300 ms after the last key.
KEPT_MS = 450
ATTACH = "Attach as a file"


@pytest.fixture
def own(open_page: Open, server: Server) -> Page:
    """A page of Alice's whose refusals and lost connections are meant."""
    page, watch = open_page(server)
    watch.allowed = ("40", "422", "WebSocket", "net::ERR_")
    sign_in(page)
    return page


def chips(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("#composer .files").get_by_role("listitem")


def first(page: Page, held: list[Route]) -> Route:
    """The first request that is held, once it has come."""
    for _ in range(500):
        if held:
            return held[0]
        page.wait_for_timeout(20)
    raise AssertionError("no request has come")


def load(page: Page, path: str = "") -> None:
    if path:
        page.goto(path)
    else:
        page.reload()
    page.wait_for_selector("body.ready")


def test_a_message_is_sent_as_it_was_typed(own: Page, upstream: Upstream) -> None:
    text = f"\n    def indented():\n\treturn 1  \n{script(upstream, Turn(text='Seen.'))}  \n"
    send(own, text)
    expect(answer(own)).to_contain_text("tokens")
    assert any(each.messages[-1]["content"] == text for each in upstream.requests() if each.messages)
    shown = own.get_by_role("article").first.locator(".text")
    for _ in range(2):
        assert shown.evaluate("each => each.textContent") == text
        load(own)
    own.get_by_role("article").first.hover()
    own.get_by_role("button", name="Edit").first.click()
    form = own.locator(".edit-form textarea")
    form.fill(f"   again {script(upstream, Turn(text='Once more.'))}")
    own.get_by_role("button", name="Save and answer again").click()
    expect(answer(own)).to_contain_text("Once more.")
    assert own.get_by_role("article").first.locator(".text").evaluate("each => each.textContent").startswith("   again")


@pytest.mark.parametrize(("length", "is_taken"), [(4_500, True), (200_000, False)])
def test_a_long_paste_leaves_the_box_only_when_it_is_a_file(own: Page, length: int, is_taken: bool) -> None:
    long = "word " * (length // 5)
    own.locator("ul.files").evaluate("each => { each.dataset.bytes = '100000' }")
    box(own).fill("before ")
    own.evaluate(PASTE, ["", "", long])
    box(own).press("End")
    box(own).press_sequentially("behind")
    state(own).get_by_role("button", name=ATTACH).click()
    if is_taken:
        expect(chips(own)).to_have_count(1)
        expect(box(own)).to_have_value("before behind")
        box(own).press("Control+z")
        expect(box(own)).to_have_value(f"before {long}behind")
    else:
        expect(state(own)).to_contain_text("pasted.txt was not attached: it has 0.2 MB, and at most 0.1 MB fit.")
        expect(box(own)).to_have_value(f"before {long}behind")
        expect(chips(own)).to_have_count(0)


def test_text_files_and_choices_are_there_after_a_reload(own: Page, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("The word is lighthouse.")
    own.get_by_label("Attach files").set_input_files([notes])
    model = own.locator("#model option:not(:checked)").first.get_attribute("value") or ""
    own.locator("#model").select_option(model)
    stored(own, 1)
    box(own).fill("  a draft")
    for _ in range(2):
        load(own)
        expect(box(own)).to_have_value("  a draft")
        expect(chips(own)).to_contain_text("notes.txt")
        expect(own.locator("#model")).to_have_value(model)
    box(own).fill("")
    own.get_by_role("button", name="Remove notes.txt").click()
    load(own)
    own.wait_for_timeout(KEPT_MS)
    expect(box(own)).to_have_value("")
    expect(chips(own)).to_have_count(0)


def test_files_alone_are_there_after_a_reload_and_are_sent(own: Page, upstream: Upstream, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(f"Lighthouse. {script(upstream, Turn(text='Read.'))}")
    expect(own.get_by_role("button", name="Send")).to_be_disabled()
    own.get_by_label("Attach files").set_input_files([notes])
    expect(own.get_by_role("button", name="Send")).to_be_enabled()
    stored(own, 1)
    own.wait_for_timeout(KEPT_MS)
    load(own)
    expect(chips(own)).to_contain_text("notes.txt")
    box(own).press("Enter")
    expect(answer(own)).to_contain_text("Read.")
    expect(own.get_by_role("heading", level=1)).to_have_text("notes.txt")
    expect(own.get_by_role("article").first.locator(".attachments")).to_contain_text("notes.txt")


def test_each_tab_has_a_draft_of_its_own(own: Page, upstream: Upstream) -> None:
    second = own.context.new_page()
    load(second, "/")
    box(own).fill("from the first")
    box(second).fill("from the second")
    own.wait_for_timeout(KEPT_MS)
    for page, text in ((own, "from the first"), (second, "from the second")):
        load(page)
        expect(box(page)).to_have_value(text)
    box(own).fill(f"sent {script(upstream, Turn(text='Yes.'))}")
    box(own).press("Enter")
    expect(answer(own)).to_contain_text("tokens")
    load(second)
    expect(box(second)).to_have_value("from the second")
    expect(second.get_by_role("article")).to_have_count(0)
    # A tab that is closed leaves its draft to the next one that has none.
    second.close(run_before_unload=True)
    third = own.context.new_page()
    load(third, "/")
    expect(box(third)).to_have_value("from the second")


def test_a_copy_of_a_tab_takes_a_name_of_its_own(own: Page) -> None:
    box(own).fill("the original")
    own.wait_for_timeout(KEPT_MS)
    kept = own.evaluate("JSON.stringify({ ...sessionStorage })")
    copy = own.context.new_page()
    copy.add_init_script(f"Object.assign(sessionStorage, {kept})")
    load(copy, "/")
    copy.wait_for_timeout(KEPT_MS)
    expect(box(copy)).to_have_value("")
    box(copy).fill("the copy")
    own.wait_for_timeout(KEPT_MS)
    load(own)
    expect(box(own)).to_have_value("the original")


def test_what_another_tab_is_about_to_send_is_not_sent_here(own: Page, upstream: Upstream) -> None:
    own.context.set_offline(True)
    send(own, f"waits {script(upstream, Turn(text='Sent once.'))}")
    expect(own.get_by_text("Waits for the network")).to_be_visible()
    held: list[Route] = []
    own.route("**/api/chats/runs", lambda route: held.append(route))
    own.context.set_offline(False)
    second = own.context.new_page()
    load(second, "/")
    second.wait_for_timeout(KEPT_MS)
    expect(second.get_by_role("article")).to_have_count(0)
    first(own, held).continue_()
    expect(answer(own)).to_contain_text("Sent once.")


NO_DATABASE = "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('', 'SecurityError') } });"
IS_FULL = "throw new DOMException('', 'QuotaExceededError')"
FULL = f"IDBObjectStore.prototype.put = function () {{ this.transaction.abort(); {IS_FULL} }};"
NOTHING = NO_DATABASE + f"Storage.prototype.setItem = function () {{ {IS_FULL} }};"


@pytest.mark.parametrize("forbids", [NO_DATABASE, FULL], ids=["forbidden", "full"])
def test_where_there_is_no_database_the_tab_keeps_it(own: Page, upstream: Upstream, forbids: str) -> None:
    own.add_init_script(forbids)
    load(own)
    box(own).fill("a draft")
    own.wait_for_timeout(KEPT_MS)
    load(own)
    expect(box(own)).to_have_value("a draft")
    send(own, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(own)).to_contain_text("tokens")


def test_where_nothing_can_be_kept_the_browser_asks_before_it_leaves(open_page: Open, server: Server) -> None:
    page, watch = open_page(server)
    watch.allowed = ("dialog",)
    sign_in(page)
    page.add_init_script(NOTHING)
    load(page)
    box(page).press_sequentially("a draft")
    page.wait_for_timeout(KEPT_MS)
    asked: list[Dialog] = []
    page.on("dialog", lambda dialog: asked.append(dialog))
    page.close(run_before_unload=True)
    for _ in range(100):
        if asked:
            break
        page.wait_for_timeout(50)
    assert [each.type for each in asked] == ["beforeunload"]


REFUSALS = {
    "a budget": (402, "quota_exceeded", "budget"),
    "a field": (400, "invalid", "model: Expected one of"),
    "a key": (422, "idempotency_key_reused", "sent before"),
    "a right": (403, "not_allowed", "You may not do this here"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_a_first_message_that_is_refused_is_back_in_the_box_and_the_page_is_as_before(
    own: Page, tmp_path: Path, why: str
) -> None:
    status, code, said = REFUSALS[why]
    error = {"error": {"code": code, "message": said, "fields": {}}}
    own.route("**/api/chats/runs", lambda route: route.fulfill(status=status, json=error))
    notes = tmp_path / "notes.txt"
    notes.write_text("Lighthouse.")
    own.get_by_label("Attach files").set_input_files([notes])
    stored(own, 1)
    before = own.locator("#nav a").count()
    send(own, "  my question")
    expect(state(own)).to_contain_text(said)
    expect(box(own)).to_have_value("  my question")
    expect(chips(own)).to_contain_text("notes.txt")
    expect(own.get_by_role("article")).to_have_count(0)
    expect(own.locator(".sentence")).to_be_visible()
    assert own.url.endswith("/") and own.locator("#nav a").count() == before
    own.unroute("**/api/chats/runs")
    load(own)
    expect(box(own)).to_have_value("  my question")


def test_a_first_message_that_no_budget_covers_makes_no_chat(
    open_page: Open, new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server().start()
    page, watch = open_page(server)
    watch.allowed = ("402",)
    sign_in(page)
    chats = "/api/chats/?page_size=200"
    before = len(server.call("GET", chats, token=server.token()).body["results"])
    server.manage("set_budget", "First organization", "1")
    send(page, "Is there enough?")
    expect(state(page)).to_contain_text("Not sent: Your organization's budget")
    expect(box(page)).to_have_value("Is there enough?")
    assert len(server.call("GET", chats, token=server.token()).body["results"]) == before
    server.manage("set_budget", "First organization")
    box(page).fill(f"Now? {script(upstream, Turn(text='Yes.'))}")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("tokens")
    assert len(server.call("GET", chats, token=server.token()).body["results"]) == before + 1


def test_who_was_signed_out_meanwhile_sends_it_after_signing_in(own: Page, upstream: Upstream) -> None:
    own.context.clear_cookies()
    send(own, f"  before I was out {script(upstream, Turn(text='Welcome back.'))}")
    expect(state(own)).to_contain_text("You are signed out")
    box(own).fill("and a draft")
    own.wait_for_timeout(KEPT_MS)
    state(own).get_by_role("button", name="Sign in").click()
    own.get_by_label("E-mail").fill(OWNER)
    own.get_by_label("Password").fill("correct horse battery")
    own.get_by_role("button", name="Sign in").click()
    expect(answer(own)).to_contain_text("Welcome back.")
    expect(box(own)).to_have_value("and a draft")


def test_text_and_files_leave_a_deleted_chat_for_a_new_one(
    own: Page, server: Server, upstream: Upstream, tmp_path: Path
) -> None:
    send(own, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(own)).to_contain_text("tokens")
    notes = tmp_path / "notes.txt"
    notes.write_text("Lighthouse.")
    own.get_by_label("Attach files").set_input_files([notes])
    stored(own, 1)
    box(own).fill("what I was about to say")
    server.call("DELETE", f"/api/chats/{own.url.split('/')[4]}/", token=server.token())
    state(own).get_by_role("button", name="New chat").click()
    expect(own.get_by_role("heading", level=1)).to_have_text("New chat")
    expect(box(own)).to_have_value("what I was about to say")
    expect(chips(own)).to_contain_text("notes.txt")


def test_an_input_method_is_left_alone(own: Page) -> None:
    """Its Enter takes a word; what comes back to the box meanwhile waits for it."""
    held: list[Route] = []
    own.route("**/api/chats/runs", lambda route: held.append(route))
    send(own, "refused")
    client = own.context.new_cdp_session(own)
    box(own).focus()
    client.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    box(own).dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    first(own, held).fulfill(status=400, json={"error": {"code": "invalid", "message": "no", "fields": {}}})
    expect(state(own)).to_contain_text("Not sent")
    client.send("Input.insertText", {"text": "日本"})
    expect(box(own)).to_have_value("refused\n\n日本")


def test_an_example_comes_behind_what_was_typed(own: Page) -> None:
    own.locator("#project").select_option(index=0)
    box(own).fill("  my own words")
    own.locator(".examples button:visible").first.click()
    assert box(own).input_value().startswith("  my own words\n\n")


def test_going_back_to_a_page_whose_draft_another_tab_has_taken_over_finds_its_box_empty(
    browser_with_cache: Callable[[], Page],
) -> None:
    page = browser_with_cache()
    box(page).fill("one text")
    page.wait_for_timeout(KEPT_MS)
    page.evaluate("addEventListener('pageshow', ({ persisted }) => (window.wasKept = persisted))")
    page.goto("/healthz")
    other = page.context.new_page()
    load(other, "/")
    expect(box(other)).to_have_value("one text")
    page.go_back(wait_until="commit")
    expect(box(page)).to_have_value("")
    assert page.evaluate("window.wasKept") is True
    expect(box(other)).to_have_value("one text")


@pytest.fixture
def browser_with_cache(browser, server: Server) -> Iterator[Callable[[], Page]]:  # type: ignore[no-untyped-def]
    """A Chromium that keeps pages for going back, which one under test does not by itself."""
    from tests.browser.conftest import ARGUMENTS, PROGRAMS, shutil

    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    off = ["--disable-back-forward-cache"]
    with browser.browser_type.launch(executable_path=program, args=ARGUMENTS, ignore_default_args=off) as own:

        def open_signed_in() -> Page:
            page, watch = own.new_context(base_url=server.url).new_page(), Watch(server.url)
            watch.attach(page)
            sign_in(page)
            return page

        yield open_signed_in
