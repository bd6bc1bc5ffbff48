"""Files are brought to the server as they are attached: how far they have come, what one can do, how they are seen."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way
from tests.browser.attaching import Held, bring, chips, choose, file, picture, refused, stored
from tests.browser.axe import complaints
from tests.browser.conftest import ARGUMENTS, PROGRAMS, Watch, sign_in
from tests.browser.steps import Open, answer, box, script, send, state, submit
from tests.browser.test_sizes import OFF_SCREEN, SIDEWAYS, SMALL
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
HEARD = """() => {
  window.heard = [];
  const node = document.getElementById("status");
  new MutationObserver(() => node.textContent && heard.push(node.textContent)).observe(node, { childList: true });
}"""
MOST_SHIFT = 0.01
SHIFTS = """() => {
  window.shifted = 0;
  const add = (list) => list.getEntries().forEach((each) => (shifted += each.value));
  new PerformanceObserver(add).observe({ type: "layout-shift" });
}"""


@pytest.fixture
def watched(open_page: Open, server: Server) -> tuple[Page, Watch]:
    """Alice's page for a new chat, where requests may fail."""
    page, watch = open_page(server)
    watch.allowed = ("Failed to load resource",)
    sign_in(page)
    return page, watch


def listed(page: Page) -> Locator:
    return page.get_by_role("article").first.locator(".attachments li")


# --- On their way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_files_are_there_as_soon_as_they_are_brought_and_go_with_the_message(
    page: Page, upstream: Upstream, way: str
) -> None:
    files = [file("notes.txt"), file("שלום.txt", b"Shalom")]
    with page.expect_request("**/api/attachments/**") as asked:
        choose(page, *files) if way == "choose" else bring(page, way, *files)
    assert asked.value.method == "POST" and "name=" in asked.value.url
    stored(page, 2)
    expect(chips(page).first).to_contain_text("notes.txt · 1 kB")
    send(page, f"Read them {script(upstream, Turn(text='Read.'))}")
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        expect(listed(page)).to_contain_text(["notes.txt · 1 kB", "שלום.txt · 1 kB"])
        with page.expect_download() as kept:
            listed(page).first.get_by_role("link").click()
        assert kept.value.suggested_filename == "notes.txt"
        assert kept.value.path().read_bytes() == b"The word is lighthouse."
        page.reload()


def test_three_at_a_time_are_on_their_way_and_the_message_waits_for_them(page: Page, upstream: Upstream) -> None:
    held = Held(page)
    choose(page, *(file(f"{number}.txt") for number in range(5)))
    held.wait(3)
    expect(page.get_by_role("progressbar")).to_have_count(3)
    page.wait_for_timeout(200)
    assert len(held.routes) == 3
    send(page, f"All of them {script(upstream, Turn(text='Read.'))}")
    expect(state(page)).to_contain_text("Sends when 5 files are uploaded.")
    for left in (4, 3):
        held.go()
        expect(state(page)).to_contain_text(f"Sends when {left} files are uploaded.")
        held.wait(3)
    state(page).get_by_role("button", name="Do not send yet").click()
    held.open()
    stored(page, 5)
    expect(page.get_by_role("article")).to_have_count(0)
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Read.")
    expect(listed(page)).to_have_count(5)


def test_what_is_held_goes_by_itself_once_its_files_are_there(page: Page, upstream: Upstream) -> None:
    held = Held(page)
    choose(page, file("notes.txt"))
    box(page).fill(f"Read it {script(upstream, Turn(text='Read.'))}")
    box(page).press("Enter")
    box(page).press("Enter")
    expect(state(page)).to_contain_text("Sends when 1 file is uploaded.")
    expect(page.get_by_role("article")).to_have_count(0)
    held.open()
    expect(answer(page)).to_contain_text("Read.")
    expect(page.locator("article.own")).to_have_count(1)


