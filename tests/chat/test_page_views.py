"""What the page's views show to whom."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Membership, Organization, Project, Role, User
from agents.errors import CODES
from agents.vendors import BY_NAME
from chat.models import Chat, Message, Sharing
from chat.page import listing, words
from tests.chat.rows import answer
from tests.conftest import member


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def say(chat: Chat, text: str, *, role: str = "user", **fields: object) -> Message:
    chat.position += 1
    message = Message.objects.create(
        chat=chat, parent=chat.leaf, position=chat.position, role=role, content=text, **fields
    )
    chat.leaf = message
    chat.save()
    return message


@pytest.mark.parametrize("path", ["/", "/chats/", "/chats/{id}/", "/chats/{id}/messages/"])
def test_who_is_not_signed_in_is_led_to_the_sign_in_page(chat: Chat, path: str) -> None:
    answer = Client().get(path.format(id=chat.pk))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/chats/{id}/", "/chats/{id}/messages/"])
def test_a_chat_that_is_not_ones_own_looks_like_none(chat: Chat, charlie: User, bob: User, path: str) -> None:
    assert signed_in(chat.user).get(path.format(id=chat.pk)).status_code == 200
    for user in (charlie, bob):
        seen = signed_in(user).get(path.format(id=chat.pk))
        none = signed_in(user).get(path.format(id=uuid4()))
        assert seen.status_code == none.status_code == 404
        assert chat.title not in seen.content.decode()


def test_the_list_holds_ones_own_and_shared_chats_by_project(chat: Chat, bob: User) -> None:
    assert chat.title not in signed_in(bob).get("/").content.decode()
    chat.sharing = Sharing.PROJECT
    chat.save()
    page = signed_in(bob).get("/").content.decode()
    assert f'href="/chats/{chat.pk}/"' in page
    assert chat.project is not None
    assert f'data-project="{chat.project.pk}"' in page


def test_who_may_only_read_gets_no_composer(chat: Chat, organization: Organization) -> None:
    chat.sharing = Sharing.PROJECT
    chat.save()
    viewer = member(organization, "vera", Role.VIEWER)
    page = signed_in(viewer).get(f"/chats/{chat.pk}/").content.decode()
    assert 'id="composer"' not in page
    assert 'id="composer"' in signed_in(chat.user).get(f"/chats/{chat.pk}/").content.decode()
    assert 'id="composer"' not in signed_in(viewer).get("/").content.decode()


def test_names_and_titles_cannot_leave_their_place(chat: Chat, alice: User) -> None:
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    alice.name = chat.title = hostile
    alice.save()
    chat.save()
    say(chat, hostile, author=alice)
    call = {"type": "tool_call", "call": "c1", "name": hostile, "arguments": {hostile: hostile}}
    result = {"type": "tool_result", "call": "c1", "name": hostile, "result": hostile, "is_error": False}
    thought = {"type": "reasoning", "text": hostile}
    say(chat, "", role="assistant", parts=[thought, call, result, {"type": "text", "text": hostile}])
    page = signed_in(alice).get(f"/chats/{chat.pk}/").content.decode()
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    data = re.search(r'<script id="page" type="application/json">(.*?)</script>', page, re.S)
    assert data is not None
    assert json.loads(data[1])["user"]["name"] == hostile


def test_only_the_branch_one_is_on_is_shown(chat: Chat, alice: User) -> None:
    first = say(chat, "question", author=alice)
    say(chat, "old answer", role="assistant")
    chat.leaf = first
    say(chat, "new answer", role="assistant")
    page = signed_in(alice).get(f"/chats/{chat.pk}/").content.decode()
    assert "new answer" in page
    assert "old answer" not in page


@pytest.mark.parametrize(("query", "count"), [("", 2), ("?from=2", 1), ("?from=3", 0), ("?from=x", 2), ("?from=٣", 2)])
def test_messages_come_from_a_position_on(chat: Chat, alice: User, query: str, count: int) -> None:
    say(chat, "question", author=alice)
    say(chat, "answer", role="assistant")
    html = signed_in(alice).get(f"/chats/{chat.pk}/messages/{query}").content.decode()
    assert html.count("<article") == count


def test_a_long_chat_shows_its_newest_messages_and_a_way_to_the_others(chat: Chat, alice: User) -> None:
    for number in range(120):
        say(chat, f"message {number}", author=alice)
    client = signed_in(alice)

    def positions(query: str) -> list[int]:
        html = client.get(f"/chats/{chat.pk}/{query}").content.decode()
        return [int(each) for each in re.findall(r'data-position="(\d+)"', html)]

    assert positions("") == list(range(71, 121))
    assert positions("messages/?before=71") == list(range(21, 71))
    assert positions("messages/?after=100") == list(range(101, 121))


def test_another_branch_is_read_by_a_message_on_it_and_versions_are_counted(chat: Chat, alice: User) -> None:
    first = say(chat, "question", author=alice)
    old = say(chat, "old answer", role="assistant")
    say(chat, "under the old one", author=alice)
    chat.leaf = first
    new = say(chat, "new answer", role="assistant")
    client = signed_in(alice)
    page = client.get(f"/chats/{chat.pk}/?at={old.pk}").content.decode()
    assert "old answer" in page and "under the old one" in page and "new answer" not in page
    assert f'data-to="{new.pk}"' in page and "1 of 2" in page
    assert "2 of 2" in client.get(f"/chats/{chat.pk}/?at=nonsense").content.decode()


def test_the_page_costs_the_same_number_of_queries_however_long_it_is(
    chat: Chat, alice: User, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for number in range(30):
        say(chat, f"message {number}", role="assistant", parts=[{"type": "text", "text": "x"}])
        Chat.objects.create(
            organization=chat.organization, project=chat.project, user=alice, model="m", archetype="generalist"
        )
    client = signed_in(alice)
    with django_assert_max_num_queries(15):  # type: ignore[operator]
        client.get(f"/chats/{chat.pk}/")


@pytest.mark.parametrize("path", ["/", "/login/"])
def test_pages_forbid_inline_scripts_other_hosts_and_frames(alice: User, path: str) -> None:
    client = Client() if path == "/login/" else signed_in(alice)
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert ("require-trusted-types-for 'script'" in policy) == (path == "/")
    assert "frame-ancestors 'none'" in policy
    page = answer.content.decode()
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_a_member_who_was_removed_sees_nothing_any_more(chat: Chat, alice: User) -> None:
    client = signed_in(alice)
    assert client.get(f"/chats/{chat.pk}/").status_code == 200
    Membership.objects.filter(user=alice).delete()
    assert client.get(f"/chats/{chat.pk}/").status_code == 404


def test_it_says_that_the_demo_answers_in_a_models_place(chat: Chat, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "", BY_NAME["openai"].base_url
    settings.OPENAI_MODELS = [chat.model]
    client = signed_in(chat.user)
    for path in ("/", f"/chats/{chat.pk}/"):
        assert f"demo for {chat.model}" in client.get(path).content.decode()
    settings.OPENAI_API_KEY = "a key"
    for path in ("/", f"/chats/{chat.pk}/"):
        page = client.get(path).content.decode()
        assert chat.model in page and f"demo for {chat.model}" not in page


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["$0.10 to read and $0.50 to write", "1,050,000 tokens, about 1,600 pages", ">Free<", "sees pictures,"]),
        ("de", ["gelesen 0,10\xa0$ und geschrieben 0,50\xa0$", "1.050.000 Tokens, etwa 1.600 Seiten", ">Kostenlos<"]),
    ],
)
def test_each_model_says_what_it_can_do_reads_and_costs(
    alice: User, organization: Organization, settings: Any, language: str, texts: list[str]
) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "a key", BY_NAME["openai"].base_url
    settings.OPENAI_MODELS = []
    page = signed_in(alice).get("/", headers={"accept-language": language}).content.decode()
    assert 'value="gpt-6-luna"' in page and [each for each in texts if each not in page] == []


@pytest.mark.parametrize(
    ("answered", "said"), [("gpt-4o", "gpt-4o in place of gpt-4.1-mini"), ("gpt-4.1-mini", "gpt-4.1-mini")]
)
def test_an_answer_says_whose_place_its_model_took(
    chat: Chat, alice: User, settings: Any, answered: str, said: str
) -> None:
    settings.OPENAI_API_KEY = "a key"
    run = answer(chat, alice)
    Message.objects.filter(pk=run.message_id).update(model=answered)
    page = signed_in(alice).get(f"/chats/{chat.pk}/").content.decode()
    assert re.search(rf'class="end"[^>]*>([^<]* · )?{re.escape(said)}<', page)


def test_the_icon_is_where_browsers_look_for_it() -> None:
    answer = Client().get("/favicon.ico")
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<svg")


def test_what_the_page_needs_at_once_is_named_in_it(chat: Chat) -> None:
    page = signed_in(chat.user).get("/").content.decode()
    named = re.findall(r'<link rel="modulepreload" href="/static/v-[0-9a-f]{12}/([^"]+)">', page)
    assert {"parley.js", "chat/app.js", "chat/reducer.js", "chat/html.js"} <= set(named)
    assert len(named) == len(set(named))
    assert "chat/share.js" not in named  # loaded when it is used


def test_every_way_to_fail_has_its_sentence_and_english_stays_the_servers() -> None:
    assert {code: str(text) for code, text in words.FAILURES.items()} == CODES
    assert words.for_scripts()["failures"] == {} and words.failure("limit", "Over 20 turns.") == "Over 20 turns."
    with override("de"):
        assert set(words.for_scripts()["failures"]) == set(CODES)
        assert words.failure("limit", "Over 20 turns.").startswith("Die Antwort")
        assert words.failure("of_a_later_version", "As it is.") == "As it is."


# --- The list of chats ------------------------------------------------------------------------------------------------


def titles(html: str) -> list[str]:
    return re.findall(r'<a href="/chats/[^"]+"[^>]*>([^<]+)</a>', html)


def following(html: str) -> str:
    found = re.search(r'data-next="([^"]+)"', html)
    return found[1] if found else ""


@pytest.mark.parametrize("is_one_moment", [False, True])
def test_every_chat_can_be_reached_and_each_stands_once(
    project: Project, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch, is_one_moment: bool
) -> None:
    monkeypatch.setattr(listing, "LISTED_CHATS", 3)
    base = timezone.now()
    for number in range(8):
        place = {"organization": project.organization, "project": project if number % 2 else None}
        chat = Chat.objects.create(user=alice, title=f"Chat {number}", model="m", archetype="generalist", **place)
        at = base if is_one_moment else base - timedelta(days=number)
        Chat.objects.filter(pk=chat.pk).update(last_activity_at=at)
    client, found, path = signed_in(alice), [], "/"
    while path:
        html = client.get(path).content.decode()
        assert 1 <= len(titles(html)) <= 3
        found += titles(html)
        path = following(html) and f"/chats/?after={quote(following(html))}"
    assert sorted(found) == [f"Chat {number}" for number in range(8)]
    first = following(client.get("/").content.decode())
    for other in (bob, charlie):
        assert titles(signed_in(other).get(f"/chats/?after={quote(first)}").content.decode()) == []


NO_ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "after",
    [
        *("x", "_", "é", ":", "x:y", "\x00", "x" * 5_000, "2026-01-01_", f"2026-01-01_{NO_ID}"),
        *(f"{moment}_{NO_ID}" for moment in ("2026-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00")),
        *(f"{moment}_{NO_ID}" for moment in ("9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00")),
        signing.Signer().sign_object(["2026-01-01T00:00:00+00:00", NO_ID]),
    ],
)
def test_a_place_in_the_list_that_is_none_is_refused(alice: User, after: str) -> None:
    assert signed_in(alice).get(f"/chats/?after={quote(after)}").status_code == 400


def test_what_the_server_would_refuse_is_not_offered(chat: Chat, organization: Organization) -> None:
    chat.sharing, chat.project_access = Sharing.PROJECT, "write"
    chat.save()
    say(chat, "Hello")
    viewer, editor = (member(organization, role.value, role) for role in (Role.VIEWER, Role.EDITOR))
    offered = {
        chat.user: ('data-may="write own"', 'data-action="fork"', 'data-action="edit"'),
        editor: ('data-may="write"', 'data-action="fork"', 'data-action="edit"'),
        viewer: ('data-may=""',),
    }
    for user, expected in offered.items():
        page = signed_in(user).get(f"/chats/{chat.pk}/").content.decode()
        for each in ('data-action="fork"', 'data-action="edit"', 'data-action="delete"'):
            assert (each in page) == (len(expected) > 1), (user, each)
        assert all(each in page for each in expected)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "plan.pdf</bdi>: not shown to grok-4.3, glm-5, which cannot take it"),
        ("de", "plan.pdf</bdi>: nicht gezeigt: grok-4.3, glm-5 (dort nicht unterstützt)"),
    ],
)
def test_a_file_says_which_models_were_not_shown_it(chat: Chat, language: str, told: str) -> None:
    file = {
        "type": "file",
        "name": "plan.pdf",
        "url": "data:application/pdf;base64,JVBERi0=",
        "unseen": ["grok-4.3", "glm-5"],
    }
    say(chat, "See.", attachments=[file, {**file, "name": "seen.pdf", "unseen": []}])
    seen = signed_in(chat.user).get(f"/chats/{chat.pk}/", headers={"Accept-Language": language}).content.decode()
    assert told in seen and "seen.pdf</bdi></li>" in seen
