"""Messages are found by what they say, by those who see them and by nobody else, on both databases."""

import io
import json
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as product
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.db.bounded import TookTooLong, within
from accounts.models import Membership, Organization, Role, User
from accounts.sign_in.keys import create_key
from chat.models import Character, Chat, ChatShare, Message, MessageKind, MessageStatus, RunStatus, Sharing
from chat.ops.erasure import Erasure
from chat.search import finding, index, indexing
from chat.search.checks import check_fts5
from chat.search.indexing import Indexing
from chat.search.models import SearchEntry
from chat.search.query import read
from chat.search.terms import indexed
from chat.services.chats import create_chat, fork_chat
from chat.services.messages import delete_message, edit_message
from tests.chat.rows import answer, say
from tests.conftest import member

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
SEARCH = "/api/search/"


def index_all() -> int:
    """What the chore does, until nothing is left."""
    chore = Indexing()
    while chore.step():
        pass
    return chore.counts[indexing.FOUND]


def asked(client: APIClient, q: str, **more: Any) -> dict[str, Any]:
    response = client.get(SEARCH, {"q": q, **more})
    assert response.status_code == 200, response.content
    return dict(response.json())


def found(client: APIClient, q: str, **more: Any) -> list[str]:
    """The ids of the messages, the newest first."""
    return [each["message"] for each in asked(client, q, **more)["results"]]


