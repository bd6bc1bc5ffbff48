"""Finding one's way: days in a chat and in the list of chats, and the chats that are far down."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way, open_list
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, send
from tests.live import Server
from tests.streams import key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
MANY = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User, Organization
from chat.models import Chat
user, place, now = User.objects.get(email="alice@example.com"), Organization.objects.first(), timezone.now()
chats = Chat.objects.bulk_create(
    Chat(user=user, organization=place, title=f"Old chat {number:03}", model="m", archetype="generalist")
    for number in range(230)
)
for number, chat in enumerate(chats):
    Chat.objects.filter(pk=chat.pk).update(last_activity_at=now - timedelta(days=number))
"""
# Each message of the newest chat is so many hours before now.
AGES = """
from datetime import timedelta
from django.utils import timezone
from chat.models import Chat, Message
chat = Chat.objects.order_by("-created_at").first()
for message, hours in zip(chat.messages.order_by("position"), %s):
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(hours=hours))
"""
LINES = """() => [...document.querySelectorAll(".column > *")]
  .map((each) => each.matches(".day") ? each.textContent : "-")"""


@pytest.fixture(scope="module")
def full(upstream: Upstream) -> Iterator[Server]:
    """A server of its own, whose first person has 230 chats."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none").start()
    server.manage("shell", "-c", MANY)
    yield server
    server.close()


@pytest.mark.parametrize("way", WAYS)
def test_chats_far_down_are_reached(open_page: Open, full: Server, way: Way) -> None:
    page, _ = open_page(full, **SCREENS[way])
    sign_in(page)
    acts = Acts(page, way)
    open_list(acts)
    links = page.locator("#nav section li a")
    expect(links).to_have_count(200)
    more = page.get_by_role("button", name="Show older chats")
    if way == "mouse":  # by scrolling alone
        page.locator(".chats").hover()
        page.mouse.wheel(0, 20_000)
    elif way == "tap":
        links.last.scroll_into_view_if_needed()
    else:
        more.focus()
        page.keyboard.press("Enter")
    expect(links).to_have_count(231)  # the first start made one
    expect(more).to_be_hidden()
    expect(page.get_by_role("link", name="Old chat 229")).to_have_count(1)
    if way == "keys":
        assert page.evaluate("document.activeElement.textContent") == "Old chat 199"


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_list_says_of_which_day_a_chat_is(open_page: Open, full: Server, language: str) -> None:
    page, _ = open_page(full, locale=language, timezone_id="Pacific/Auckland")
    page.context.add_cookies([{"name": "language", "value": language, "url": full.url}])
    page.goto("/login/")
    page.locator("[name=username]").fill("alice@example.com")
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("[name=password]").press("Enter")
    page.wait_for_selector("body.ready")
    lines = page.locator("section[data-project=''] .when")
    expect(lines.first).to_have_text({"en": "Today", "de": "Heute"}[language])
    expect(lines.nth(1)).to_have_text({"en": "Yesterday", "de": "Gestern"}[language])
    before = datetime.now(ZoneInfo("Pacific/Auckland")) - timedelta(days=2)
    expect(lines.nth(2)).to_have_text(re.compile(str(before.year)))
    assert lines.nth(2).locator("time").get_attribute("datetime") == before.strftime("%Y-%m-%d")
    texts = lines.all_text_contents()
    assert len(texts) == len(set(texts)) and 8 <= len(texts) <= 10  # 200 days


def test_a_line_stands_between_days(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = open_page(server, timezone_id="America/Anchorage", locale="en-GB")
    sign_in(page)
    for text in ("One", "Two"):
        send(page, f"{text} {script(upstream, Turn(text=f'Answer {text}.'))}")
        expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate(LINES) == ["-"] * 4  # all of today
    here = datetime.now(ZoneInfo("America/Anchorage"))
    hours = here.hour + here.minute / 60
    ages = [hours + 24 * 40, hours + 1, hours + 0.5, 0]
    server.manage("shell", "-c", AGES % ages)
    page.reload()
    page.wait_for_selector("body.ready")
    day = (datetime.now(UTC) - timedelta(hours=ages[0])).astimezone(ZoneInfo("America/Anchorage"))
    found = page.evaluate(LINES)
    assert [found[1], found[3], found[4], found[5], found[6]] == ["-", "-", "-", "Today", "-"], found
    assert found[2] == "Yesterday" and str(day.day) in found[0], found
    send(page, f"Three {script(upstream, Turn(text='Answer Three.'))}")
    expect(answer(page)).to_contain_text("tokens")
    assert page.evaluate(LINES) == [*found, "-", "-"]


def test_a_menu_offers_what_the_server_would_do(
    page: Page, open_page: Open, server: Server, upstream: Upstream
) -> None:
    """Who may write renames and schedules, who owns deletes; who may only read looks at what was changed."""
    organization = server.call("GET", "/api/organizations/", token=server.token()).body["results"][0]["name"]
    mark = key()
    emails = {role: f"{role}-{mark}@example.com" for role in ("viewer", "editor")}
    for role, email in emails.items():
        server.quickly("create_user", email, "--organization", organization, "--role", role)
    send(page, f"Ours {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    chat = page.url.split("/")[-2]
    page.locator("#sharing").click()
    expect(page.locator("#share")).to_be_visible()
    person = page.locator("#share [name=person]")
    access = page.locator("#share [name=access]")
    person.select_option(label=f"viewer-{mark}", timeout=3000)
    expect(access.locator("option[value=write]")).to_be_disabled()
    person.select_option(label=f"editor-{mark}")
    expect(access.locator("option[value=write]")).to_be_enabled()
    access.select_option("write")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator(".named")).to_contain_text("may write")
    person.select_option(label=f"viewer-{mark}", timeout=3000)
    expect(access).to_have_value("read")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator(".named li")).to_have_count(2)
    page.get_by_role("button", name="Done").click()

    for role, offered in {"viewer": [], "editor": ["Rename", "Schedule…"]}.items():
        other, _ = open_page(server)
        sign_in(other, emails[role])
        other.goto(f"/chats/{chat}/")
        other.wait_for_selector("body.ready")
        other.locator(".head [data-menu]").click()
        expect(other.locator("#chat-menu").get_by_role("link", name="Changed files")).to_be_visible()
        expect(other.locator("#chat-menu button:visible")).to_have_text(offered)
        other.keyboard.press("Escape")
        other.locator("#sharing").click()
        expect(other.locator("#share .add")).to_be_hidden()


def test_each_block_of_an_answer_is_read_in_its_own_direction(page: Page, upstream: Upstream) -> None:
    text = "السعر هو **45** يورو.\n\n- قهوة\n\nAnd in English.\n\n```python\nprint('مرحبا')\n```\n"
    send(page, f"كم السعر؟ {script(upstream, Turn(text=text))}")
    expect(answer(page)).to_contain_text("tokens")
    direction = """() => [...document.querySelector("article:last-of-type .text").querySelectorAll("p, ul, pre")]
      .map((each) => getComputedStyle(each).direction)"""
    for _ in range(2):
        assert page.evaluate(direction) == ["rtl", "rtl", "ltr", "ltr"]
        page.reload()
        page.wait_for_selector("body.ready")


def test_the_branch_that_was_read_last_is_read_again(page: Page, upstream: Upstream) -> None:
    """After stepping away and back, after a reload, and when the chat is opened from the list."""

    def ask(text: str, said: str) -> None:
        send(page, f"{text} {script(upstream, Turn(text=said))}")
        expect(answer(page)).to_contain_text("tokens")

    def edit(index: int, text: str, said: str) -> None:
        own = page.locator("article.own").nth(index)
        own.hover()
        own.get_by_role("button", name=re.compile("^Edit")).click()
        page.get_by_label("Your message").fill(f"{text} {script(upstream, Turn(text=said))}")
        page.get_by_role("button", name="Save and answer again").click()
        expect(answer(page)).to_contain_text(said)
        expect(answer(page)).to_contain_text("tokens")

    def step(index: int, name: str, said: str) -> None:
        page.locator("article.own").nth(index).get_by_role("button", name=name).click()
        expect(answer(page)).to_contain_text(said)

    ask("Top one", "Answer top one.")
    ask("Deep one", "Answer deep one.")
    edit(1, "Deep two", "Answer deep two.")
    step(1, "Previous version", "Answer deep one.")
    expect(page).to_have_url(re.compile(r"\?at="))
    page.reload()
    expect(answer(page)).to_contain_text("Answer deep one.")
    edit(0, "Top two", "Answer top two.")
    expect(page).not_to_have_url(re.compile(r"\?at="))  # the newest
    step(0, "Previous version", "Answer deep one.")  # as it was left, not its newest version
    page.reload()
    expect(answer(page)).to_contain_text("Answer deep one.")
    page.get_by_role("navigation").get_by_role("link", name="New chat").first.click()
    page.wait_for_url(re.compile("/$"))
    page.wait_for_selector("body.ready")
    page.get_by_role("navigation").get_by_role("link", name="Top one").first.click()
    expect(answer(page)).to_contain_text("Answer deep one.")
    page.wait_for_selector("body.ready")
    step(0, "Next version", "Answer top two.")
    expect(page).not_to_have_url(re.compile(r"\?at="))


def test_errors_are_said_in_the_readers_language(open_page: Open, upstream: Upstream, server: Server) -> None:
    page, watch = open_page(server)
    watch.allowed = ("409",)
    sign_in(page)
    page.context.add_cookies([{"name": "language", "value": "de", "url": server.url}])
    page.goto("/")
    page.wait_for_selector("body.ready")
    page.locator("#text").fill(f"Hallo {script(upstream, Turn(fault='401'))}")
    page.locator("#text").press("Enter")
    for _ in range(2):
        expect(answer(page)).to_contain_text("Der Modellanbieter hat unsere Zugangsdaten abgelehnt.")
        page.reload()
    page.wait_for_selector("body.ready")
    refused = {"error": {"code": "chat_archived", "message": "The chat is archived.", "fields": {}}}
    page.route(re.compile("/regenerate/$"), lambda route: route.fulfill(status=409, json=refused))
    answer(page).get_by_role("button", name=re.compile("^Noch einmal")).click()
    expect(page.locator("#state")).to_contain_text("Der Chat ist archiviert.")