def test_how_far_a_file_has_come_is_seen_and_it_can_be_stopped(page: Page) -> None:
    network = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", limits)
    choose(page, file("long.txt", b"x" * 600_000), file("other.txt", b"x" * 600_000))
    bar = chips(page).first.get_by_role("progressbar", name="Uploading long.txt")
    seen: set[float] = set()
    for _ in range(100):
        seen.add(float(bar.get_attribute("value") or 0))
        if len(seen) > 2:
            break
        page.wait_for_timeout(50)
    assert len(seen) > 2 and all(0 <= each < 1 for each in seen), seen
    page.get_by_role("button", name="Stop uploading long.txt").click()
    expect(chips(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Stop uploading other.txt")).to_be_focused()
    network.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})
    page.get_by_role("button", name="Stop uploading other.txt").click()
    expect(chips(page)).to_have_count(0)
    expect(box(page)).to_be_focused()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


@pytest.mark.parametrize("way", WAYS)
def test_what_did_not_arrive_says_why_and_is_tried_again(
    open_page: Open, server: Server, upstream: Upstream, way: Way
) -> None:
    page, watch = open_page(server, **SCREENS[way])
    watch.allowed = ("Failed to load resource",)
    sign_in(page)
    acts, held = Acts(page, way), Held(page)
    choose(page, file("notes.txt"))
    held.go(lambda route: route.abort())
    expect(chips(page)).to_contain_text("the server does not answer")
    submit(page, f"Read it {script(upstream, Turn(text='Read.'))}")
    expect(state(page)).to_contain_text("notes.txt is not uploaded yet. Try it again, or remove it.")
    expect(page.get_by_role("article")).to_have_count(0)
    held.open()
    acts.press(page.get_by_role("button", name="Retry: notes.txt"))
    stored(page, 1)
    acts.press(page.get_by_role("button", name="Send"))
    expect(answer(page)).to_contain_text("Read.")


def test_where_too_much_goes_on_it_is_tried_again_by_itself(watched: tuple[Page, Watch]) -> None:
    page, held = watched[0], Held(watched[0])
    choose(page, file("notes.txt"))
    busy = {"error": {"code": "too_many", "message": "Too many uploads are under way.", "fields": {}}}
    held.go(lambda route: route.fulfill(status=429, headers={"Retry-After": "1"}, json=busy))
    held.go()
    stored(page, 1)


# --- Refused ----------------------------------------------------------------------------------------------------------


def test_each_file_that_cannot_go_along_says_why_and_a_message_does_not_go_without_it(
    watched: tuple[Page, Watch], upstream: Upstream
) -> None:
    page, held = watched[0], Held(watched[0])
    page.locator("ul.files").evaluate("each => { each.dataset.bytes = '1500000'; each.dataset.most = '4' }")
    wrong = [file("empty.txt", b""), file("large.log", b"x" * 2_000_000)]
    choose(page, *wrong, file("bad.bin"), file("good.txt"), *(file(f"{each}.txt") for each in "ab"), file("c.txt"))
    send(page, f"Read them {script(upstream, Turn(text='Read.'))}")
    held.go(refused("This is nothing that is known here."))
    said = state(page).locator(".state-text")
    expect(said).to_contain_text("bad.bin was not attached")
    lines = said.inner_text().splitlines()
    assert lines[:3] == [
        "empty.txt was not attached: it is empty.",
        "large.log was not attached: it has 2 MB, and at most 1.5 MB fit.",
        "c.txt was not attached: at most 4 files fit.",
    ]
    assert lines[3].startswith("bad.bin was not attached: ") and len(lines) == 4
    held.open()
    stored(page, 3)
    expect(page.get_by_role("article")).to_have_count(0)  # it was held, and is not sent without one of its files
    expect(box(page)).to_have_value(re.compile("Read them"))
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Read.")


def test_what_is_too_large_is_told_in_megabytes_and_not_even_begun(page: Page) -> None:
    expect(page.locator(".attach").first).to_have_attribute("title", "Attach files, of up to 25 MB each")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(25_100_000)], "film.bin"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    expect(state(page)).to_contain_text("film.bin was not attached: it has 25.1 MB, and at most 25 MB fit.")
    expect(chips(page)).to_have_count(0)
    assert not any("/api/attachments/" in each for each in asked)


def test_a_heic_picture_that_this_browser_does_not_show_says_what_to_do(page: Page) -> None:
    choose(page, file("IMG_1.HEIC", b"\0\0\0\x18ftypheic" + b"\0" * 100, ""))
    expect(state(page)).to_contain_text("IMG_1.HEIC was not attached: this browser does not show HEIC pictures.")
    expect(chips(page)).to_have_count(0)