WAYS = {"by few chats": (200, 200), "by few messages": (0, 200), "through all": (0, 0)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way in which the database is asked: all find the same."""
    chats, messages = WAYS[request.param]
    monkeypatch.setattr(finding, "FEW_CHATS", chats)
    monkeypatch.setattr(finding, "FEW_MESSAGES", messages)


FINDS = [
    ("Straße nach Süden", "STRASSE"),
    ("STRASSE", "straße"),
    ("ﬁnance İstanbul", "finance ISTANBUL"),
    ("東京都庁に行く", "東京"),
    ("東京都庁に行く", "庁"),
    ("東京都庁に行く", "京都庁"),
    ("한국어를 배운다", "국어"),
    ("สวัสดีครับ", "ดีครับ"),
    ("नमस्ते दुनिया", "दुनिया"),
    ("مرحبا بالعالم", "بالعالم"),
    ("all good 👍🏽", "👍"),
    ("the snake_case name", "case"),
    ("mail to ann@example.com", "ann@example.com"),
    ("version 3.14.1", "3.14"),
    ('says "hello there" twice', '"hello there"'),
    ("the beginning of words", "begin"),
    ("C:\\temp\\x", "temp x"),
    ("a\nline\nfeed", "line feed"),
]
NOT = [
    ("resume", "résumé"),
    ("東京と京都", "東京都"),
    ("hello over there", '"hello there"'),
    ("beginning", '"begin"'),
    ("the words begin", "wor begin"),
    ("green", "green door"),
    ("abc", "b"),
]


@pytest.mark.usefixtures("way")
def test_a_message_is_found_by_what_it_says(api: Api, alice: User, chat: Chat) -> None:
    said = {text: str(say(chat, alice, text).pk) for text, _ in (*FINDS, *NOT)}
    assert index_all() == len(FINDS) + len(NOT)
    for text, search in FINDS:
        assert said[text] in found(api(alice), search, page_size=100), (text, search)
    for text, search in NOT:
        assert said[text] not in found(api(alice), search, page_size=100), (text, search)


def test_what_is_told_of_a_message(api: Api, alice: User, bob: User, chat: Chat) -> None:
    Chat.objects.filter(pk=chat.pk).update(sharing=Sharing.PROJECT)
    message = say(chat, alice, "The <b>green</b> door")
    run = answer(chat, alice, text="It is a green one.")
    index_all()
    told = asked(api(bob), "green")
    assert (told["next"], told["previous"], told["is_partial"], told["chats"]) == (None, None, False, [])
    newest, oldest = told["results"]
    assert oldest == {
        "message": str(message.pk),
        "chat": {"id": str(chat.pk), "title": "First steps"},
        "role": "user",
        "author": {"id": str(alice.pk), "name": "Alice"},
        "created_at": oldest["created_at"],
        "snippet": [
            {"text": "The <b>", "hit": False},
            {"text": "green", "hit": True},
            {"text": "</b> door", "hit": False},
        ],
    }
    assert (newest["message"], newest["role"], newest["author"]) == (str(run.message_id), "assistant", None)


def test_a_page_costs_the_same_however_many_are_found(api: Api, alice: User, bob: User, chat: Chat) -> None:
    """But for reading them, ten at once."""
    Chat.objects.filter(pk=chat.pk).update(sharing=Sharing.PROJECT)
    costs = []
    for _ in range(2):
        say(chat, alice, "green")
        say(chat, bob, "green")
        index_all()
        with CaptureQueriesContext(connection) as asked_for:
            found(api(alice), "green")
        costs.append(len(asked_for))
    assert costs[0] == costs[1]


FILTERS: dict[str, Callable[[Chat, Any], dict[str, Any]]] = {
    "project": lambda chat, run: {"project": chat.project_id},
    "chat": lambda chat, run: {"chat": chat.pk},
    "author": lambda chat, run: {"author": chat.user_id},
    "role": lambda chat, run: {"role": "assistant"},
    "model": lambda chat, run: {"model": "gpt-4o"},
    "tool": lambda chat, run: {"tool": "read_file"},
}


@pytest.mark.usefixtures("way")
def test_filters_leave_what_they_say(api: Api, alice: User, bob: User, chat: Chat) -> None:
    other = create_chat(user=bob, organization=chat.organization_id)
    ChatShare.objects.create(chat=other, user=alice)
    mine, run = say(chat, alice, "green mine"), answer(chat, alice, text="green answer")
    theirs = say(other, bob, "green theirs")
    Message.objects.filter(pk=run.message_id).update(model="gpt-4o")
    index_all()
    client, its = api(alice), str(run.message_id)
    all_of_chat = [its, str(mine.pk)]
    assert found(client, "green") == [str(theirs.pk), *all_of_chat]
    expected = {"project": all_of_chat, "chat": all_of_chat, "author": [str(mine.pk)]}
    for name, of in FILTERS.items():
        assert found(client, "green", **of(chat, run)) == expected.get(name, [its]), name
    for name in ("project", "chat", "author"):
        assert found(client, "green", **{name: uuid.uuid4()}) == []
    assert found(client, "green", after=mine.created_at.isoformat()) == [str(theirs.pk), *all_of_chat]
    assert found(client, "green", before=theirs.created_at.isoformat()) == all_of_chat
    assert found(client, "green", after=theirs.created_at.isoformat(), before=theirs.created_at.isoformat()) == []
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    assert found(client, "green", after=last) == found(client, "green", before=first) == []
    assert len(found(client, "green", after=first, before=last)) == 3


@pytest.mark.usefixtures("way")
def test_pages_go_on_where_the_one_before_ended(api: Api, alice: User, chat: Chat) -> None:
    said = [str(say(chat, alice, f"green {number}").pk) for number in range(7)]
    index_all()
    client, read_so_far = api(alice), []
    told = asked(client, "green", page_size=3)
    while True:
        read_so_far += [each["message"] for each in told["results"]]
        if told["next"] is None:
            break
        told = client.get(told["next"]).json()
    assert read_so_far == said[::-1]
    other = client.get(SEARCH, {"q": "green", "cursor": "bm9uZQ"})
    assert (other.status_code, list(other.json()["error"]["fields"])) == (400, ["cursor"])


def test_chats_are_found_by_their_titles_on_the_first_page(api: Api, alice: User, chat: Chat, charlie: User) -> None:
    Chat.objects.filter(pk=chat.pk).update(title="Große Türen", title_folded="grosse türen")
    told = asked(api(alice), "türen GROSS")
    assert [each["title"] for each in told["chats"]] == ["Große Türen"] and told["chats"][0]["permissions"]
    assert asked(api(alice), "türen fenster")["chats"] == []
    assert asked(api(alice), "türen", role="user")["chats"] == []
    assert asked(api(charlie), "türen")["chats"] == []


BAD = {
    "q": [{}, {"q": ""}, {"q": "*" * 200}, {"q": "x" * 201}, {"q": "a b c d e f g h i"}, {"q": "a\0b"}],
    "role": [{"q": "a", "role": "owner"}],
    "chat": [{"q": "a", "chat": "1"}],
    "after": [{"q": "a", "after": "yesterday"}],
    "page_size": [{"q": "a", "page_size": "0"}],
    "rank": [{"q": "a", "rank": "best"}],
}


@pytest.mark.parametrize("field", BAD)
def test_a_query_that_cannot_be_meant_is_refused_by_its_field(api: Api, alice: User, field: str) -> None:
    for query in BAD[field]:
        refused = api(alice).get(SEARCH, query)
        assert refused.status_code == 400, query
        assert list(refused.json()["error"]["fields"]) == [field]


HOSTILE = ['"', "*", "NEAR(a", "a AND", "foo-bar", "(a+)+$", "a' OR 1=1", "terms : x", "^a", "a*" * 100, "%", "\\", "'"]


def test_no_text_is_taken_for_a_query(api: Api, alice: User, chat: Chat) -> None:
    for text in HOSTILE:
        assert api(alice).get(SEARCH, {"q": text}).status_code in (200, 400), text
    text = 'He said NEAR("a" b) AND c*'
    message = say(chat, alice, text)
    index_all()
    assert found(api(alice), text) == [str(message.pk)]


# --- Who finds --------------------------------------------------------------------------------------------------------


def _viewer(chat: Chat) -> User:
    return member(chat.organization, "vera", Role.VIEWER)


def _left(chat: Chat) -> User:
    left = member(chat.organization, "left", Role.EDITOR)
    ChatShare.objects.create(chat=chat, user=left)
    Membership.objects.filter(user=left).delete()
    return left


def _closed(chat: Chat) -> User:
    """Somebody whom the chat's character is not open to."""
    user = member(chat.organization, "closed", Role.EDITOR)
    character = Character.objects.create(organization=chat.organization, id=7, name="Closed", archetype=chat.archetype)
    character.users.set([chat.user])
    Chat.objects.filter(pk=chat.pk).update(character=7, sharing=Sharing.PROJECT)
    return user


def _low(chat: Chat) -> User:
    """Somebody whose role does not read what came into the chat."""
    Chat.objects.filter(pk=chat.pk).update(level=3, sharing=Sharing.PROJECT)
    return _viewer(chat)


def _private(chat: Chat) -> User:
    return member(chat.organization, "ben", Role.EDITOR)


def _charlie(chat: Chat) -> User:
    return member(Organization.objects.create(name="Elsewhere"), "charles", Role.OWNER)


OUTSIDE = {each.__name__: each for each in (_left, _closed, _low, _private, _charlie)}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("who", OUTSIDE)
def test_who_does_not_see_a_chat_finds_nothing_of_it(api: Api, chat: Chat, who: str) -> None:
    say(chat, chat.user, "green canary")
    stranger = OUTSIDE[who](chat)
    index_all()
    chat.refresh_from_db()
    assert len(found(api(chat.user), "canary")) == 1
    nothing = asked(api(stranger), "xylophone")
    assert asked(api(stranger), "canary") == nothing | {"results": [], "chats": []}
    assert found(api(stranger), "canary", chat=chat.pk) == []
    assert asked(api(stranger), "First steps")["chats"] == []


@pytest.mark.usefixtures("way")
def test_who_sees_a_chat_finds_what_it_says(api: Api, chat: Chat) -> None:
    say(chat, chat.user, "green canary")
    index_all()
    Chat.objects.filter(pk=chat.pk).update(sharing=Sharing.PROJECT)
    assert len(found(api(_viewer(chat)), "canary")) == 1


@pytest.mark.usefixtures("way")
def test_a_key_finds_in_its_own_organization_alone(api: Api, alice: User, chat: Chat, elsewhere: Organization) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.EDITOR)
    say(chat, alice, "green here")
    say(create_chat(user=alice, organization=elsewhere.pk), alice, "green there")
    index_all()
    assert len(found(api(alice), "green")) == 2
    _key, token = create_key(user=alice, organization=elsewhere, name="k", scopes=["read"], expires_at=None)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert [each["snippet"][1]["text"] for each in asked(client, "green")["results"]] == [" there"]


