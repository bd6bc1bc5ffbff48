"""Everything that one can do on the page, by mouse, by tapping on a phone, by keys alone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way, open_list
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, state
from tests.live import Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
WRITE = ScriptedCall("write_file", {"path": "notes.md", "content": "Hello."})
LOOK = [ScriptedCall("list_files", {})] * 3
LONG = "long " * 60
CODE = f"Look:\n\n```python\nprint('{LONG}')\n```\n"
Act = Callable[[Acts, Upstream], None]


@pytest.fixture(scope="module")
def careful(upstream: Upstream) -> Iterator[Server]:
    """A server whose write_file asks first."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", TOOLS_ASK_FIRST="write_file")
    yield server.start()
    server.close()


def own(page: Page) -> Locator:
    return page.locator("article.own").last


def ask(acts: Acts, upstream: Upstream, text: str, *turns: Turn) -> None:
    acts.send(f"{text} {script(upstream, *turns)}")
    expect(answer(acts.page)).to_contain_text("tokens")
    expect(state(acts.page)).to_have_text("")


def press_in(acts: Acts, message: Locator, name: str) -> None:
    acts.near(message)
    acts.press(message.get_by_role("button", name=re.compile(f"^{name}")))


def sends(acts: Acts, upstream: Upstream) -> None:
    ask(acts, upstream, "A question", Turn(text=CODE))


def copies(acts: Acts, upstream: Upstream) -> None:
    press_in(acts, answer(acts.page), "Copy:")
    expect(answer(acts.page).get_by_role("button", name=re.compile("^Copy:"))).to_have_text("Copied")
    assert acts.page.evaluate("navigator.clipboard.readText()") == CODE


def wraps_code(acts: Acts, upstream: Upstream) -> None:
    toggle = answer(acts.page).get_by_role("button", name="Wrap lines")
    is_wide = "each => each.scrollWidth > each.clientWidth"
    assert answer(acts.page).locator("pre").evaluate(is_wide)
    acts.press(toggle)
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert not answer(acts.page).locator("pre").evaluate(is_wide)
    acts.press(toggle)
    expect(toggle).to_have_attribute("aria-pressed", "false")


def stops(acts: Acts, upstream: Upstream) -> None:
    acts.send(f"Wait {script(upstream, Turn(text=['a ', 'b ', 'c'], gate='never', gate_at=3))}")
    expect(answer(acts.page)).to_contain_text("a b")
    acts.page.wait_for_timeout(600)  # the second half of a double click would be no wish to stop
    acts.press(acts.page.locator("#composer .stop"))
    expect(answer(acts.page)).to_contain_text("Stopped by you")


def asks_again(acts: Acts, upstream: Upstream) -> None:
    ask(acts, upstream, "Once more", Turn(text="First answer."))
    press_in(acts, answer(acts.page), "Regenerate")  # its script is used up: it fails, and that is a version too
    expect(answer(acts.page)).to_contain_text("2 of 2")


def tries_again(acts: Acts, upstream: Upstream) -> None:
    press_in(acts, answer(acts.page), "Retry")
    expect(answer(acts.page)).to_contain_text("3 of 3")


def steps_between_versions(acts: Acts, upstream: Upstream) -> None:
    for expected in ("2 of 3", "1 of 3"):
        press_in(acts, answer(acts.page), "Previous version")
        expect(answer(acts.page)).to_contain_text(expected)
    expect(answer(acts.page)).to_contain_text("First answer.")


def edits(acts: Acts, upstream: Upstream) -> None:
    press_in(acts, own(acts.page), "Edit")
    acts.write(acts.page.get_by_label("Your message"), f"Otherwise {script(upstream, Turn(text='Another answer.'))}")
    acts.press(acts.page.get_by_role("button", name="Save and answer again"))
    expect(answer(acts.page)).to_contain_text("Another answer.")
    expect(own(acts.page)).to_contain_text("2 of 2")
    expect(answer(acts.page)).to_contain_text("tokens")


def allows(acts: Acts, upstream: Upstream) -> None:
    acts.send(f"Write it {script(upstream, Turn(tool_calls=[WRITE]), Turn(text='Written.'))}")
    acts.press(acts.page.get_by_role("button", name="Allow once"))
    expect(answer(acts.page)).to_contain_text("Written.")
    expect(answer(acts.page)).to_contain_text("tokens")


def denies(acts: Acts, upstream: Upstream) -> None:
    acts.send(f"Write it {script(upstream, Turn(tool_calls=[WRITE]), Turn(text='Not written.'))}")
    acts.press(acts.page.get_by_role("button", name="Deny"))
    expect(answer(acts.page)).to_contain_text("Not written.")
    expect(answer(acts.page)).to_contain_text("tokens")


def opens_folds(acts: Acts, upstream: Upstream) -> None:
    ask(acts, upstream, "Look", Turn(reasoning="Hm. ", tool_calls=LOOK), Turn(text="Seen."))
    acts.press(answer(acts.page).locator(".tools > summary"))
    acts.press(answer(acts.page).locator(".tool > summary").first)
    expect(answer(acts.page).locator(".tool").first).to_have_attribute("open", "")
    acts.press(answer(acts.page).locator(".tool > summary").first)


