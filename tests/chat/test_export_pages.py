"""The pages of exports: each form does what it says without a script, and shows nobody else's."""

from typing import Any

import pytest
from django.conf import settings as product
from django.test import Client

from accounts.models import User
from chat.exports.kinds import KINDS
from chat.exports.models import Export, ExportStatus
from chat.exports.page import FORMATS, WHATS
from chat.models import Chat
from tests.accounts.test_own_account import browser
from tests.chat.rows import answer
from tests.chat.test_exports import work

PAGE = "/exports/"


def do(page: Client, what: str, **sent: Any) -> Any:
    return page.post(PAGE, {"do": what, **sent}, follow=True)


def test_each_kind_and_format_has_its_word() -> None:
    assert set(KINDS) <= set(WHATS) and {each for kind in KINDS.values() for each in kind.formats} == set(FORMATS)


@pytest.mark.django_db(transaction=True)
def test_the_list_says_how_far_each_is(alice: User, bob: User) -> None:
    page = browser(alice)
    shown = do(page, "me.zip").content.decode()
    assert "All that is yours" in shown and "Waiting" in shown and "<progress" in shown and "Stop it" in shown
    Export.objects.update(status=ExportStatus.RUNNING, done=3, total=7)
    shown = page.get(PAGE).content.decode()
    assert "3 of 7" in shown and 'value="3" max="7"' in shown
    refused = do(page, "me.zip")
    assert refused.status_code == 429 and "Another export of yours is being written." in refused.content.decode()
    work()
    row = Export.objects.get()
    shown = page.get(PAGE).content.decode()
    assert f'href="/api/exports/{row.pk}/file/"' in shown and "<progress" not in shown
    assert str(row.pk) not in browser(bob).get(PAGE).content.decode()
    assert do(browser(bob), "delete", id=row.pk).status_code == 404
    do(page, "delete", id=row.pk)
    assert not Export.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_chat_that_one_does_not_see_any_more_is_not_named(chat: Chat, alice: User, bob: User) -> None:
    Chat.objects.filter(pk=chat.pk).update(sharing="project")
    Export.objects.create(user=bob, what="chat", format="pdf", chat=chat, organization=chat.organization)
    page = browser(bob)
    assert "First steps" in page.get(PAGE).content.decode()
    Chat.objects.filter(pk=chat.pk).update(sharing="private", title="Planted words")
    shown = page.get(PAGE).content.decode()
    assert "A chat" in shown and "Planted words" not in shown and chat.organization.name not in shown.split("</ul>")[0]


@pytest.mark.django_db(transaction=True)
def test_why_one_failed_is_said_in_the_reader_s_language(chat: Chat, alice: User) -> None:
    Export.objects.create(
        user=alice, what="chat", format="pdf", chat=chat, status=ExportStatus.FAILED, error="run_open"
    )
    page = browser(alice)
    assert "An answer was still being written." in page.get(PAGE).content.decode()
    page.cookies[product.LANGUAGE_COOKIE_NAME] = "de"
    assert "Eine Antwort wurde noch geschrieben." in page.get(PAGE).content.decode()


@pytest.mark.django_db(transaction=True)
def test_admins_are_offered_the_audit_log_and_members_what_they_used(chat: Chat, alice: User, bob: User) -> None:
    at = str(chat.organization_id)
    assert "audit.csv" in browser(alice).get(PAGE).content.decode()
    shown = browser(bob).get(PAGE).content.decode()
    assert "audit.csv" not in shown and "usage.csv" in shown
    assert do(browser(bob), "audit.csv", organization=at).status_code == 403
    sent = {"organization": at, "from": "2026-01-01", "to": "", "by": "day,user"}
    assert do(browser(bob), "usage.csv", **{**sent, "from": "yesterday"}).status_code == 400
    assert not Export.objects.exists()
    assert do(browser(bob), "usage.csv", **{**sent, "to": "2026-01-31"}).status_code == 200
    assert Export.objects.get().asked == {**sent, "to": "2026-01-31"}


@pytest.mark.django_db(transaction=True)
def test_a_chat_s_page_leads_to_its_file_or_begins_one(chat: Chat, alice: User, charlie: User, settings: Any) -> None:
    answer(chat, alice)
    path, page = f"/chats/{chat.pk}/export/", browser(alice)
    shown = page.get(path).content.decode()
    assert all(f'value="{each}"' in shown for each in ("markdown", "text", "json", "pdf")) and "imported again" in shown
    led = page.post(path, {"format": "json", "branch": "all", "tools": "yes"})
    assert (led.status_code, led["Location"]) == (302, f"/api{path}?format=json&branch=all&with=tools")
    settings.EXPORT_PDF_INLINE = 1
    assert page.post(path, {"format": "pdf", "branch": "leaf"})["Location"] == PAGE
    assert Export.objects.get().asked == {"chat": str(chat.pk), "branch": "leaf", "with": ""}
    for wrong in ({"format": "docx"}, {"format": "pdf", "branch": "x"}):
        assert page.post(path, wrong).status_code == 400
    assert browser(charlie).get(path).status_code == 404
    Chat.objects.filter(pk=chat.pk).update(level=2)
    assert (
        "something confidential" in page.get(path).content.decode() and "<form" not in page.get(path).content.decode()
    )
    assert page.post(path, {"format": "text", "branch": "leaf"}).status_code == 409
