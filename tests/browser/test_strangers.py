"""Others change our page while an answer comes: translations, extensions. The answer is whole all the same."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import answer, gated, script, send, state
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
WORDS = [f"word{number}" for number in range(60)]
BEFORE = ["# Title\n\n", "First paragraph.\n\n", *(f"{word} " for word in WORDS[:30]), "\n\n```python\nx = 1\n```\n\n"]
CALLS = [ScriptedCall("list_files", {})]
# Each gets every node that comes into the log while answers come, and once all that are there.
EACH_NODE = """(meet) => {
  const log = document.getElementById("log");
  const walk = (node) => { if (node.isConnected) { [...node.childNodes].forEach(walk); meet(node); } };
  const watch = new MutationObserver((changes) => {
    for (const { addedNodes, target, type } of changes) {
      if (type === "characterData" && target.isConnected) meet(target);
      addedNodes.forEach(walk);
    }
    watch.takeRecords();
  });
  walk(log);
  watch.observe(log, { subtree: true, childList: true, characterData: true });
}"""
STRANGERS = {
    # As Chrome's and Google's: the text in its place is another node.
    "a translation": """(node) => {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim() || node.parentNode.localName === "font") return;
      const [outer, inner] = [document.createElement("font"), document.createElement("font")];
      inner.append(node.data);
      outer.append(inner);
      node.replaceWith(outer);
    }""",
    "a translation that takes our nodes along": """(node) => {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim() || node.parentNode.localName === "font") return;
      const outer = document.createElement("font");
      node.replaceWith(outer);
      outer.append(node);
    }""",
    "one that adds attributes and nodes": """(node) => {
      if (node.nodeType !== Node.ELEMENT_NODE || node.localName === "x-mark") return;
      node.setAttribute("data-dark", "yes");
      node.classList.add("dark");
      node.style.setProperty("--dark", "1");
      node.prepend(document.createElement("x-mark"));
      node.append(document.createElement("x-mark"));
      node.after(document.createElement("x-mark"));
    }""",
    "one that removes every third node": """(node) => {
      if (!node.parentElement?.closest("article[data-status=in_progress]")) return;
      if ((window.met = (window.met ?? 0) + 1) % 3 === 0) node.remove();
    }""",
    "one that splits and joins texts": """(node) => {
      if (node.nodeType !== Node.TEXT_NODE || !node.parentElement?.closest("article")) return;
      if (node.length > 6 && Math.random() < 0.5) node.splitText(3);
      else node.parentElement.normalize();
    }""",
}


def words(page: Page) -> list[str]:
    return re.findall(r"word\d+", answer(page).locator(".parts").text_content() or "")


@pytest.mark.parametrize("who", STRANGERS)
def test_what_others_do_to_the_page_takes_nothing_from_the_answer(page: Page, upstream: Upstream, who: str) -> None:
    gate = uuid4().hex
    page.evaluate(f"({EACH_NODE})({STRANGERS[who]})")
    turn = gated(gate, [*BEFORE, *(f"{word} " for word in WORDS[30:])], " The end.")
    send(page, f"Say {script(upstream, Turn(reasoning='I look. ', tool_calls=CALLS), turn)}")
    if "removes" not in who:  # what that one takes while nothing comes is back at the end
        expect(answer(page)).to_contain_text("word59")
        assert words(page) == WORDS
    upstream.release(gate)
    expect(answer(page)).to_contain_text("The end.")
    expect(answer(page)).to_contain_text("tokens")
    expect(state(page)).to_have_text("")
    expect(page.get_by_role("article")).to_have_count(2)
    expect(answer(page).locator("details.tool")).to_have_count(1)
    assert words(page) == WORDS
    if "removes" not in who:
        send(page, f"And more {script(upstream, Turn(text='More.'))}")
        expect(answer(page)).to_contain_text("More.")
        expect(state(page)).to_have_text("")


def test_what_is_being_written_is_not_to_be_translated_and_then_it_is(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    send(page, f"Say {script(upstream, gated(gate, ['It is '], 'done.'))}")
    expect(answer(page)).to_contain_text("It is")
    assert answer(page).locator(".parts").get_attribute("translate") == "no"
    upstream.release(gate)
    expect(answer(page)).to_contain_text("tokens")
    assert answer(page).locator(".parts").get_attribute("translate") is None
    assert page.locator("article.own .parts").get_attribute("translate") == "no"  # an edit begins with one's own words
    page.reload()
    assert page.locator("article.own .parts").get_attribute("translate") == "no"
