"""Pictures and refused files, who answers, copying without a clipboard, and words that run from right to left."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way
from tests.browser.attaching import stored
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, gated, script, send, state, submit
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CODE = "Here:\n\n```python\nprint(1)\n```\n"
# A choice that takes its time to reach the server.
SLOW = """void (window.fetch = ((fetch) => async (...given) => {
  if (given[1]?.method === "PATCH") await new Promise((resolve) => setTimeout(resolve, 400));
  return fetch(...given);
})(window.fetch))"""
# A picture of noise, which no compression makes small; its left half is red. `turned`: the camera was held upright.
PICTURE = """async ({ width, height, type, turned, name }) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  const noise = pen.createImageData(width, height);
  for (let at = 0; at < noise.data.length; at += 65536) crypto.getRandomValues(noise.data.subarray(at, at + 65536));
  for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
  pen.putImageData(noise, 0, 0);
  pen.fillStyle = "red";
  pen.fillRect(0, 0, width / 2, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.95));
  let bytes = new Uint8Array(await blob.arrayBuffer());
  if (turned) {
    const head = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1];
    const exif = [...head, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const app1 = [0xff, 0xe1, 0, exif.length + 2, ...exif];
    bytes = new Uint8Array([...bytes.subarray(0, 2), ...app1, ...bytes.subarray(2)]);
  }
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.getElementById("text").dispatchEvent(event);
  return bytes.length;
}"""
SEEN = """async (image) => {
  await image.decode();
  const size = { width: image.naturalWidth, height: image.naturalHeight };
  const canvas = Object.assign(document.createElement("canvas"), size);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const [red, green] = pen.getImageData(canvas.width / 2, canvas.height / 4, 1, 1).data;
  return { width: canvas.width, height: canvas.height, isRedAbove: red > 200 && green < 80 };
}"""


def chips(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("#composer .files").get_by_role("listitem")


@pytest.mark.parametrize(
    "name", ["Screenshot 9.41\u202fAM.txt", "a\u202ab\nc.txt", "e\u0301" * 300 + ".txt", "👩‍👧.txt"]
)
def test_no_file_is_refused_for_its_name(page: Page, upstream: Upstream, name: str) -> None:
    page.evaluate(
        """(name) => {
          const data = new DataTransfer();
          data.items.add(new File(["Hello"], name, { type: "text/plain" }));
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.getElementById("text").dispatchEvent(event);
        }""",
        name,
    )
    expect(chips(page)).to_have_count(1)
    send(page, f"Read {script(upstream, Turn(text='Read.'))}")
    expect(answer(page)).to_contain_text("Read.")


def test_a_large_picture_is_made_smaller_upright_and_shown_in_box_and_message(page: Page, upstream: Upstream) -> None:
    size = page.evaluate(
        PICTURE, {"width": 2600, "height": 1300, "type": "image/jpeg", "turned": True, "name": "photo.jpg"}
    )
    assert size > 400_000
    expect(chips(page)).to_contain_text("photo.jpg", timeout=60_000)
    stored(page, 1)
    small = chips(page).locator("img").evaluate(SEEN)
    assert small["height"] > small["width"] and max(small["height"], small["width"]) <= 2048 and small["isRedAbove"]
    send(page, script(upstream, Turn(text="A picture.")))
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        shown = page.get_by_role("article").first.locator(".attachments img")
        expect(shown).to_be_visible()
        assert shown.evaluate(SEEN)["isRedAbove"]
        page.reload()
        page.wait_for_selector("body.ready")
    told = next(each for each in upstream.requests() if "image_url" in str(each.messages))
    url = next(part for part in told.messages[-1]["content"] if part["type"] == "image_url")["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    button = page.get_by_role("article").first.locator(".attachments .look")
    reply = page.request.get(button.get_attribute("data-source") or "")
    assert reply.headers["content-type"] == "image/jpeg" and reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("way", ["mouse", "tap", "key"])
def test_agent_and_model_of_a_chat_are_changed_at_any_time_and_hold_for_the_next_message(
    open_page: Open, server: Server, upstream: Upstream, way: str
) -> None:
    page, watch = open_page(server, **(PHONE if way == "tap" else {}))
    watch.allowed = ("WebSocket",)  # one that is left while it opens
    sign_in(page)
    submit(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    model, agent = page.get_by_label("Model"), page.get_by_label("Agent")
    for each in (model, agent):
        expect(each).to_be_in_viewport(ratio=1)
    wanted = page.locator("#model option:not(:checked)").first.get_attribute("value") or ""
    page.evaluate(SLOW)
    if way == "key":
        model.focus()
        before = model.input_value()
        page.keyboard.press(
            "ArrowDown" if page.locator("#model").evaluate("each => each.selectedIndex") == 0 else "ArrowUp"
        )
        wanted = model.input_value()
        assert wanted != before
    else:
        (model.tap if way == "tap" else model.click)()
        model.select_option(wanted)
    agent.select_option("project_navigator")
    submit(page, f"And now {script(upstream, Turn(text='By another.'))}")
    expect(answer(page)).to_contain_text("By another.")
    expect(answer(page)).to_contain_text("tokens")
    chat = page.url.split("/")[4]
    runs = server.call("GET", f"/api/runs/?chat={chat}", token=server.token()).body["results"]
    assert (runs[0]["model"], runs[0]["archetype"]) == (wanted, "project_navigator")
    page.reload()
    expect(model).to_have_value(wanted)
    page.goto("/")  # a new chat begins as this one went on
    expect(model).to_have_value(wanted)
    expect(agent).to_have_value("project_navigator")


def test_a_choice_that_is_refused_is_taken_back_and_said(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, watch = open_page(server)
    watch.allowed = ("400", "404")
    sign_in(page)
    send(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    before = page.locator("#model").input_value()
    page.evaluate("document.getElementById('model').append(new Option('departed', 'departed'))")
    page.locator("#model").select_option("departed")
    expect(state(page)).to_contain_text("Not done: model: Expected one of")
    expect(page.locator("#model")).to_have_value(before)


def test_a_model_that_is_not_offered_any_more_says_so_and_the_message_is_not_lost(
    open_page: Open,
    new_server,
    upstream: Upstream,  # type: ignore[no-untyped-def]
) -> None:
    server = new_server(OPENAI_MODELS="departing,gpt-4.1-mini").start()
    page, watch = open_page(server)
    watch.allowed = ("400", "WebSocket", "net::ERR_", "503")
    sign_in(page)
    page.locator("#model").select_option("departing")
    send(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    server.stop()
    server.settings["OPENAI_MODELS"] = "gpt-4.1-mini"
    server.start_process()
    page.reload()
    page.wait_for_selector("body.ready")
    expect(page.locator("#model option:checked")).to_have_text("departing, not offered any more")
    send(page, "  still there?")
    expect(state(page)).to_contain_text("The chat's model departing is not offered any more. Choose another one")
    expect(box(page)).to_have_value("  still there?")
    page.locator("#model").select_option("gpt-4.1-mini")
    box(page).fill(f"Now? {script(upstream, Turn(text='Here I am.'))}")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Here I am.")
    page.goto("/")
    expect(page.locator("#model")).to_have_value("gpt-4.1-mini")


@pytest.mark.parametrize("way", ["mouse", "tap", "key"])
def test_copy_works_where_the_page_has_no_clipboard(
    open_page: Open, server: Server, upstream: Upstream, way: str
) -> None:
    page, _ = open_page(server, **(PHONE if way == "tap" else {}))
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on plain http
    sign_in(page)
    submit(page, f"Copy {script(upstream, Turn(text=CODE))}")
    expect(answer(page)).to_contain_text("tokens")
    for name, text in (("Copy code", "print(1)\n"), ("Copy: Parley", CODE)):
        button = answer(page).get_by_role("button", name=name).first
        if way == "key":
            button.focus()
            page.keyboard.press("Enter")
        else:
            answer(page).hover()
            (button.tap if way == "tap" else button.click)()
        expect(button).to_have_text("Copied")
        box(page).focus()
        page.keyboard.press("Control+v")
        assert box(page).input_value().strip() == text.strip()
        box(page).fill("")


def test_examples_about_files_are_there_only_where_there_is_a_project(page: Page) -> None:
    examples = page.locator(".examples li:visible")
    outside = page.locator("#project option", has_text="No project").first.get_attribute("value")
    inside = page.locator("#project option:not([value=''])").first.get_attribute("value")
    for value, count in ((outside, 0), (inside, 3), (outside, 0)):
        page.locator("#project").select_option(value)
        expect(examples).to_have_count(count)


WORDS_END = """each => { const words = new Range();
  words.selectNodeContents(each);
  return words.getBoundingClientRect().right; }"""


def test_words_that_run_from_right_to_left_do(page: Page, upstream: Upstream) -> None:
    box(page).fill("שלום")
    direction = "each => getComputedStyle(each).direction"
    assert box(page).evaluate(direction) == "rtl"
    box(page).fill(f"שלום {script(upstream, Turn(text='שלום.'))}")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        link = page.locator("#nav .chats a[aria-current]")
        for each in (link, page.get_by_role("heading", level=1)):
            assert each.evaluate(direction) == "rtl"
        more = page.locator("#nav .chats a[aria-current] + .more")
        assert link.evaluate(WORDS_END) <= more.evaluate("each => each.getBoundingClientRect().left")
        page.reload()
    page.get_by_role("button", name="Rename or delete this chat").click()
    page.get_by_role("button", name="Rename", exact=True).click()
    assert page.get_by_label("Title", exact=True).evaluate(direction) == "rtl"


# How far a table that runs from right to left is from where its lines begin.
GAP = """() => { const table = document.querySelector("article table");
  return table.parentElement.getBoundingClientRect().right - table.getBoundingClientRect().right; }"""
BASES = """selector => [...document.querySelectorAll(selector)].map((each) => {
  const { direction, unicodeBidi } = getComputedStyle(each);
  return unicodeBidi === "plaintext" ? "by its words" : direction;
})"""


def test_code_runs_from_left_to_right_among_words_that_do_not(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    call = Turn(tool_calls=[ScriptedCall("read_file", {"path": "שלום"})])
    send(page, f"שלום {script(upstream, call, gated(gate, ['שלום.', chr(10) * 2, '```py', chr(10), '# שלום'], CODE))}")
    expect(page.locator(".rest.fence")).to_contain_text("# שלום")
    assert page.evaluate(BASES, ".rest.fence") == ["ltr"]
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    for _ in range(2):
        assert set(page.evaluate(BASES, "article pre")) == {"ltr"}
        page.reload()


def test_a_table_that_comes_runs_as_its_words_do(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    table = ["Here:\n\n", "| שלום | שלום |\n", "|---|---|\n", "| שלום | שלום |\n"]
    send(page, f"Show {script(upstream, gated(gate, table, chr(10) * 2 + 'So.'))}")
    expect(page.locator(".rest table td")).to_have_count(2)
    assert page.evaluate(BASES, "article table") == ["rtl"] and page.evaluate(GAP) < 2
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    expect(page.locator("article table")).to_have_count(1)
    assert page.evaluate(BASES, "article table") == ["rtl"] and page.evaluate(GAP) < 2


def test_the_choice_of_language_is_written_as_the_page_is(page: Page) -> None:
    font = "each => getComputedStyle(each).fontFamily"
    assert page.get_by_label("Language").evaluate(font) == page.locator("body").evaluate(font)


def test_the_language_of_code_is_said_once(page: Page, upstream: Upstream) -> None:
    send(page, f"Show {script(upstream, Turn(text=CODE))}")
    expect(answer(page).locator(".language")).to_have_text("python")
    before = "each => getComputedStyle(each, '::before').content"
    assert answer(page).locator(".text pre").evaluate(before) == "none"


@pytest.mark.parametrize("way", WAYS)
def test_who_takes_a_file_away_is_at_the_next_one_or_at_the_box(
    open_page: Open, server: Server, tmp_path: Path, way: Way
) -> None:
    acts = Acts(open_page(server, **SCREENS[way])[0], way)
    sign_in(acts.page)
    names = ["a.txt", "b.txt", "c.txt"]
    for name in names:
        (tmp_path / name).write_text("Lighthouse.")
    acts.page.get_by_label("Attach files").set_input_files([tmp_path / name for name in names])
    for name, then in [("b.txt", "Remove c.txt"), ("c.txt", "Remove a.txt")]:
        acts.press(acts.page.get_by_role("button", name=f"Remove {name}"))
        expect(acts.page.get_by_role("button", name=then)).to_be_focused()
    acts.press(acts.page.get_by_role("button", name="Remove a.txt"))
    expect(box(acts.page)).to_be_focused()
