"""A chat of 10,000 messages: few of them are on the page, and it scrolls and types as a short one does."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WAIT_MS
from tests.browser.measure import WATCH_FRAMES, WATCH_KEYS, figures
from tests.browser.steps import answer, box, script, send
from tests.live import OWNER, Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
MESSAGES = 10_000
MOST_ARTICLES = 320  # 300, and a leeway of 20
MOST_ELEMENTS = 320 * 60
ARTICLES = "document.querySelectorAll('#log article').length"
FILL = """
from accounts.models import User
from chat.models import Chat, Message
user = User.objects.get(email={owner!r})

chat = Chat.objects.get(pk={chat!r})
text = "Line {{n}} of a **long** chat, with `code` and a list:\\n\\n- one\\n- two\\n\\nAnd so on, for a while. "
rows, last = [], chat.leaf_id
start = chat.position
for n in range(start + 1, {count} + 1):
    mine = n % 2 == 1
    said = text.replace("{{n}}", str(n))
    row = Message(
        chat=chat, parent_id=last, position=n, role="user" if mine else "assistant", author=user if mine else None,
        content=said, parts=[] if mine else [{{"type": "text", "text": said}}], status="completed",
    )
    rows.append(row)
    last = row.pk
Message.objects.bulk_create(rows, batch_size=500)
Chat.objects.filter(pk=chat.pk).update(position={count}, leaf=last)
"""


@pytest.fixture
def long_chat(page: Page, server: Server, upstream: Upstream) -> Page:
    """The newest messages of such a chat."""
    send(page, f"Begin {script(upstream, Turn(text='Begun.'))}")
    expect(answer(page)).to_contain_text("tokens")
    chat = page.url.removesuffix("/").rpartition("/")[2]
    server.quickly("shell", "-v", "0", "-c", FILL.format(owner=OWNER, chat=chat, count=MESSAGES))
    page.goto("about:blank")
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    expect(answer(page)).to_contain_text(f"Line {MESSAGES} of a long chat")
    return page


def scroll_up(page: Page, until: str) -> None:
    """Roll the wheel until the page says so."""
    page.get_by_role("log").hover()
    for _ in range(400):
        if page.evaluate(until):
            return
        page.mouse.wheel(0, -1200)
        page.wait_for_timeout(16)
    raise AssertionError(f"never: {until}")


FIRST = "Number(document.querySelector('#log article').dataset.position)"
SEEN = """() => {
  const log = document.getElementById("log").getBoundingClientRect();
  const isSeen = (each) => each.getBoundingClientRect().bottom > log.top;
  const first = [...document.querySelectorAll("#log article")].find(isSeen);
  return { position: Number(first.dataset.position), top: first.getBoundingClientRect().top };
}"""


def test_scrolling_back_brings_older_ones_and_lets_go_of_the_newest(long_chat: Page) -> None:
    page = long_chat
    assert page.evaluate(ARTICLES) == 50
    page.evaluate(WATCH_FRAMES)
    scroll_up(page, f"{FIRST} <= {MESSAGES - 700}")
    frames = figures(page.evaluate("frames_ms.slice(1)"))
    most = page.evaluate("most")
    print(
        f"frames while scrolling back over 700 of {MESSAGES} messages: {frames} ms; at most {most} elements in the log"
    )
    assert page.evaluate(ARTICLES) <= MOST_ARTICLES
    assert most <= MOST_ELEMENTS
    assert frames["median"] < 50  # 17 where nothing else runs

    button = page.get_by_role("button", name="Back to the latest")
    expect(button).to_be_visible()
    button.click()
    expect(answer(page)).to_contain_text(f"Line {MESSAGES} of a long chat")
    expect(page.get_by_role("button", name=re.compile("latest"))).to_be_hidden()
    assert page.evaluate(ARTICLES) == 50


def test_what_is_read_stays_where_it_is_when_older_ones_come(long_chat: Page) -> None:
    page = long_chat
    first = page.evaluate(FIRST)
    log = page.get_by_role("log")
    log.hover()
    log.evaluate("log => (log.scrollTop = 300)")  # as a drag of the scrollbar
    page.wait_for_function(f"() => {FIRST} < {first}")
    seen = page.evaluate(SEEN)
    page.wait_for_timeout(300)  # nothing more may move; what is above may take its height, so the scrollbar may
    now = page.evaluate(SEEN)
    assert now["position"] == seen["position"] >= first
    assert abs(now["top"] - seen["top"]) < 2


def test_one_types_in_a_long_chat_as_in_a_short_one(long_chat: Page) -> None:
    page = long_chat
    scroll_up(page, f"{ARTICLES} >= 300")
    page.evaluate(WATCH_KEYS)
    box(page).press_sequentially("How quick are the keys of a long chat?", delay=30)
    page.wait_for_function("() => keys.length >= 38", timeout=WAIT_MS)
    keys = figures(page.evaluate("keys"))
    print(f"a key to its frame, {page.evaluate(ARTICLES)} messages on the page: {keys} ms")
    assert keys["median"] < 50  # 8 where nothing else runs


def test_an_answer_to_a_long_chat_comes_at_its_end(long_chat: Page, upstream: Upstream) -> None:
    page = long_chat
    scroll_up(page, f"{FIRST} <= {MESSAGES - 400}")
    mark = uuid4().hex
    send(page, f"{mark} {script(upstream, Turn(text='An answer at the end.'))}")
    expect(answer(page)).to_contain_text("An answer at the end.")
    expect(answer(page)).to_contain_text("tokens")
    expect(answer(page)).to_be_in_viewport()
    assert page.evaluate(ARTICLES) <= MOST_ARTICLES
