"""The page in German: what went wrong is said in German, what the server alone knows behind it, and everything fits."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, script, state
from tests.browser.test_sizes import OFF_SCREEN, SIDEWAYS
from tests.live import Server
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
PHONE = {"width": 390, "height": 844}
CLIPPED = """() => [...document.querySelectorAll("button, .attach")].filter((each) => each.checkVisibility())
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.outerHTML.slice(0, 120))"""
FAILURES = {
    "context_length_exceeded": "Das Gespräch ist länger, als das Modell lesen kann.",
    "insufficient_quota": "Das Konto beim Modellanbieter hat kein Guthaben mehr.",
    "unknown": "Der Modellanbieter hat die Anfrage abgelehnt.",
}


def german(open_page: Open, server: Server, **options: Any) -> tuple[Page, Any]:
    page, watch = open_page(server, **options)
    sign_in(page)
    page.context.add_cookies([{"name": "language", "value": "de", "url": server.url}])
    page.reload()
    return page, watch


def submit(page: Page, text: str) -> None:
    page.get_by_label("Nachricht", exact=True).fill(text)
    page.get_by_role("button", name="Senden").click()


def test_why_an_answer_failed_or_ended_is_said_in_german_at_once_and_later(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    page, _ = german(open_page, server, locale="en-US")
    for code, said in FAILURES.items():
        page.goto("/")
        turn = Turn(fault="400", body={"error": {"code": code, "message": "No."}})
        submit(page, f"Was? {script(upstream, turn)}")
        why = answer(page).locator(".why")
        expect(why).to_contain_text(said)
        watched = why.text_content()
        page.reload()
        expect(why).to_have_text(watched or "")
    page.goto("/")
    submit(page, f"Was? {script(upstream, Turn(text='So', finish_reason='length'))}")
    expect(answer(page).locator(".end")).to_contain_text("Die Antwort wurde abgeschnitten")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "invalid", "Der Server hat es so nicht angenommen. Er sagt auf Englisch: content: too much"),
        (409, "of_a_later_version", "Der Server hat es so nicht angenommen. Er sagt auf Englisch: content: too much"),
        (409, "which_organization", "Wählen Sie die, für die es ist."),
        (408, "too_slow", "Es hat zu lange gebraucht"),
    ],
)
def test_a_refusal_is_said_in_german(open_page: Open, server: Server, status: int, code: str, said: str) -> None:
    page, watch = german(open_page, server)
    watch.allowed = (str(status),)
    error = {"error": {"code": code, "message": "content: too much", "fields": {}}}
    page.route("**/api/chats/runs", lambda route: route.fulfill(status=status, json=error))
    submit(page, "Was?")
    expect(state(page)).to_contain_text(said)


def test_times_are_written_in_the_pages_language(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = german(open_page, server, locale="en-US")
    submit(page, f"Was? {script(upstream, Turn(text='Das.'))}")
    expect(answer(page).locator(".end")).to_contain_text("Token")
    times = page.locator("article time")
    for _ in range(2):
        assert all(re.fullmatch(r"\d\d:\d\d", each) for each in times.all_text_contents())
        assert re.match(r"\d{1,2}\.\d{1,2}\.\d{4}", times.last.get_attribute("title") or "")
        page.reload()


def test_on_a_phone_every_button_shows_its_whole_word(open_page: Open, server: Server, upstream: Upstream) -> None:
    page, _ = german(open_page, server, viewport=PHONE, has_touch=True, is_mobile=True)
    for text in ("", "Was?"):
        if text:
            submit(page, f"{text} {script(upstream, Turn(text='Das.', delay_ms=1500, n=3))}")
            expect(page.get_by_role("button", name="Anhalten").first).to_be_visible()
        for check in (SIDEWAYS, OFF_SCREEN, CLIPPED):
            assert page.evaluate(check) == []
