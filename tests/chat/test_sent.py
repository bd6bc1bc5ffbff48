"""What was sent to models: how it is kept, for how long, who reads it, and with what it goes."""

import base64
import json
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from agents.loop.sent import Sent
from agents.messages import File, UserMessage
from agents.providers.base import ProviderRequest
from agents.providers.openai import request as openai_request
from chat.models import Chat, ChatShare, Message, Run, RunStatus
from chat.ops import cleanup
from chat.ops.cleanup import CleanUp
from chat.runner import ending
from chat.sent import keeping, waiting
from chat.sent.cutting import cut
from chat.sent.models import SentRequest
from chat.services.messages import delete_message, edit_message
from tests.chat.rows import answer
from tests.chat.sending import ASKED, sent_for
from tests.chat.test_queries import counted, ending_of
from tests.conftest import client_of

FILE = base64.b64encode(bytes(range(256)) * 40).decode()


def asked(*texts: str, **fields: Any) -> bytes:
    """A body."""
    return json.dumps({"messages": [{"role": "user", "content": text} for text in texts], **fields}).encode()


def texts_of(body: bytes) -> list[str]:
    return [each["content"] for each in json.loads(body)["messages"]]


def test_what_is_short_is_kept_as_it_went() -> None:
    for body in (asked("Hello"), asked("base64 is a code"), asked("x" * 900), b"{}", b"", b"no JSON"):
        assert cut(body, "", 1_000) is body
    body = asked("Hello", "It was told: likes tea.")
    assert cut(body, "runs a bakery", 1_000) is body, "a subagent is not told of the person"


@pytest.mark.parametrize("file", [FILE, f"data:image/png;base64,{FILE}"])
def test_of_files_the_ends_are_kept(file: str) -> None:
    body = asked("Look: base64 of a picture", image={"type": "base64", "data": file})
    found = json.loads(cut(body, "", 100_000))
    assert found["messages"] == json.loads(body)["messages"]
    assert f"it has {len(file):,} characters" in found["image"]["data"] and len(found["image"]["data"]) < 200
    assert FILE[100:200] not in json.dumps(found)


def test_of_recordings_the_ends_are_kept() -> None:
    """Chat completions have no word for their form but `input_audio`."""
    said = UserMessage("Listen.", files=(File(f"data:audio/mpeg;base64,{FILE}", "audio/mpeg"),))
    body = openai_request.encode(openai_request.build(ProviderRequest("m", "", (said,))))
    assert FILE.encode() in body and b"base64" not in body
    kept = cut(body, "", 100_000)
    assert f"it has {len(FILE):,} characters" in kept.decode() and FILE[100:200] not in kept.decode()


def test_of_long_texts_the_ends_are_kept_and_of_too_many_the_beginning() -> None:
    long = "a" * 30_000 + "middle" + "b" * 30_000
    found = texts_of(cut(asked("Short.", long), "", 30_000))
    assert found[0] == "Short." and found[1].startswith("aaa") and found[1].endswith("bbb")
    assert "middle" not in found[1] and "it has 60,006 characters" in found[1]
    many = asked(*["Word"] * 10_000)
    assert cut(many, "", 5_000) == many[:5_000]


@pytest.mark.parametrize("private", ['Runs a\n"bakery" – für Öl', "lone \ud800 half"])
def test_nothing_is_kept_of_what_is_told_of_the_person(private: str) -> None:
    for texts in ([f"Be kind.\n\n{private}", "Hello"], [f"{private} {'x' * 9_000}"]):
        request = {"messages": [{"role": "system", "content": text} for text in texts]}
        body = json.dumps(request, ensure_ascii=False).encode("utf-8", "replace")
        found = cut(body, private, 4_000).decode()
        assert "bakery" not in found and "lone" not in found and "characters]" in found
    assert cut(b"bakery" * 10_000, "bakery", 100) == b"", "no JSON: nothing can be told apart"


def test_a_provider_without_bytes_tells_what_it_was_asked() -> None:
    told: list[bytes] = []
    request = ProviderRequest("demo", "Be kind. \ud800", (), temperature=0.5, on_sent=told.append)
    request.asked()
    assert json.loads(told[0]) == {"model": "demo", "system": "Be kind. ?", "messages": [], "temperature": 0.5}


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    return answer(chat, alice)


