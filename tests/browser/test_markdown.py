"""An answer's text as it comes: the page draws the same as when it is read again, and nobody sees half a table."""

from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from agents import events as ev
from chat.markdown.blocks import RunBlocks, rendered
from tests import transcripts
from tests.browser.steps import Open, answer, enter, gated, script, send, state
from tests.corpus import snippets
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]

DRAW = """async (cases) => {
  const { src } = document.querySelector("script[src*='/chat/']");
  const own = src.replace(/\\/chat\\/.*/, "/chat/"); // of the page's version
  const { emptyAnswer, reduce } = await import(`${own}reducer.js`);
  const { enliven, textView } = await import(`${own}text.js`);
  const { fragmentOf } = await import(`${own}html.js`);
  const different = [];
  for (const { name, events, stored } of cases) {
    let [answer, view] = [emptyAnswer(), null];
    for (const event of events) {
      answer = reduce(answer, event);
      const part = answer.parts.at(-1);
      if (!part) continue;
      if (!view?.draw(part)) (view = textView()).draw(part);
    }
    const wanted = document.createElement("div");
    wanted.append(fragmentOf(stored));
    enliven(wanted);
    view?.element.querySelector(".rest").remove();
    const html = (root) => [...(root?.children ?? [])].map((each) => each.outerHTML).join("\\n");
    if (html(view?.element) !== html(wanted)) different.push([name, html(view?.element), html(wanted)]);
  }
  return different;
}"""


def frames(text: str, size: int) -> list[dict[str, Any]]:
    """What the native door sends of an answer that says this in such pieces, with its blocks."""
    log = transcripts.Script().begin().add(ev.TurnStarted, turn=1, model="m")
    for at in range(0, len(text), size):
        log.add(ev.TextDelta, text=text[at : at + size])
    blocks, sent = RunBlocks(), []
    for each in log.reply(1).add(ev.TurnCompleted, turn=1).end():
        place = {"seq": each.seq, "attempt": each.attempt, "at": each.event.at}
        if isinstance(each.event, ev.TurnStarted):
            sent.append({"type": "turn.started", "turn": 1, **place})
        if isinstance(each.event, ev.TextDelta):
            sent.append({"type": "text.delta", "text": each.event.text, **place})
        sent += [{"type": "block", **place, **block.as_json()} for block in blocks.feed(each.event)]
    return sent


@pytest.mark.parametrize("size", [1, 7, 50])
def test_what_was_watched_is_drawn_as_what_is_read_again(page: Page, size: int) -> None:
    cases = [
        {"name": name, "events": frames(text, size), "stored": str(rendered(text))} for name, text in snippets().items()
    ]
    assert page.evaluate(DRAW, cases) == []


HALF_TABLES = [
    "| Name | Price |\n",
    "| Name | Price |\n|--",
    "| Name | Price |\n|---|---|\n| tea | 3",
    "Prices:\n| Name | Price |\n|---|---|\n",
]
REST = " |\n\nDone."


def test_a_table_is_one_once_its_head_is_whole(page: Page, upstream: Upstream) -> None:
    for half in HALF_TABLES:
        gate = uuid4().hex
        send(page, f"List {script(upstream, gated(gate, [half], REST))}")
        expect(answer(page).get_by_role("columnheader").nth(1)).to_have_text("Price")
        assert "|" not in answer(page).locator(".parts").inner_text()
        upstream.release(gate)
        expect(answer(page)).to_contain_text("tokens")


def test_of_half_a_link_its_words_are_shown(page: Page, upstream: Upstream) -> None:
    for half in ["See [the docs](", "See [the docs](https://exa", "See [the docs](https://example.org/)"]:
        gate = uuid4().hex
        send(page, f"Say {script(upstream, gated(gate, [half], ' and so on.'))}")
        expect(answer(page).locator(".rest")).to_have_text("See the docs")
        upstream.release(gate)
        expect(answer(page)).to_contain_text("tokens")