@pytest.mark.usefixtures("way")
def test_a_chat_that_is_deleted_or_made_by_a_door_for_itself_is_not_found(api: Api, alice: User, chat: Chat) -> None:
    say(chat, alice, "green")
    index_all()
    for hidden, shown in (({"is_listed": False}, {"is_listed": True}), ({"deleted_at": timezone.now()}, {})):
        Chat.objects.filter(pk=chat.pk).update(**hidden)
        assert found(api(alice), "green") == []
        Chat.objects.filter(pk=chat.pk).update(**shown)


def test_a_plan_without_search_refuses_it_and_one_of_two_leaves_its_own(
    api: Api, alice: User, chat: Chat, elsewhere: Organization, settings: Any
) -> None:
    say(chat, alice, "green here")
    index_all()
    settings.PLANS_DEFAULT = "nosuch"
    refused = api(alice).get(SEARCH, {"q": "green"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "plan_feature")
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.EDITOR)
    say(create_chat(user=alice, organization=elsewhere.pk), alice, "green there")
    index_all()
    Organization.objects.filter(pk=elsewhere.pk).update(plan="BASIC")
    assert [each["snippet"][1]["text"] for each in asked(api(alice), "green")["results"]] == [" there"]


# --- What is indexed --------------------------------------------------------------------------------------------------