# --- Kept -------------------------------------------------------------------------------------------------------------


def test_a_reload_keeps_what_is_there_and_says_what_is_not(
    watched: tuple[Page, Watch], server: Server, upstream: Upstream
) -> None:
    page = watched[0]
    choose(page, file("kept.txt"), file("gone.txt"))
    stored(page, 2)
    held = Held(page)
    choose(page, file("late.txt"))
    held.wait(1)
    page.wait_for_timeout(500)  # what is kept is kept a moment later
    gone = page.evaluate("""async () => {
      const { kept, keptUnder } = await import("/static/chat/store.js");
      return (await keptUnder("files:"))[0][1].find(({ name }) => name === "gone.txt").id;
    }""")
    assert server.call("DELETE", f"/api/attachments/{gone}/", token=server.token()).status == 204
    page.reload()
    page.wait_for_selector("body.ready")
    expect(chips(page)).to_have_count(1)
    expect(chips(page)).to_contain_text("kept.txt · 1 kB")
    said = state(page).locator(".state-text")
    expect(said).to_contain_text("late.txt was not uploaded yet when the page was left. Attach it again.")
    expect(said).to_contain_text("gone.txt is not kept any more. Attach it again.")
    send(page, f"Read it {script(upstream, Turn(text='Read.'))}")
    expect(answer(page)).to_contain_text("Read.")
    expect(listed(page)).to_have_text(["kept.txt · 1 kB"])


def test_what_one_takes_away_is_taken_away_at_the_server_too(page: Page, server: Server) -> None:
    with page.expect_response("**/api/attachments/?**") as brought:
        choose(page, file("notes.txt"))
    id = brought.value.json()["id"]
    stored(page, 1)
    assert server.call("GET", f"/api/attachments/{id}/", token=server.token()).status == 200
    with page.expect_response(f"**/api/attachments/{id}/") as taken:
        page.get_by_role("button", name="Remove notes.txt").click()
    assert taken.value.status == 204
    assert server.call("GET", f"/api/attachments/{id}/", token=server.token()).status == 404


# --- Seen -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_small_in_box_and_message_and_large_at_a_press(
    open_page: Open, server: Server, upstream: Upstream, way: Way
) -> None:
    page, _ = open_page(server, **SCREENS[way])
    sign_in(page)
    acts = Acts(page, way)
    choose(page, file("photo.png", picture(page, 640, 400, type="image/png"), "image/png"))
    stored(page, 1)
    small = chips(page).get_by_role("img", name="photo.png")
    expect(small).to_have_attribute("src", re.compile("/api/attachments/.*/thumbnail$"))
    acts.press(chips(page).get_by_role("button", name="photo.png", exact=True))
    closes(page)
    submit(page, f"See {script(upstream, Turn(text='Red and grey.'))}")
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        button = listed(page).get_by_role("button", name="photo.png")
        shown = button.locator("img")
        assert (shown.get_attribute("width"), shown.get_attribute("height")) == ("320", "200")
        page.wait_for_function("() => document.querySelector('.attachments img').naturalWidth > 0")
        acts.press(button)
        closes(page)
        expect(button).to_be_focused()
        page.reload()
        page.wait_for_selector("body.ready")


def closes(page: Page) -> None:
    """The large picture is open, and Escape closes it."""
    large = page.get_by_role("dialog", name="Picture")
    expect(large.get_by_role("img", name="photo.png")).to_be_visible()
    page.wait_for_function("() => document.querySelector('#picture img').naturalWidth === 640")
    assert page.evaluate(SIDEWAYS) == []
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()