def shares(acts: Acts, upstream: Upstream) -> None:
    acts.press(acts.page.locator("#sharing"))
    acts.choose(acts.page.locator("#share [name=sharing]:checked"))
    acts.press(acts.page.locator("#share .answers button"))
    expect(acts.page.locator("#share")).to_be_hidden()


def renames(acts: Acts, upstream: Upstream) -> None:
    acts.press(acts.page.locator(".head [data-menu]"))
    acts.press(acts.page.locator("#chat-menu").get_by_role("button", name="Rename"))
    acts.write(acts.page.locator("#new-title"), "Another name")
    acts.press(acts.page.locator("#rename .primary"))
    expect(acts.page.get_by_role("heading", level=1)).to_have_text("Another name")


def sets(acts: Acts, upstream: Upstream) -> None:
    open_list(acts)
    acts.press(acts.page.locator("[data-key=',']"))
    acts.choose(acts.page.locator("#settings [name=speech][value=off]"))
    acts.press(acts.page.locator("#settings .answers button"))
    expect(acts.page.locator("#settings")).to_be_hidden()


def attaches(acts: Acts, upstream: Upstream) -> None:
    with acts.page.expect_file_chooser() as chosen:
        acts.press(acts.page.locator(".attach input" if acts.way == "keys" else ".attach"))
    chosen.value.set_files([{"name": "orders.csv", "mimeType": "text/csv", "buffer": b"a,1\n"}])
    expect(acts.page.locator(".files li")).to_have_count(1)
    acts.press(acts.page.locator(".files .remove"))
    expect(acts.page.locator(".files li")).to_have_count(0)


def forks(acts: Acts, upstream: Upstream) -> None:
    before = acts.page.url
    acts.near(answer(acts.page))
    acts.press(answer(acts.page).locator(".more > summary"))
    acts.press(answer(acts.page).get_by_role("button", name="Fork from here"))
    acts.page.wait_for_url(lambda url: url.split("?")[0] != before.split("?")[0])
    acts.page.wait_for_selector("body.ready")


def begins_a_chat(acts: Acts, upstream: Upstream) -> None:
    open_list(acts)
    acts.press(acts.page.locator("#nav .new"))
    acts.page.wait_for_url(re.compile(r"/$"))
    acts.page.wait_for_selector("body.ready")
    ask(acts, upstream, "A second chat", Turn(text="Second."))


def searches_and_opens(acts: Acts, upstream: Upstream) -> None:
    open_list(acts)
    acts.write(acts.page.locator("#search"), "Another na")
    found = acts.page.locator("#found a").first
    expect(found).to_have_text("Another name")
    acts.press(found)
    expect(acts.page.get_by_role("heading", level=1)).to_have_text("Another name")
    acts.page.wait_for_selector("body.ready")


def deletes_a_message(acts: Acts, upstream: Upstream) -> None:
    acts.near(answer(acts.page))
    acts.press(answer(acts.page).locator(".more > summary"))
    acts.press(answer(acts.page).get_by_role("button", name="Delete"))
    acts.page.wait_for_timeout(500)  # the second half of a double click would be no yes
    acts.press(answer(acts.page).get_by_role("button", name=re.compile("Delete for good")))
    expect(answer(acts.page)).to_contain_text("This message was deleted.")


def deletes_a_chat(acts: Acts, upstream: Upstream) -> None:
    acts.press(acts.page.locator(".head [data-menu]"))
    acts.press(acts.page.locator("#chat-menu").get_by_role("button", name="Delete"))
    acts.press(acts.page.locator("#delete .danger"))
    acts.page.wait_for_url(re.compile(r"/$"))


ACTS: tuple[Act, ...] = (
    *(sends, copies, wraps_code, stops, asks_again, tries_again, steps_between_versions, edits, allows, denies),
    *(opens_folds, shares, renames, sets, attaches, forks, begins_a_chat, searches_and_opens),
    *(deletes_a_message, deletes_a_chat),
)
# These lead to a page that begins with the focus where a browser puts it; a file's own button goes with it.
LEAVES = (forks, searches_and_opens, deletes_a_chat, attaches)


def has_focus(page: Page) -> bool:
    """Whether something on the page has the focus, at once or as soon as what was done is shown."""
    try:
        page.wait_for_function("() => document.activeElement !== document.body", timeout=1500)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
def test_everything_can_be_done_and_the_focus_stays_on_the_page(
    open_page: Open, careful: Server, upstream: Upstream, way: Way
) -> None:
    page, _ = open_page(careful, **SCREENS[way])
    sign_in(page)
    acts, lost = Acts(page, way), []
    for act in ACTS:
        try:
            act(acts, upstream)
        except Exception as error:
            error.add_note(f"when one {act.__name__}, by {way}")
            raise
        if act not in LEAVES and not has_focus(page):
            lost.append(act.__name__)
    assert way != "keys" or not lost, f"the focus is lost when one {', '.join(lost)}"