def test_what_is_edited_or_deleted_is_found_no_more_by_what_it_said(api: Api, alice: User, chat: Chat) -> None:
    message = say(chat, alice, "green canary")
    index_all()
    with transaction.atomic():
        edit_message(user=alice, message=message, content="blue canary")
        assert not SearchEntry.objects.exists()
    assert found(api(alice), "canary") == []
    assert index_all() == 1
    assert found(api(alice), "green") == [] and found(api(alice), "blue") == [str(message.pk)]
    delete_message(user=alice, message=message)
    assert not SearchEntry.objects.exists() and index_all() == 1 and not SearchEntry.objects.exists()


def test_an_edit_between_reading_and_storing_is_left_to_the_next_time(
    alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, locked = say(chat, alice, "green"), indexing._locked

    def edited(rows: Any) -> list[uuid.UUID]:
        monkeypatch.setattr(indexing, "_locked", locked)
        edit_message(user=alice, message=message, content="blue")
        return locked(rows)

    monkeypatch.setattr(indexing, "_locked", edited)
    assert indexing.index_some(indexing.due()) == 0 and not SearchEntry.objects.exists()
    assert index_all() == 1 and SearchEntry.objects.filter(terms__matches=read("blue")).count() == 1


def test_only_what_was_said_and_is_over_is_indexed(alice: User, chat: Chat) -> None:
    answer(chat, alice, RunStatus.RUNNING, "green")
    say(chat, alice, "/search green", kind=MessageKind.COMMAND)
    say(chat, alice, "", attachments=[{"type": "file", "content": "green"}])
    index_all()
    assert SearchEntry.objects.count() == 1 and not SearchEntry.objects.filter(terms__matches=read("green")).exists()
    Message.objects.filter(status=MessageStatus.IN_PROGRESS).update(status=MessageStatus.COMPLETED, content="green")
    assert index_all() == 1 and SearchEntry.objects.filter(terms__matches=read("green")).exists()


def test_copies_are_indexed_also_where_they_were_made_at_the_same_moment(api: Api, alice: User, chat: Chat) -> None:
    for number in range(5):
        last = say(chat, alice, f"green {number}")
    fork_chat(user=alice, chat=chat, message=last.pk)
    at = timezone.now()
    for each in Message.objects.all():  # of one microsecond, with the same end of their ids
        Message.objects.filter(pk=each.pk).update(created_at=at)
    index_all()
    number = SearchEntry.objects.values_list("pk", flat=True)[0]
    assert SearchEntry.objects.count() == 10 and len(found(api(alice), "green")) == 10
    twin = say(chat, alice, "green twin")
    indexing._store([SearchEntry(id=number, message=twin, chat=chat, terms=["green"])])
    assert SearchEntry.objects.get(message=twin).pk != number


def test_with_a_chat_or_message_its_row_goes_and_the_index_with_it(alice: User, chat: Chat) -> None:
    say(chat, alice, "green")
    index_all()
    chat.delete()
    assert not SearchEntry.objects.exists()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {index.INDEX} WHERE {index.INDEX} MATCH 'green'")
            assert cursor.fetchone() == (0,)


@pytest.mark.skipif(not product.IS_SQLITE, reason="PostgreSQL's own vacuum does it")
@pytest.mark.django_db(transaction=True)
def test_erasure_leaves_nothing_of_a_deleted_word_in_the_index(alice: User, chat: Chat) -> None:
    def blocks() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {index.INDEX}_data WHERE instr(block, CAST('canary' AS BLOB))")
            return int(cursor.fetchone()[0])

    say(chat, alice, "canary")
    index_all()
    chat.delete()
    assert blocks() > 0, "it has to be there for this test to mean anything"
    erasure = Erasure()
    while erasure.step():
        pass
    assert blocks() == 0


def test_a_sqlite_without_fts5_is_told_before_it_is_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_fts5(databases=["default"]) == []
    monkeypatch.setattr("chat.search.checks.has_fts5", lambda: False)
    monkeypatch.setattr("chat.search.checks.settings.IS_SQLITE", True)
    assert [each.id for each in check_fts5(databases=["default"])] == ["chat_search.E001"]
    assert check_fts5() == []


def test_while_older_processes_are_up_nothing_is_indexed(
    alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(chat, alice, "green")
    assert indexing.has_due()
    monkeypatch.setattr("chat.runner.older.are_up", lambda: True)
    assert not indexing.has_due()


def test_the_lag_is_that_of_the_oldest(alice: User, chat: Chat) -> None:
    assert indexing.lag_s() == 0
    say(chat, alice, "green")
    Message.objects.update(updated_at=timezone.now() - timedelta(seconds=90))
    assert 90 <= indexing.lag_s() < 100
    index_all()
    assert indexing.lag_s() == 0


# A letter of each script, words apart by spaces, and whatever else may stand in a message.
WORDS = st.text(st.sampled_from("aBßéИ東京あア한ไक🎉€1_-."), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_message_is_found_by_any_whole_word_of_it(api: Api, alice: User, chat: Chat, words: list[str]) -> None:
    message = say(chat, alice, " ".join(words))
    index_all()
    for each in filter(indexed, words):
        query = read(f'"{each}"')
        assert SearchEntry.objects.filter(message=message, terms__matches=query).exists(), (words, each)
        assert SearchEntry.objects.filter(message=message, terms__matches=read(each)).exists(), (words, each)


def test_an_overlong_message_is_found_by_its_beginning(api: Api, alice: User, chat: Chat, settings: Any) -> None:
    chance = random.Random(5)
    unlike = " ".join(f"w{chance.randrange(10**9)}" for _ in range(9_000))
    rare = "".join(map(chr, range(0x20000, 0x20000 + 40_000)))
    texts = [f"first {unlike} last", f"erste {rare} letzte", "hello " * 300 + "over there hello there", "x" * 100_000]
    for text in texts:
        say(chat, alice, text[:100_000])
    assert index_all() == len(texts)
    client = api(alice)
    assert [len(found(client, each)) for each in ("first", "erste", "x" * 64)] == [1, 1, 1]
    assert len(found(client, '"hello there"')) == 1  # its place is beyond those that PostgreSQL keeps of a word
    settings.SEARCH_MAX_CHARS = 100
    say(chat, alice, "begin " + "a " * 100 + "end")
    index_all()
    assert len(found(client, "begin")) == 1 and found(client, "end") == []


# --- The bound, and the command ---------------------------------------------------------------------------------------

SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
}


def test_a_statement_that_takes_too_long_is_ended_and_the_connection_goes_on() -> None:
    with pytest.raises(TookTooLong), within(0.2), connection.cursor() as cursor:
        cursor.execute(SLOW[connection.vendor])
    assert SearchEntry.objects.count() == 0
    with within(0.2):
        assert SearchEntry.objects.count() == 0


def test_a_search_that_takes_too_long_says_so(
    api: Api, alice: User, chat: Chat, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(chat, alice, "green")
    index_all()
    settings.SEARCH_TIMEOUT_S = 0.2

    def slow(*args: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(SLOW[connection.vendor])

    monkeypatch.setattr("chat.search.finding.chats", lambda *args: Chat.objects.none())
    monkeypatch.setattr("chat.search.finding.messages", slow)
    told = asked(api(alice), "green")
    assert (told["is_partial"], told["results"], told["next"]) == (True, [], None)


def rebuild(*arguments: str) -> str:
    told = io.StringIO()
    call_command("rebuild_search", *arguments, stdout=told)
    return told.getvalue()


@pytest.mark.django_db(transaction=True)
def test_rebuilding_makes_all_rows_anew(api: Api, alice: User, chat: Chat) -> None:
    messages = [say(chat, alice, f"green {number}") for number in range(3)]
    index_all()
    SearchEntry.objects.filter(message=messages[0].pk).delete()
    assert json.loads(rebuild("--dry-run", "--json")) == {"messages": 3, "rows": 2, "dry_run": True}
    assert len(found(api(alice), "green")) == 2
    assert json.loads(rebuild("--json")) == {"messages": 3, "rows": 3, "dry_run": False}
    assert len(found(api(alice), "green")) == 3
    assert "3" in rebuild()