def test_nothing_moves_as_pictures_come(page: Page, upstream: Upstream) -> None:
    choose(page, file("photo.jpg", picture(page, 400, 900), "image/jpeg"))
    stored(page, 1)
    send(page, f"See {script(upstream, Turn(text='Tall.'))}")
    expect(answer(page)).to_contain_text("tokens")
    held: list[Any] = []
    page.route("**/thumbnail", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector("body.ready")
    page.evaluate(SHIFTS)
    image = listed(page).locator("img")
    before = image.bounding_box()
    assert before and (round(before["width"]), round(before["height"])) == (89, 200)
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_function("() => document.querySelector('.attachments img').naturalWidth > 0")
    after = image.bounding_box()
    assert after and {name: int(value) for name, value in after.items()} == {
        name: int(value) for name, value in before.items()
    }
    assert page.evaluate("shifted") < MOST_SHIFT


def test_large_pictures_are_made_smaller_and_keep_a_clear_ground(page: Page) -> None:
    photo = picture(page, 2600, 1300)
    choose(page, file("photo.jpg", photo, "image/jpeg"))
    with page.expect_response("**/api/attachments/?**") as brought:
        stored(page, 1)
    small = brought.value.json()
    assert (small["width"], small["height"]) == (2048, 1024) and small["name"] == "photo.jpg"
    with page.expect_response("**/api/attachments/?**") as brought:
        choose(page, file("logo.webp", picture(page, 2100, 30, type="image/webp", clear=True), "image/webp"))
    clear = brought.value.json()
    assert (clear["name"], clear["media_type"], clear["width"]) == ("logo.png", "image/png", 2048)


GIF = (  # two frames of one dot
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    + b"\x21\xf9\x04\x00\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00" * 2
    + b"\x3b"
)


def test_what_the_browser_cannot_make_smaller_goes_as_it_is(page: Page) -> None:
    for name, data, type in (("moves.gif", GIF, "image/gif"), ("none.png", b"no picture", "image/png")):
        with page.expect_request("**/api/attachments/?**") as asked:
            choose(page, file(name, data, type))
        sent = asked.value.all_headers()
        assert (sent["content-type"], sent["content-length"]) == (type, str(len(data)))


def test_a_screen_reader_hears_of_files_once_and_of_no_progress(page: Page) -> None:
    page.evaluate(HEARD)
    choose(page, file("a.txt"), file("b.txt"))
    stored(page, 2)
    page.wait_for_function("() => heard.length > 0")
    assert page.evaluate("heard") == ["2 files uploaded"]
    expect(page.get_by_role("list", name="Files")).to_be_visible()


LONG = "A_long_name_without_any_place_to_break_it_" * 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(320, 640), (390, 844), (1440, 900)])
def test_everything_of_it_fits_and_axe_has_no_complaint(
    open_page: Open, new_server: Callable[..., Server], upstream: Upstream, size: tuple[int, int], scheme: str
) -> None:
    server = new_server(TRANSCRIPTION_BASE_URL=upstream.url).start()
    is_phone = size[0] < 800
    viewport = {"width": size[0], "height": size[1]}
    page, watch = open_page(
        server,
        viewport=viewport,
        has_touch=is_phone,
        is_mobile=is_phone,
        color_scheme=scheme,
        forced_colors="none",
        reduced_motion="reduce",
    )
    watch.allowed = ("Failed to load resource",)
    sign_in(page)
    choose(page, file("photo.jpg", picture(page, 640, 400), "image/jpeg"), file(f"{LONG}.txt"), file("a.txt"))
    stored(page, 3)
    held = Held(page)
    choose(page, file(f"{LONG}2.txt"))
    held.go(lambda route: route.abort())
    choose(page, file("going.txt"))
    expect(page.get_by_role("progressbar")).to_have_count(1)
    least = 44 if is_phone else 24
    fits(page, least)
    page.get_by_role("button", name="Stop uploading going.txt").click()
    page.get_by_role("button", name="Remove A_long").last.click()
    submit(page, f"See {script(upstream, Turn(text='Seen.'))}")
    expect(answer(page)).to_contain_text("tokens")
    listed(page).first.scroll_into_view_if_needed()
    fits(page, least)
    listed(page).get_by_role("button", name="photo.jpg").click()
    page.wait_for_function("() => document.querySelector('#picture img').naturalWidth > 0")
    fits(page, least)


def fits(page: Page, least: int) -> None:
    assert page.evaluate(SIDEWAYS) == []
    assert page.evaluate(OFF_SCREEN) == []
    assert page.evaluate(SMALL, least) == []
    assert complaints(page) == []


# --- The camera and the microphone ------------------------------------------------------------------------------------