def test_what_is_no_table_and_no_link_stays_as_it_was_typed(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    half = "a | b\nand [x] (y) or [z](src/a.py) so"
    send(page, f"Say {script(upstream, gated(gate, list(half), ' on.'))}")
    expect(answer(page).locator(".rest")).to_have_text(half)
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")


def test_what_is_too_long_says_why_it_is_not_formatted(page: Page, upstream: Upstream) -> None:
    text = "".join(f"- *item* {number}\n" for number in range(4_000)) + "\nThe **end**.\n"
    send(page, f"Say {script(upstream, Turn(text=[text]))}")
    expect(answer(page)).to_contain_text("tokens", timeout=30_000)
    expect(answer(page)).to_contain_text("shown as it was written")
    expect(answer(page).locator("strong")).to_have_text("end")


TASKS = "- [ ] buy\n  - [x] milk\n    - [ ] whole\n- [ ] cook\n\n* buy\n  * milk\n    * whole\n* cook\n"
# Where each item's own text is: left, top and height of its line.
PLACES = """(text) => [...text.querySelectorAll("li")].map((each) => {
  const range = document.createRange();
  const own = each.firstChild;
  range.setStart(own, each.className ? 2 : 0);
  range.setEnd(own, own.length);
  const { x, y, height } = range.getClientRects()[0];
  return { x, y, height };
})"""


def test_tasks_in_a_list_of_tasks_stand_as_the_items_of_any_list(page: Page, upstream: Upstream) -> None:
    send(page, f"What is to be done? {script(upstream, Turn(text=TASKS))}")
    expect(answer(page)).to_contain_text("tokens")
    places = answer(page).locator(".text").evaluate(PLACES)
    tasks, others = places[:4], places[4:]
    assert [each["x"] for each in tasks] == pytest.approx([each["x"] for each in others], abs=2)
    for items in (tasks, others):
        tops = [each["y"] for each in items]
        assert all(below - above < 32 for above, below in pairwise(tops)), tops  # a line is 25.6


def test_formulas_and_code_are_written_as_they_should_be(page: Page, upstream: Upstream) -> None:
    text = "שלום \\(x^2\\)\n\n- שלום\n\nand\n\n```kt\nval x = 1\n```\n"
    send(page, f"Say {script(upstream, Turn(text=[text]))}")
    expect(answer(page)).to_contain_text("tokens")
    direction = "(name) => getComputedStyle(document.querySelector(`#log .assistant .text ${name}`)).direction"
    assert [page.evaluate(direction, name) for name in ("p", "ul", "pre")] == ["rtl", "rtl", "ltr"]
    math = "document.querySelector('#log .text math').namespaceURI"
    assert page.evaluate(math) == "http://www.w3.org/1998/Math/MathML"
    assert page.evaluate("document.querySelector('#log .code .language').textContent") == "kt"


HURRY = "() => { const real = setTimeout; window.setTimeout = (act, ms) => real(act, Math.min(ms, 1)); }"
FAIL = """async () => {
  const { Parley } = await import("/static/parley.js");
  const real = setTimeout;
  window.setTimeout = (act, ms) => real(act, Math.min(ms, 1));
  const ends = {};
  const answers = {
    "says it": () => new Response("", { status: 500 }),
    "breaks off": () => new Response(": alive\\n\\n", { status: 200 }),
    "has no network": () => { throw new TypeError("no network"); },
  };
  for (const [name, give] of Object.entries(answers)) {
    let asked = 0;
    class Failing extends Parley {
      async fetch() {
        asked += 1;
        return give();
      }
    }
    ends[name] = await new Promise((resolve) => {
      const follower = new Failing().stream("r", { onEvent() {}, onEnd: (reason) => resolve([asked, reason]) });
      real(() => (follower.close(), resolve(["went on", asked > 20])), 2000);
    });
  }
  window.setTimeout = real;
  return ends;
}"""


def test_a_server_that_fails_again_and_again_is_let_go_and_a_lost_network_is_waited_for(page: Page) -> None:
    assert page.evaluate(FAIL) == {
        "says it": [10, "failed"],
        "breaks off": [10, "failed"],
        "has no network": ["went on", True],
    }


def test_a_reader_is_told_and_may_try_again(server: Server, open_page: Open, upstream: Upstream) -> None:
    page, watch = open_page(server)
    watch.allowed = ("Failed to load resource",)
    enter(page, "/")
    page.wait_for_selector("body.ready")
    page.evaluate(HURRY)
    page.route("**/events?*", lambda route: route.fulfill(status=500, body=""))
    send(page, f"Say {script(upstream, Turn(text=['It is here.']))}")
    expect(state(page)).to_contain_text("cannot be loaded")
    page.unroute("**/events?*")
    page.get_by_role("button", name="Retry").click()
    expect(answer(page)).to_contain_text("It is here.")
