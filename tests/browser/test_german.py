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


FIELDS = [
    (
        {"content": ["Expected at most 5 characters; these are 9."]},
        "Nachricht: Höchstens 5 Zeichen sind erlaubt; es sind 9.",
    ),
    ({"chat.model": ["Expected one of: a, b."]}, "Modell: Zur Wahl stehen: a, b."),
    (
        {"attachments.1.url": ["a.heic: this is a HEIC picture. Expected PNG, JPEG, GIF or WebP: convert it first."]},
        "Datei 2: a.heic ist ein HEIC-Bild. Erwartet wird PNG, JPEG, GIF oder WebP: Wandeln Sie es zuerst um.",
    ),
    (
        {
            "attachments.0.url": [
                "This is a picture of 9 × 8 pixels, and at most 7 a side are taken. Expected PNG: convert it first."
            ]
        },
        "Datei 1: Das ist ein Bild von 9 × 8 Pixeln, und höchstens 7 je Seite werden angenommen.",
    ),
    (
        {"title": ["This field is required."], "model": ["Of a later day."]},
        "Er sagt auf Englisch: Some fields are not valid.",
    ),
]


def test_a_model_that_is_gone_is_said_in_german_with_its_successor(open_page: Open, server: Server) -> None:
    page, watch = german(open_page, server)
    watch.allowed = ("400",)
    told = "The chat's model gpt-9 is not offered any more. Choose another one for the chat: its successor is gpt-4o."
    fields = {"model": [told], "successor": ["gpt-4o"]}
    error = {"error": {"code": "model_gone", "message": told, "fields": fields}}
    page.route("**/api/chats/runs", lambda route: route.fulfill(status=400, json=error))
    submit(page, "Was?")
    expect(state(page)).to_contain_text(
        "Nicht gesendet: Das Modell gpt-9 dieses Chats wird nicht mehr angeboten. Wählen Sie ein anderes; sein "
        "Nachfolger ist gpt-4o."
    )
    expect(page.get_by_role("button", name="Mit gpt-4o weiter")).to_be_visible()


@pytest.mark.parametrize(("fields", "said"), FIELDS)
def test_what_is_wrong_with_a_field_is_said_in_german(
    open_page: Open, server: Server, fields: dict[str, list[str]], said: str
) -> None:
    page, watch = german(open_page, server)
    watch.allowed = ("400",)
    error = {"error": {"code": "invalid", "message": "Some fields are not valid.", "fields": fields}}
    page.route("**/api/chats/runs", lambda route: route.fulfill(status=400, json=error))
    submit(page, "Was?")
    expect(state(page)).to_contain_text(f"Nicht gesendet: {said}" if "Englisch" not in said else said)


def test_the_servers_own_refusal_is_said_in_german(open_page: Open, server: Server) -> None:
    page, watch = german(open_page, server)
    watch.allowed = ("400",)
    page.locator("#text").evaluate("each => (each.dataset.most = 10_000_000)")
    submit(page, "x" * 150_000)
    expect(state(page)).to_contain_text(
        re.compile(r"Nicht gesendet: Nachricht: Höchstens \d+ Zeichen sind erlaubt; es sind 150000\.")
    )


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