def test_the_camera_is_offered_on_touch_screens_alone(open_page: Open, server: Server) -> None:
    for way, is_offered in (("tap", True), ("mouse", False)):
        page, _ = open_page(server, **SCREENS[way])  # type: ignore[index]
        sign_in(page)
        camera = page.locator("label.camera")
        expect(camera).to_be_visible(visible=is_offered)
        expect(camera.locator("input")).to_have_attribute("capture", "environment")
        expect(page.get_by_role("button", name="Record a sound")).to_have_count(0)  # nothing here reads sounds
        if is_offered:
            with page.expect_file_chooser() as chosen:
                camera.tap()
            chosen.value.set_files([file("taken.jpg", picture(page, 64, 40), "image/jpeg")])
            stored(page, 1)


@pytest.fixture(scope="module")
def with_microphone(browser: Browser) -> Iterator[Browser]:
    """A Chromium whose microphone beeps."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with browser.browser_type.launch(executable_path=program, args=[*ARGUMENTS, *flags]) as own:
        yield own


@pytest.fixture
def speaking(
    with_microphone: Browser, new_server: Callable[..., Server], upstream: Upstream
) -> Iterator[Callable[..., Page]]:
    """`speaking(CHAT_RECORDING_MAX_S="2")` is Alice's page at a server that reads sounds."""
    watches: list[Watch] = []

    def open_signed_in(**settings: str) -> Page:
        server = new_server(TRANSCRIPTION_BASE_URL=upstream.url, **settings).start()
        page, watch = with_microphone.new_context(base_url=server.url).new_page(), Watch(server.url)
        watch.attach(page)
        watches.append(watch)
        sign_in(page)
        return page

    yield open_signed_in
    for watch in watches:
        watch.check()


def test_a_sound_is_recorded_heard_and_sent(speaking: Callable[..., Page], upstream: Upstream) -> None:
    page = speaking()
    page.get_by_role("button", name="Record a sound").click()
    bar = page.get_by_role("group", name="Recording")
    expect(bar).to_contain_text("0:01")
    expect(bar.get_by_role("button", name="Stop and attach")).to_be_focused()
    page.keyboard.press("Enter")
    expect(bar).to_have_count(0)
    stored(page, 1)
    expect(chips(page)).to_contain_text("Recording of")
    expect(box(page)).to_be_focused()
    send(page, f"Hear {script(upstream, Turn(text='A beep.'))}")
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        sound = listed(page).locator("audio")
        expect(sound).to_be_visible()
        assert sound.evaluate("async (each) => { await each.play(); return each.error }") is None
        page.reload()
        page.wait_for_selector("body.ready")


def test_a_recording_that_is_cancelled_leaves_nothing(speaking: Callable[..., Page]) -> None:
    page = speaking()
    page.get_by_role("button", name="Record a sound").click()
    page.get_by_role("group", name="Recording").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("group", name="Recording")).to_have_count(0)
    expect(chips(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Record a sound")).to_be_enabled()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    assert page.evaluate(
        "navigator.mediaDevices.enumerateDevices().then((all) => all.length > 0)"
    )  # guard: there is one


def test_a_recording_ends_at_its_limit_and_send_ends_it_too(speaking: Callable[..., Page], upstream: Upstream) -> None:
    page = speaking(CHAT_RECORDING_MAX_S="2")
    page.get_by_role("button", name="Record a sound").click()
    expect(state(page)).to_contain_text("The recording has ended")
    stored(page, 1)
    page.get_by_role("button", name="Record a sound").click()
    expect(page.get_by_role("group", name="Recording")).to_be_visible()
    submit(page, f"Hear both {script(upstream, Turn(text='Two beeps.'))}")
    expect(answer(page)).to_contain_text("Two beeps.")
    expect(listed(page)).to_have_count(2)


def test_where_there_is_no_microphone_it_says_so(speaking: Callable[..., Page]) -> None:
    page = speaking()
    refuse = "() => Promise.reject(new DOMException('no', 'NotFoundError'))"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse} }}")
    page.get_by_role("button", name="Record a sound").click()
    expect(state(page)).to_contain_text("There is no microphone here, or this page may not use it.")
    expect(page.get_by_role("group", name="Recording")).to_have_count(0)
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
