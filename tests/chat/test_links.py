"""Links to chats: who may make one, to whom it opens, what it shows, and when it does not any more."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import plans
from accounts.models import IdempotencyKey, Membership, Organization, Role, User
from accounts.plans import Terms
from accounts.sign_in.hashed import hash_of
from chat.links.models import Link
from chat.models import Character, Chat, Message, MessageKind, MessageStatus, Rules, RunStatus, Sharing
from chat.ops.cleanup import CleanUp
from chat.services.people import hand_over
from config.logs import cut
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
WEEK = timedelta(days=7)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def nobody_has_opened_any() -> None:
    cache.clear()


def let(organization: Organization, links: str) -> None:
    """The rule of the organization."""
    Rules.objects.update_or_create(organization=organization, defaults={"links": links})


@pytest.fixture
def open_to_anyone(organization: Organization) -> None:
    let(organization, "anyone")


@pytest.fixture
def said(chat: Chat, alice: User) -> Message:
    """The newest message of the chat: an answer."""
    return answer(chat, alice, text="The door is **green**.").message


def made(api: Api, user: User, chat: Chat, **body: Any) -> Any:
    return api(user).post(f"/api/chats/{chat.pk}/links/", body, format="json")


def link_to(chat: Chat, user: User, token: str = "t" * 64, opens_to: str = "anyone", **fields: Any) -> Link:
    """A link, as if it had been made."""
    ends = {"expires_at": timezone.now() + WEEK, "until": Chat.objects.get(pk=chat.pk).leaf, **fields}
    return Link.objects.create(chat=chat, by=user, token_hash=hash_of(token), opens_to=opens_to, **ends)


def opened(token: str = "t" * 64, user: User | None = None, **query: Any) -> Any:
    """What a browser gets; of nobody, or of who signed in."""
    client = Client()
    if user:
        client.force_login(user)
    return client.get(f"/s/{token}/", query)


# --- Making -----------------------------------------------------------------------------------------------------------


def lowered(organization: Organization) -> None:
    plans.tell([Terms("BARE", "Bare", ("*",), ())])
    Organization.objects.filter(pk=organization.pk).update(plan="BARE")


def with_character(organization: Organization) -> None:
    guide = Character.objects.create(number=7, organization=organization, name="Guide", archetype="generalist")
    guide.users.set(User.objects.all())
    Chat.objects.update(character=7)


REFUSED: dict[str, tuple[Callable[[Organization], Any], dict[str, Any], int, str]] = {
    "the rule is off": (lambda place: let(place, "off"), {}, 403, "links_off"),
    "nobody has set a rule": (lambda place: Rules.objects.all().delete(), {}, 403, "links_off"),
    "more than the rule": (lambda place: let(place, "members"), {"opens_to": "anyone"}, 403, "links_members"),
    "another plan": (lowered, {}, 403, "plan_feature"),
    "internal, for anyone": (lambda _: Chat.objects.update(level=1), {}, 409, "holds_confidential"),
    "confidential": (lambda _: Chat.objects.update(level=2), {"opens_to": "members"}, 409, "holds_confidential"),
    "a character": (with_character, {}, 409, "holds_character"),
    "an empty chat": (lambda _: Chat.objects.update(leaf=None), {}, 409, "chat_empty"),
    "no message of it": (lambda _: None, {"until": str(uuid4())}, 404, "not_found"),
    "too short": (lambda _: None, {"expires_in_s": 59}, 400, "invalid"),
    "too long": (lambda _: None, {"expires_in_s": 10**9}, 400, "invalid"),
    "no number": (lambda _: None, {"expires_in_s": "week"}, 400, "invalid"),
    "to nobody": (lambda _: None, {"opens_to": "off"}, 400, "invalid"),
    "an unknown field": (lambda _: None, {"password": "x"}, 400, "invalid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_be_shown_gets_no_link(name, api, alice, chat, organization, open_to_anyone, said) -> None:
    change, body, status, code = REFUSED[name]
    change(organization)
    got = made(api, alice, chat, **body)
    assert (got.status_code, got.json()["error"]["code"]) == (status, code), got.json()
    assert set(got.json()["error"]["fields"]) <= {*body, "plan"}
    assert not Link.objects.exists()


def test_only_the_owner_makes_and_ends_links_and_who_sees_the_chat_sees_them(
    api, alice, bob, charlie, chat, open_to_anyone, said
) -> None:
    Chat.objects.update(sharing=Sharing.PROJECT, project_access="write")
    id = made(api, alice, chat).json()["id"]
    one = f"/api/chats/{chat.pk}/links/{id}/"
    assert made(api, bob, chat).status_code == api(bob).delete(one).status_code == 403
    assert made(api, charlie, chat).status_code == api(charlie).delete(one).status_code == 404
    (listed,) = api(bob).get(f"/api/chats/{chat.pk}/links/").json()["results"]
    assert (listed["id"], listed["until"], "url" in listed) == (id, str(said.pk), False)
    assert api(charlie).get(f"/api/chats/{chat.pk}/links/").status_code == 404
    assert Link.objects.count() == 1


def test_a_viewer_makes_none_to_a_chat_of_their_own(api, bob, chat, open_to_anyone, said) -> None:
    Chat.objects.update(user=bob)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert made(api, bob, chat).status_code == 403


def test_an_answer_that_is_being_written_is_not_shown(api, alice, chat, open_to_anyone, said) -> None:
    run = answer(chat, alice, RunStatus.RUNNING)
    assert made(api, alice, chat).json()["error"]["code"] == "run_open"
    assert made(api, alice, chat, until=str(run.message_id)).status_code == 409
    assert made(api, alice, chat, until=str(said.pk)).status_code == 201


def test_a_link_is_told_once(api, alice, chat, open_to_anyone, said, settings) -> None:
    settings.PARLEY_PUBLIC_URL = "https://chat.example"
    client = api(alice)
    send = lambda: client.post(  # noqa: E731
        f"/api/chats/{chat.pk}/links/", {}, format="json", headers={"Idempotency-Key": "once"}
    )
    first, second = send().json(), send().json()
    assert first.pop("url").startswith("https://chat.example/s/") and second.pop("url") is None
    assert first == second and Link.objects.count() == 1
    (token,) = made(api, alice, chat).json()["url"].rsplit("/", 2)[1:2]
    rows = [*Link.objects.values_list("token_hash", flat=True), str(IdempotencyKey.objects.values())]
    assert len(token) == 64 and not any(token in each for each in rows)
    assert token not in cut(f'127.0.0.1:5000 - "GET /s/{token}/ HTTP/1.1" 200')


def test_it_ends_by_itself_and_the_row_goes(api, alice, chat, open_to_anyone, said, settings) -> None:
    settings.LINK_S = 3600
    ends = made(api, alice, chat).json()["expires_at"]
    assert str(timezone.now() + timedelta(minutes=59))[:16].replace(" ", "T") <= ends[:16]
    Link.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api(alice).get(f"/api/chats/{chat.pk}/links/").json()["results"] == []
    clean_up = CleanUp()
    while clean_up.step():
        pass
    assert clean_up.counts["links to chats"] == 1 and not Link.objects.exists()


def test_a_chat_has_so_many(api, alice, chat, open_to_anyone, said, settings) -> None:
    settings.LINKS_PER_CHAT = 2
    assert [made(api, alice, chat).status_code for _ in range(3)] == [201, 201, 409]
    link = Link.objects.all()[0]
    assert api(alice).delete(f"/api/chats/{chat.pk}/links/{link.pk}/").status_code == 204
    assert api(alice).delete(f"/api/chats/{chat.pk}/links/{link.pk}/").status_code == 404
    assert made(api, alice, chat).status_code == 201


# --- Opening ----------------------------------------------------------------------------------------------------------

CLOSED: dict[str, Callable[[Chat, Organization], Any]] = {
    "it has expired": lambda chat, _: Link.objects.update(expires_at=timezone.now()),
    "it was ended": lambda chat, _: Link.objects.all().delete(),
    "the rule is off": lambda chat, place: let(place, "off"),
    "the rule is for members": lambda chat, place: let(place, "members"),
    "the plan has none": lambda chat, place: lowered(place),
    "the chat was deleted and is kept": lambda chat, _: Chat.objects.update(deleted_at=timezone.now()),
    "the chat is gone": lambda chat, _: chat.delete(),
    "something internal came in": lambda chat, _: Chat.objects.update(level=1),
    "it got a character": lambda chat, place: with_character(place),
    "its maker may only read": lambda chat, _: Membership.objects.filter(user=chat.user).update(role=Role.VIEWER),
    "its maker left": lambda chat, _: Membership.objects.filter(user=chat.user).delete(),
    "its maker is deactivated": lambda chat, _: User.objects.filter(pk=chat.user_id).update(is_active=False),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_link_opens_as_far_as_things_are_now(name, alice, chat, organization, open_to_anyone, said) -> None:
    link_to(chat, alice)
    assert "green" in opened().content.decode()
    CLOSED[name](Chat.objects.get(pk=chat.pk), organization)
    closed, unknown = opened(), opened("u" * 64)
    assert (closed.status_code, closed.content) == (unknown.status_code, unknown.content) == (404, closed.content)
    assert "green" not in closed.content.decode() and chat.title not in closed.content.decode()


def test_of_a_chat_that_was_handed_over_no_link_opens(alice, bob, chat, organization, open_to_anyone, said) -> None:
    link_to(chat, alice)
    hand_over(source=alice, to=bob, by=None)
    assert opened().status_code == 404


def test_a_link_for_members_opens_to_members(alice, bob, charlie, chat, organization, said) -> None:
    let(organization, "anyone")
    link_to(chat, alice, opens_to="members")
    Chat.objects.update(level=1)  # what every member reads
    for rule in ("anyone", "members"):
        let(organization, rule)
        stranger = opened()
        assert (stranger.status_code, stranger.url) == (302, f"/login/?next=/s/{'t' * 64}/")
        page = opened(user=bob)
        assert page.status_code == 200 and "green" in page.content.decode() and "Alice" in page.content.decode()
        assert (opened(user=charlie).status_code, opened("u" * 64, charlie).status_code) == (404, 404)
    assert Client().get(f"/chats/{chat.pk}/").status_code == 302  # the chat itself stays Alice's


def test_what_is_shown_is_the_texts_of_one_branch_up_to_a_message(alice, bob, chat, open_to_anyone) -> None:
    first = answer(chat, alice, text="First answer").message
    Message.objects.filter(pk=first.pk).update(
        parts=[
            {"type": "reasoning", "text": "SECRET thought"},
            {"type": "tool_call", "call": "c", "name": "read_file", "arguments": {"path": "SECRET.md"}},
            {"type": "tool_result", "call": "c", "is_error": False, "result": "SECRET result"},
            {"type": "text", "text": f"The door is **green** [1]. {HOSTILE}"},
            {"type": "citation", "n": 1, "at": 0, "title": "Doors", "path": "SECRET part", "quote": "SECRET quote"},
            {"type": "citation", "n": 2, "at": 0, "title": "Outside", "url": "https://example.com/doors"},
            {"type": "citation", "n": 3, "at": 0, "title": "Trap", "url": "javascript:alert(1)"},
        ],
        error={"code": "x", "message": "SECRET error", "retryable": False},
    )
    Message.objects.filter(pk=first.parent_id).update(
        content=f"Which? {HOSTILE}", attachments=[{"type": "file", "name": "SECRET.txt", "content": "SECRET"}]
    )
    asked = say(chat, bob, "/search SECRET", kind=MessageKind.COMMAND)
    say(chat, bob, "", status=MessageStatus.DELETED)
    last = say(chat, alice, "The last one")
    say(chat, alice, "SECRET later")
    Message.objects.create(chat=chat, parent=asked, position=99, role="assistant", content="SECRET other branch")
    link_to(chat, alice, until=last)
    page = opened()
    text = page.content.decode()
    assert page.status_code == 200 and "SECRET" not in text and HOSTILE not in text
    for shown in (
        "Which?",
        "<strong>green</strong>",
        "The last one",
        "Doors",
        '<a href="https://example.com/doors"',
        "Trap",
        "This message was deleted.",
        "First steps",
    ):
        assert shown in text, shown
    assert not any(name in text for name in ("Alice", "Bob", "alice@example.com", str(chat.pk), str(alice.pk)))
    assert "<script" not in text and "javascript:" not in text


def test_the_page_runs_nothing_is_found_by_nobody_and_tells_nobody(alice, bob, chat, open_to_anyone, said) -> None:
    link_to(chat, alice)
    for page in (opened(), opened(user=bob), opened("u" * 64)):
        assert "noindex" in page["X-Robots-Tag"] and page["Referrer-Policy"] == "no-referrer"
        assert (
            "default-src 'none'" in page["Content-Security-Policy"] and "script" not in page["Content-Security-Policy"]
        )
        assert "no-store" in page["Cache-Control"] and not page.cookies
    assert Client().post(f"/s/{'t' * 64}/").status_code == 405


def test_one_address_opens_so_many(alice, chat, open_to_anyone, said, settings) -> None:
    settings.LINK_OPENS_PER_MINUTE = 3
    link_to(chat, alice)
    tried = [opened(token) for token in ("u" * 64, "t" * 64, "v" * 64, "t" * 64)]
    assert [each.status_code for each in tried][:3] == [404, 200, 404]
    assert tried[3].status_code == 429 and 0 < int(tried[3]["Retry-After"]) <= 60
    assert "green" not in tried[3].content.decode()


def test_a_long_chat_is_read_in_pages(alice, chat, open_to_anyone) -> None:
    for number in range(120):
        say(chat, alice, f"Line {number}.")
    link_to(chat, alice)
    read, after = [], "0"
    while after:
        page = opened(after=after).content.decode()
        read += [number for number in range(120) if f"Line {number}." in page]
        after = page.rpartition("?after=")[2].partition('"')[0] if "?after=" in page else ""
    assert read == list(range(120))
    assert opened(after="-1").status_code == opened(after="x" * 5000).status_code == 200


def test_opening_changes_nothing_and_costs_no_query_for_each_message(
    alice, chat, open_to_anyone, django_assert_max_num_queries
) -> None:
    for _ in range(20):
        answer(chat, alice)
    link_to(chat, alice)
    with django_assert_max_num_queries(9) as asked:
        assert opened().status_code == 200
    assert not [each for each in asked.captured_queries if not each["sql"].startswith("SELECT")]


# --- The page's dialog ------------------------------------------------------------------------------------------------


def dialog(user: User, chat: Chat) -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/chats/{chat.pk}/links/").content.decode()


def test_the_dialog_offers_what_the_server_would_do(alice, bob, chat, organization, said) -> None:
    Chat.objects.update(sharing=Sharing.PROJECT, project_access="write")
    assert "Make a link" not in dialog(alice, chat) and "<h3>" not in dialog(alice, chat)
    let(organization, "members")
    assert "Make a link" in dialog(alice, chat) and "opens_to" not in dialog(alice, chat)
    let(organization, "anyone")
    link_to(chat, alice)
    assert all(each in dialog(alice, chat) for each in ("opens_to", "Whoever has the link reads", "for 7 days", "End"))
    seen = dialog(bob, chat)
    assert "Whoever has the link reads" in seen and "Make a link" not in seen and "data-end" not in seen
    lowered(organization)
    assert "Make a link" not in dialog(alice, chat)


def test_the_admin_shows_that_there_is_a_link_and_not_where_it_leads(alice, chat, said) -> None:
    link = link_to(chat, alice)
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    for address in ("/admin/chat_links/link/", f"/admin/chat_links/link/{link.pk}/change/"):
        page = client.get(address)
        text = page.content.decode()
        assert page.status_code == 200 and "alice@example.com" in text
        assert link.token_hash not in text and chat.title not in text