@pytest.mark.django_db
def test_a_row_says_what_went_whither_and_how_much_of_it_is_kept(run: Run, settings: LazySettings) -> None:
    row = sent_for(run, agent="researcher", turn=3)
    assert (row.run, row.attempt, row.agent, row.turn, row.model) == (run, 1, "researcher", 3, "m")
    assert json.loads(row.text) == ASKED and row.size == len(json.dumps(ASKED)) and not row.is_cut
    settings.CHAT_SENT_MAX_BYTES = 1_000
    long = sent_for(run, {"messages": [{"role": "user", "content": "x" * 90_000}]})
    assert long.is_cut and long.size > 90_000 and len(long.text) <= 1_000
    assert len(zlib.decompress(long.data)) <= 1_000


@pytest.mark.django_db
def test_nothing_waits_for_a_run_that_is_to_leave_nothing(run: Run, settings: LazySettings) -> None:
    assert waiting.listener(run) is not None
    run.request = {"store": False}
    assert waiting.listener(run) is None
    run.request = {}
    settings.CHAT_SENT_RETENTION_S = 0
    assert waiting.listener(run) is None


@pytest.mark.django_db
def test_it_goes_when_it_is_old_enough_and_all_of_it_where_nothing_is_kept(run: Run, settings: LazySettings) -> None:
    old, new = sent_for(run), sent_for(run)
    SentRequest.objects.filter(pk=old.pk).update(sent_at=timezone.now() - timedelta(days=8, minutes=1))
    assert cleanup.due()["what was sent to models"] == 1
    clean()
    assert list(SentRequest.objects.all()) == [new]
    settings.CHAT_SENT_RETENTION_S = 0
    clean()
    assert not SentRequest.objects.exists()


def clean() -> None:
    going = CleanUp()
    while going.step():
        pass


@pytest.mark.django_db
def test_it_goes_with_what_it_may_quote(chat: Chat, alice: User, bob: User) -> None:
    def kept() -> bool:
        return SentRequest.objects.filter(run__chat=chat).exists()

    first, second = answer(chat, alice), answer(chat, alice)
    other = answer(Chat.objects.create(organization=chat.organization, user=bob, model="m", archetype="a"), bob)
    sent_for(other)
    sent_for(second)
    edit_message(user=alice, message=first.input, content="Something else")
    assert not kept(), "a later answer was sent what the message said"
    sent_for(second)
    delete_message(user=alice, message=first.input)
    assert not kept()
    row = sent_for(second)  # by a run that was under way
    assert cleanup.due()["what was sent of messages that are gone"] == 0
    SentRequest.objects.filter(pk=row.pk).update(sent_at=timezone.now() - timedelta(minutes=1))
    Message.objects.filter(chat=chat).update(created_at=F("updated_at"))
    assert cleanup.due()["what was sent of messages that are gone"] == 0, "by another clock the message was made later"
    Message.objects.filter(chat=chat).update(created_at=timezone.now() - timedelta(minutes=2))
    assert cleanup.due()["what was sent of messages that are gone"] == 1
    clean()
    assert not kept()
    sent_for(second)
    Run.objects.filter(pk=second.pk).update(ended_at=timezone.now() - timedelta(days=1))
    assert cleanup.compact.cut_to_answer(second.pk)
    assert not kept(), "its log says no more than the answer"
    sent_for(second)
    chat.delete()
    assert list(SentRequest.objects.values_list("run", flat=True)) == [other.pk]
    keeping.forget_person(bob.pk)
    assert not SentRequest.objects.exists()


@pytest.mark.django_db
def test_only_who_administers_there_and_sees_the_chat_reads_it(
    run: Run, chat: Chat, organization: Organization, alice: User, bob: User, charlie: User
) -> None:
    row = sent_for(run)
    other = sent_for(answer(chat, alice))
    lists, one = f"/api/runs/{run.pk}/sent/", f"/api/runs/{run.pk}/sent/{row.pk}/"
    mine = client_of(alice)
    found = mine.get(lists).json()["results"]
    assert [each["id"] for each in found] == [row.pk] and "request" not in found[0]
    assert found[0].items() >= {"turn": 1, "server": "chat@https://models.example:443", "is_cut": False}.items()
    assert mine.get(one).json()["request"] == ASKED
    for address in (f"/api/runs/{run.pk}/sent/{other.pk}/", f"/api/runs/{run.pk}/sent/{2**70}/"):
        assert mine.get(address).status_code == 404
    for address in (lists, one):
        assert client_of(charlie).get(address).status_code == 404
        assert client_of(bob).get(address).status_code in (403, 404)
    ChatShare.objects.create(chat=chat, user=bob, access="write")
    assert [client_of(bob).get(address).status_code for address in (lists, one)] == [403, 403]
    bob.memberships.update(role="admin")
    assert client_of(bob).get(one).json()["request"] == ASKED
    ChatShare.objects.all().delete()
    assert client_of(bob).get(one).status_code == 404, "who administers does not see every chat"
    assert mine.get(f"{lists}?unknown=1").status_code == 400


