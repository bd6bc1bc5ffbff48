"""An answer of 50,000 characters with code: while it streams, nothing keeps the reader waiting for more than 50 ms."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.measure import WATCH_KEYS, figures, traced
from tests.browser.steps import answer, script, send
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
CHARS = 50_000
LONGEST_MS = 50.0
# A block of code has some 400 elements, and several blocks may come in one frame; the whole answer has 10,000. One rule
# as `.a > * + *` is enough to have all of them restyled with every block.
MOST_RESTYLED = 2500
PROSE = (
    "A paragraph with **strong words**, `code` and [a link](https://example.org/), as models like to write them. " * 4
)
CODE = "".join(
    f"def function_{n}(value: int) -> str:\n    return f'{{value}} and {n}'  # a comment\n\n" for n in range(18)
)
SECTION = f"## A heading\n\n{PROSE}\n\n```python\n{CODE}```\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
# Asked in the page: a locator by role looks at every element of a long answer, and that blocks it.
IS_OVER = "() => document.querySelector('#log article:last-of-type').dataset.status === 'completed'"
HEARD = """() => {
  window.heard = [];
  for (const id of ["status", "answer"]) {
    new MutationObserver(() => heard.push(document.getElementById(id).textContent))
      .observe(document.getElementById(id), { childList: true, characterData: true, subtree: true });
  }
}"""


def long_text() -> list[str]:
    """Many short pieces."""
    text = (SECTION * (CHARS // len(SECTION) + 1))[:CHARS]
    return [text[at : at + 12] for at in range(0, CHARS, 12)]


def test_a_long_answer_with_code_blocks_nobody(page: Page, browser: Browser, upstream: Upstream) -> None:
    """Twice where it must be: where three browsers share two processors, a task may take three times its own time."""
    page.evaluate(WATCH_KEYS)
    page.evaluate(HEARD)
    if long := blocking(page, browser, upstream):
        long = blocking(page, browser, upstream)
    assert not long


def blocking(page: Page, browser: Browser, upstream: Upstream) -> list[float]:
    """The tasks of more than 50 ms while such an answer comes and somebody types."""
    page.evaluate("() => { keys.length = heard.length = 0; }")
    turn = Turn(text=long_text(), delay_ms=10, burst=6)
    with traced(browser, page) as tasks:
        send(page, f"Write a lot {script(upstream, turn)}")
        page.keyboard.type("meanwhile I go on typing, which must not be slow at all", delay=60)
        page.wait_for_function(IS_OVER, polling=500, timeout=120_000)
    keys, long = figures(page.evaluate("keys")), tasks.longer_than(LONGEST_MS)
    waited = len([each for each in tasks.clock_ms if each > LONGEST_MS])
    print(
        f"{CHARS} characters: {len(tasks.cpu_ms)} tasks, {sum(tasks.cpu_ms):.0f} ms of processor; "
        f"the longest {max(tasks.cpu_ms):.0f} ({tasks.longest}), over 50: {long}; over 50 ms of clock: {waited}; "
        f"a key to its frame {keys} ms; restyled at once: {tasks.most_restyled} elements"
    )
    assert tasks.most_restyled < MOST_RESTYLED
    heard = [each for each in page.evaluate("heard") if each]
    assert len([each for each in heard if "strong words" in each]) <= 1
    assert len(heard) <= 20
    return long


def test_one_block_of_code_of_50_000_characters_blocks_nobody(page: Page, browser: Browser, upstream: Upstream) -> None:
    code = "".join(f"value_{n} = compute({n}, name='item {n}')  # the {n}th\n" for n in range(1100))[: CHARS - 20]
    text = f"```python\n{code}\n```\n"
    turn = Turn(text=[text[at : at + 40] for at in range(0, len(text), 40)], delay_ms=5)
    with traced(browser, page) as tasks:
        send(page, f"Write a lot {script(upstream, turn)}")
        page.wait_for_function(IS_OVER, polling=500, timeout=120_000)
    long = tasks.longer_than(LONGEST_MS)
    print(
        f"one block of code: {sum(tasks.cpu_ms):.0f} ms of processor; "
        f"the longest {max(tasks.cpu_ms):.0f}, over 50: {long}"
    )
    assert not long
    expect(answer(page).locator("pre")).to_have_count(1)