@pytest.mark.django_db
def test_a_text_that_was_cut_is_given_as_text(run: Run, alice: User, settings: LazySettings) -> None:
    settings.CHAT_SENT_MAX_BYTES = 1_000
    row = sent_for(run, {"messages": [{"role": "user", "content": "Word"}] * 1_000})
    found = client_of(alice).get(f"/api/runs/{run.pk}/sent/{row.pk}/").json()
    assert found["is_cut"] and found["request"].startswith('{"messages": [{"role": "user"')


def browser(user: User, *rights: str) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


CANARY = "swordfish <script>alert(1)</script>"


@pytest.mark.django_db
def test_the_timeline_leads_to_it_and_its_content_is_behind_the_gate(run: Run, chat: Chat, charlie: User) -> None:
    tools = [{"type": "function", "function": {"name": "read_file", "parameters": {}}}]
    row = sent_for(run, {**ASKED, "messages": [{"role": "user", "content": CANARY}], "tools": tools})
    address = reverse("admin:chat_sent_sentrequest_change", args=[row.pk])
    timeline = reverse("admin:chat_run_change", args=[run.pk])
    assert address not in browser(charlie, "view_run").get(timeline).content.decode()
    staff = browser(charlie, "view_run", "view_message", "view_sentrequest")
    assert address in staff.get(timeline).content.decode()
    shown = staff.get(address).content.decode()
    assert "models.example" in shown and "swordfish" not in shown and "Hidden" in shown
    assert "Show content" in shown and reverse("admin:chat_chat_content", args=[chat.pk]) in shown
    listed = staff.get(reverse("admin:chat_sent_sentrequest_changelist"), {"q": str(chat.pk)}).content.decode()
    assert address in listed and "swordfish" not in listed
    staff.post(reverse("admin:chat_chat_content", args=[chat.pk]), {"reason": "Ticket 42"})
    shown = staff.get(address).content.decode()
    for expected in ("swordfish &lt;script&gt;", "1 · user · ", "1 · function · read_file", "temperature", "0.5"):
        assert expected in shown, expected
    assert "<script>alert(1)" not in shown
    assert browser(charlie, "view_run", "view_sentrequest").get(address).content.decode().count("swordfish") == 0
    for lookup in ("data", "data__contains", "run__request"):
        assert staff.get(reverse("admin:chat_sent_sentrequest_changelist"), {lookup: "x"}).status_code in (302, 400)


@pytest.mark.django_db
def test_of_a_run_that_is_gone_or_a_chat_that_was_deleted_nothing_is_shown(run: Run, chat: Chat, charlie: User) -> None:
    staff = browser(charlie, "view_run", "view_message", "view_sentrequest")
    address = reverse("admin:chat_sent_sentrequest_change", args=[sent_for(run).pk])
    lists = reverse("admin:chat_sent_sentrequest_changelist")
    assert staff.get(address).status_code == 200
    Chat.objects.filter(pk=chat.pk).update(deleted_at=timezone.now())
    assert staff.get(address).status_code == 302 and address not in staff.get(lists).content.decode()
    Chat.objects.filter(pk=chat.pk).update(deleted_at=None)
    SentRequest.objects.update(run_id=uuid4())  # an older version has deleted its run
    assert staff.get(address).status_code == 302 and staff.get(lists).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_runs_end_stores_it_by_one_statement_more_and_none_where_nothing_waits(chat: Chat, alice: User) -> None:
    counts = []
    for sent in ([], [], [one(1)], [one(turn) for turn in range(1, 6)]):
        run = answer(chat, alice, RunStatus.RUNNING)
        begun = ending_of(chat)
        waits = tuple(waiting.Waiting(run.pk, 1, each) for each in sent)
        with counted() as told:
            ending.store_ending(replace(begun, sent=waits))
        counts.append(len(told))
        assert SentRequest.objects.filter(run=run).count() == len(sent)
    assert counts[2:] == [counts[1] + 1] * 2, counts  # the first of a day also makes its rows


def one(turn: int) -> Any:
    return Sent(timezone.now().timestamp(), "", turn, "m", "demo", "", json.dumps(ASKED).encode())
