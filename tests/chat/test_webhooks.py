"""Webhooks: whose they are, what is told of and with which words, who sends it, and what comes of it."""

import asyncio
import base64
import html
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openai import OpenAI
from rest_framework.test import APIClient
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from accounts import audit
from accounts.audit import sealing
from accounts.audit.models import AuditEntry
from accounts.models import Organization, Role, User
from accounts.organizations import services as organizations
from accounts.secrets import opened, seal
from accounts.sign_in.keys import create_key
from agents import events as ev
from agents.usage import Usage
from chat.commands import feedback
from chat.eventlog import Logged, stored
from chat.eventlog.projection import fold
from chat.exports import files, jobs
from chat.exports.working import Working
from chat.models import Budget, Chat, RunStatus, Schedule
from chat.models.facts import facts_of
from chat.ops.cleanup import CleanUp
from chat.page import webhooks as webhooks_page
from chat.runner import runner
from chat.runner.ending import Ending, last_events, store_ending
from chat.runner.waiting import store_asking
from chat.services import chats, scheduled
from chat.webhooks import leaving, outbox, sending
from chat.webhooks.claiming import Due, Told, claim, note
from chat.webhooks.models import (
    DeliveryStatus,
    Webhook,
    WebhookCount,
    WebhookDelivery,
    WebhookEvent,
)
from chat.webhooks.retrying import DELAYS_S, next_try
from chat.webhooks.signing import new_secret
from chat.webhooks.types import TYPES
from tests.chat.rows import answer, say
from tests.receiver import Answer, Receiver, drips, floods, hangs, resets, says
from tests.tools.outside import CONNECTED

PUBLIC = "https://8.8.8.8/hooks"
Api = Callable[[User], APIClient]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def takes_no_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "owner_here", lambda: None)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    receiver = Receiver()
    settings.OUTWARD_ALLOW, settings.WEBHOOKS_TIMEOUT_S = [receiver.allow], 1.5
    yield receiver
    receiver.close()


def path(organization: Organization, *more: Any) -> str:
    return "/".join([f"/api/organizations/{organization.pk}/webhooks", *map(str, more), ""])


def hook(organization: Organization, url: str = PUBLIC, events: tuple[str, ...] = ("*",), **more: Any) -> Webhook:
    """A webhook that is there already; its secret is `secret_text`."""
    secret = new_secret()
    row = Webhook.objects.create(
        organization=organization, url=url, events=list(events), **{"secret": seal(secret), **more}
    )
    row.secret_text = secret  # type: ignore[attr-defined]
    return row


def tell(organization: Organization, count: int = 1, **data: Any) -> None:
    with transaction.atomic():
        for _ in range(count):
            outbox.tell("export.done", organization.pk, data)


def deliver_all() -> list[Due]:
    """One round of what a process does: all that may be tried now, at once."""

    async def all_of(found: list[Due]) -> None:
        await asyncio.gather(*map(sending.deliver, found))

    found = claim(64)
    asyncio.run(all_of(found))
    return found


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("event", "webhook").get()


# --- REST -------------------------------------------------------------------------------------------------------------


def test_one_is_made_changed_rotated_and_deleted_and_its_secret_is_said_once(
    api: Api, alice: User, organization: Organization
) -> None:
    body = {"url": PUBLIC, "events": ["run.failed", "run.completed"]}
    reply = api(alice).post(path(organization), body, format="json", headers={"Idempotency-Key": "k"})
    assert reply.status_code == 201, reply.json()
    made = reply.json()
    assert made["events"] == ["run.completed", "run.failed"] and (made["is_active"], made["off_reason"]) == (True, "")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    again = api(alice).post(path(organization), body, format="json", headers={"Idempotency-Key": "k"}).json()
    assert (again["id"], again["secret"]) == (made["id"], None), "what is kept for a key holds no secret"
    assert made["secret"] not in Webhook.objects.get().secret

    one = path(organization, made["id"])
    shown = api(alice).get(one).json()
    assert "secret" not in shown and api(alice).get(path(organization)).json()["results"] == [shown]
    off = api(alice).patch(one, {"is_active": False}, format="json").json()
    assert (off["is_active"], off["off_reason"]) == (False, "admin")
    on = api(alice).patch(one, {"is_active": True, "url": f"{PUBLIC}/2", "events": ["*"]}, format="json").json()
    assert (on["off_reason"], on["url"], on["events"]) == ("", f"{PUBLIC}/2", ["*"])
    rotated = api(alice).post(f"{one}rotate/").json()
    assert rotated["secret"] != made["secret"] and rotated["old_secret_until"] > timezone.now().isoformat()
    assert api(alice).delete(one).status_code == 204 and not Webhook.objects.exists()
    noted = AuditEntry.objects.filter(object_type="webhook").order_by("at").values_list("action", "detail")
    assert [action for action, _ in noted] == ["webhook.made", *["webhook.changed"] * 3, "webhook.removed"]
    assert PUBLIC not in str(list(noted)), "an address may hold a secret"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "http://8.8.8.8/"}, "url"),
        ({"url": "https://8.8.8.8:8443/"}, "url"),
        ({"url": "ftp://8.8.8.8/"}, "url"),
        ({"url": "https://user:word@8.8.8.8/"}, "url"),
        ({"url": "https://8.8.8.8/" + "x" * 2_000}, "url"),
        ({"url": None}, "url"),
        ({"events": []}, "events"),
        ({"events": ["run.exploded"]}, "events"),
        ({"events": ["webhook.test"]}, "events"),
        ({"events": "*"}, "events"),
        ({"events": [1]}, "events.0"),
        ({"is_active": "yes"}, "is_active"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    api: Api, alice: User, organization: Organization, wrong: dict[str, Any], field: str
) -> None:
    reply = api(alice).post(path(organization), {"url": PUBLIC, "events": ["*"], **wrong}, format="json")
    assert reply.status_code == 400 and field in reply.json()["error"]["fields"]
    assert not Webhook.objects.exists()
    there = hook(organization)
    reply = api(alice).patch(path(organization, there.pk), wrong, format="json")
    assert reply.status_code == 400 and field in reply.json()["error"]["fields"]
    assert Webhook.objects.values("url", "events", "is_active").get() == {
        "url": PUBLIC,
        "events": ["*"],
        "is_active": True,
    }


def test_admins_alone_have_them_as_people_and_in_their_own_organization(
    api: Api, alice: User, bob: User, charlie: User, organization: Organization, elsewhere: Organization
) -> None:
    there = hook(organization)
    tell(organization)
    delivery = only()
    addresses = [
        ("get", path(organization)),
        ("post", path(organization)),
        *((method, path(organization, there.pk)) for method in ("get", "patch", "delete")),
        *(("post", path(organization, there.pk, verb)) for verb in ("test", "rotate")),
        ("get", path(organization, there.pk, "deliveries")),
        ("get", path(organization, there.pk, "deliveries", delivery.pk)),
        ("post", path(organization, there.pk, "deliveries", delivery.pk, "again")),
    ]
    _, key = create_key(
        user=alice, organization=organization, scopes=["chat", "read", "audit"], name="CI", expires_at=None
    )
    for method, address in addresses:
        assert getattr(api(bob), method)(address, {}, format="json").status_code == 403, address
        assert getattr(api(charlie), method)(address, {}, format="json").status_code == 404, address
        by_key = getattr(APIClient(headers={"Authorization": f"Bearer {key}"}), method)(address, {}, format="json")
        assert by_key.status_code == 403, address
        theirs = address.replace(str(organization.pk), str(elsewhere.pk))
        expected = {404, 400} if theirs == path(elsewhere) and method == "post" else {404, 200}
        assert getattr(api(charlie), method)(theirs, {}, format="json").status_code in expected
    assert Webhook.objects.get().secret == there.secret and WebhookDelivery.objects.count() == 1
    mine = hook(elsewhere)
    stranger = path(elsewhere, mine.pk, "deliveries", delivery.pk)
    assert api(charlie).get(stranger).status_code == 404 and api(charlie).post(f"{stranger}again/").status_code == 404


def test_a_plan_without_webhooks_makes_and_tells_none(api: Api, alice: User, organization: Organization) -> None:
    hook(organization)
    Organization.objects.update(plan="BASIC")
    refused = api(alice).post(path(organization), {"url": PUBLIC, "events": ["*"]}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "plan_feature")
    tell(organization)
    assert not WebhookEvent.objects.exists()


def test_an_organization_has_so_many(api: Api, alice: User, organization: Organization, settings: Any) -> None:
    settings.WEBHOOKS_PER_ORGANIZATION = 1
    hook(organization)
    reply = api(alice).post(path(organization), {"url": PUBLIC, "events": ["*"]}, format="json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "too_many_webhooks")


def test_one_is_tried_and_a_delivery_is_sent_again_with_the_same_id(
    api: Api, alice: User, organization: Organization, receiver: Receiver
) -> None:
    there = hook(organization, receiver.url, ("run.failed",))
    receiver.answers = [says(500, b"\x00not now\xff")]
    one = path(organization, there.pk)
    sent = api(alice).post(f"{one}test/")
    assert sent.status_code == 202 and (sent.json()["type"], sent.json()["status"]) == ("webhook.test", "waiting")
    address = f"{one}deliveries/{sent.json()['id']}/"
    deliver_all()
    failed = api(alice).get(address).json()
    assert (failed["status"], failed["tries"], failed["answer_status"]) == ("waiting", 1, 500)
    assert failed["answer"] == "\ufffdnot now\ufffd" and failed["next_at"] is not None
    waits = api(alice).post(f"{address}again/")
    assert (waits.status_code, waits.json()["error"]["code"]) == (409, "delivery_waiting")
    WebhookDelivery.objects.update(next_at=timezone.now())
    deliver_all()
    assert api(alice).get(f"{one}deliveries/", {"status": "delivered"}).json()["results"][0]["tries"] == 2
    assert api(alice).get(f"{one}deliveries/", {"status": "failed"}).json()["results"] == []
    assert api(alice).get(f"{one}deliveries/", {"status": "lost"}).status_code == 400
    assert api(alice).post(f"{address}again/").json()["tries"] == 0
    deliver_all()
    assert {got.id for got in receiver.got} == {sent.json()["event"]} and len(receiver.got) == 3
    api(alice).patch(one, {"is_active": False}, format="json")
    for verb in (f"{one}test/", f"{address}again/"):
        assert api(alice).post(verb).json()["error"]["code"] == "webhook_off"


# --- What is told of --------------------------------------------------------------------------------------------------

WORD = "canary"  # in every name and word
NOW = datetime.now(UTC)


class World:
    """Alice's chat with a run under way, and Bob; all of it full of words."""

    def __init__(self, organization: Organization, alice: User, bob: User, chat: Chat) -> None:
        self.organization, self.alice, self.bob, self.chat = organization, alice, bob, chat
        Chat.objects.update(title=WORD, metadata={"about": WORD, "slackThread": "C1/1.2"})
        User.objects.update(name=WORD)
        self.run = answer(chat, alice, RunStatus.RUNNING, WORD)
        self.run.reserved_tokens = 1
        self.run.save()

    def end(self, end: Callable[[Usage], ev.AnyEvent]) -> None:
        """The run ends, as its process would store it."""
        entries = stored(self.run.pk)
        said = [
            ev.TextDelta(at=time.time(), text=WORD),
            ev.ReplyCompleted(at=time.time(), turn=1, finish_reason="stop", usage=Usage(10, 0, 5)),
        ]
        folded = fold([*(each.event for each in entries), *said])
        last = last_events(folded, self.run.message_id, end)  # type: ignore[arg-type]
        log = [Logged(1, seq, event) for seq, event in enumerate([*said, *last], entries[-1].seq + 1)]
        store_ending(Ending(facts_of(self.run), 1, folded, log, claims_next=False))

    def complete(self) -> None:
        self.end(lambda usage: ev.RunCompleted(at=time.time(), reason="stop", usage=usage))

    def fail(self) -> None:
        self.end(lambda usage: ev.RunFailed(at=time.time(), code="timeout", message=WORD, retryable=False, usage=usage))

    def cancel(self) -> None:
        self.end(lambda usage: ev.RunCancelled(at=time.time(), by=str(self.alice.pk), usage=usage))

    def ask(self) -> None:
        asked = ev.ApprovalRequested(
            at=time.time(), call="call_1", name=WORD, arguments={"x": WORD}, expires_at=time.time() + 60
        )
        store_asking(facts_of(self.run), 1, {"call_1": asked})

    def create_chat(self) -> None:
        chats.create_chat(user=self.alice, organization=self.organization.pk, title=WORD)

    def delete_chat(self) -> None:
        self.run.delete()
        chats.delete_chat(user=self.alice, chat=self.chat)

    def give_feedback(self) -> None:
        self.complete()
        question = SimpleNamespace(question=say(self.chat, self.alice))
        feedback._kept(SimpleNamespace(run=question, user=self.alice, text=WORD))  # type: ignore[arg-type]

    def add_member(self) -> None:
        self.alice.is_staff = True
        person = User.objects.create_user(f"{WORD}@example.com", name=WORD)
        organizations.add_member(actor=self.alice, organization=self.organization, user=person, role=Role.VIEWER)

    def remove_member(self) -> None:
        organizations.remove_member(actor=self.alice, membership=self.bob.memberships.get())

    def warn(self, amount: int = 25) -> None:
        Budget.objects.create(inside=self.organization, amount=amount, warn_percent=50, at_end="warn")
        self.complete()

    def exhaust(self) -> None:
        self.warn(10)

    def seal(self) -> None:
        audit.record("organization.made", actor=self.alice, organization_id=self.organization.pk)
        sealing.seal()

    def export(self) -> None:
        asked = {"organization": str(self.organization.pk)}
        jobs.begin(user=self.alice, what="usage", format="csv", asked=asked)
        working = Working()
        while working.step():
            pass
        for name in files.there():
            files.remove(name)

    def miss(self) -> None:
        Schedule.objects.create(
            organization=self.organization, chat=self.chat, owner=self.bob, prompt=WORD, title=WORD, cron="0 9 * * *",
            time_zone="UTC", next_at=NOW,
        )  # fmt: skip
        (id,) = scheduled.due_ids(NOW + timedelta(seconds=1), 9)
        scheduled.take_turn(id, NOW + timedelta(seconds=1))


RUN = {"kind": "answer", "door": "native", "sequence": 1, "usage": {"input_tokens": 10, "output_tokens": 5}}
TOLD: dict[str, tuple[Callable[[World], None], dict[str, Any]]] = {
    "run.completed": (World.complete, {**RUN, "reason": "stop"}),
    "run.failed": (World.fail, {**RUN, "code": "timeout"}),
    "run.cancelled": (World.cancel, RUN),
    "approval.requested": (World.ask, {"kind": "answer", "calls": ["call_1"], "sequence": 1}),
    "chat.created": (World.create_chat, {"origin": "native", "project": None, "sequence": 1}),
    "chat.deleted": (World.delete_chat, {"sequence": 1}),
    "feedback.given": (World.give_feedback, {"rating": None, "sequence": 1}),
    "member.added": (World.add_member, {"role": "viewer"}),
    "member.removed": (World.remove_member, {"role": "editor"}),
    "budget.warned": (World.warn, {"scope": "organization", "percent": 50}),
    "budget.exhausted": (World.exhaust, {"scope": "organization", "percent": 100}),
    "export.done": (World.export, {}),
    "audit.sealed": (World.seal, {}),
    "schedule.failed": (World.miss, {"is_off": True, "sequence": 1}),
}


@pytest.mark.parametrize("type", TOLD)
def test_what_happens_is_told_with_it_by_ids_alone(
    type: str, organization: Organization, elsewhere: Organization, alice: User, bob: User, chat: Chat
) -> None:
    do, expected = TOLD[type]
    world = World(organization, alice, bob, chat)
    hook(organization, events=(type,))
    hook(organization, events=(type,), is_active=False)
    hook(elsewhere)
    with CaptureQueriesContext(connection):
        do(world)
    event = only().event
    body = json.loads(event.body)
    assert (body["type"], event.type) == (type, type) and only().webhook.organization == organization
    assert datetime.fromisoformat(body["timestamp"]) == event.created_at
    assert body["data"]["organization"] == str(organization.pk)
    assert {name: body["data"][name] for name in expected} == expected
    assert event.chat is None or body["data"]["chat"] == str(event.chat)
    if type.startswith("run.") or type == "approval.requested":
        named = {"run": world.run.pk, "chat": chat.pk, "message": world.run.message_id, "user": alice.pk}
        assert body["data"]["slackThread"] == "C1/1.2"
        assert {name: body["data"][name] for name in named} == {name: str(id) for name, id in named.items()}
    assert WORD not in event.body and "example.com" not in event.body and len(event.body) < 1_000


def test_every_type_is_told_somewhere() -> None:
    assert {*TOLD} == set(TYPES)


def test_events_of_a_chat_are_counted_and_a_type_or_a_word_that_is_none_is_refused(
    organization: Organization, chat: Chat
) -> None:
    hook(organization)
    for _ in range(3):
        with transaction.atomic():
            outbox.tell("chat.created", organization.pk, {}, chat_id=chat.pk)
            outbox.tell("chat.created", organization.pk, {}, chat_id=UUID(int=1))
    threads = ("1.2", {"channel": "C1", "ts": "1.2"}, "some words", {"said": "some words"}, {"x": [1]}, {}, 7, None)
    for thread in threads:
        Chat.objects.filter(pk=chat.pk).update(metadata={"slackThread": thread})
        with transaction.atomic():
            outbox.tell("feedback.given", organization.pk, {}, chat_id=chat.pk)
    said = [json.loads(each.body)["data"] for each in WebhookEvent.objects.filter(type="feedback.given")]
    found = {each["sequence"]: each.get("slackThread") for each in said}
    assert [found[number] for number in sorted(found)] == [*threads[:2], *[None] * 6]
    told = [
        json.loads(each.body)["data"]
        for each in WebhookEvent.objects.filter(chat=chat.pk, type="chat.created").order_by("created_at")
    ]
    assert [each["sequence"] for each in told] == [1, 2, 3]
    for wrong in (("chat.exploded", {}), ("chat.created", {"at": NOW}), ("chat.created", {"x": "x" * 20_000})):
        with pytest.raises(ValueError, match=r"no such type|no value|more than"), transaction.atomic():
            outbox.tell(wrong[0], organization.pk, wrong[1])


def test_where_nobody_wants_it_one_query_asks(organization: Organization) -> None:
    hook(organization, events=("run.failed",))
    with CaptureQueriesContext(connection) as told:
        tell(organization)
    asked = [each["sql"] for each in told if not each["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(asked) == 1 and "chat_webhooks_webhook" in asked[0]


def test_nothing_is_told_of_what_was_rolled_back(organization: Organization) -> None:
    hook(organization)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.tell("export.done", organization.pk, {})
        raise ZeroDivisionError
    assert not WebhookEvent.objects.exists() and not WebhookDelivery.objects.exists()
    with pytest.raises(AssertionError, match="in the transaction"):
        outbox.tell("export.done", organization.pk, {})


# --- Signatures -------------------------------------------------------------------------------------------------------


def test_receivers_verify_it_by_either_secret_while_it_is_changed(
    api: Api, alice: User, organization: Organization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    there = hook(organization, receiver.url)
    rotated = api(alice).post(path(organization, there.pk, "rotate")).json()["secret"]
    tell(organization, count=1, export="1")
    deliver_all()
    (got,) = receiver.got
    for secret in (there.secret_text, rotated):  # type: ignore[attr-defined]
        assert Verifier(secret).verify(got.body, got.headers)["type"] == "export.done"
        client = OpenAI(api_key="none", webhook_secret=secret)
        client.webhooks.verify_signature(got.body, got.headers)
    for secret, body in ((new_secret(), got.body), (rotated, got.body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, got.headers)
    assert got.headers["content-type"] == "application/json"
    Webhook.objects.update(old_secret_until=timezone.now())
    tell(organization)
    deliver_all()
    with pytest.raises(WebhookVerificationError):
        Verifier(there.secret_text).verify(receiver.got[1].body, receiver.got[1].headers)  # type: ignore[attr-defined]
    monkeypatch.undo()
    time.tzset()


def test_one_whose_secret_cannot_be_read_sends_nothing_and_says_so(
    organization: Organization, receiver: Receiver
) -> None:
    hook(organization, receiver.url, secret="of another key")
    tell(organization)
    deliver_all()
    assert not receiver.got and "SECRETS_KEYS" in only().error


# --- Outcomes ---------------------------------------------------------------------------------------------------------

DAY_S = 24 * 3600
# What the receiver does: what is kept of it, and in how many seconds it is tried again; None: it is not.
OUTCOMES: dict[str, tuple[Answer, int | None, str, float | None]] = {
    "200": (says(200, b"thanks"), 200, "thanks", None),
    "a long answer": (says(201, b"x" * 5_000), 201, "x" * 1_000, None),
    "a gigabyte": (floods, 200, "x" * 1_000, None),
    "a body that drips": (drips, 200, ".", None),
    "a packed answer": (says(200, b"\x1f\x8b", Content_Encoding="gzip"), 200, "", None),
    "a redirect": (says(302, Location="http://127.0.0.1:1/"), 302, "", 5),
    "not found": (says(404, b"who?"), 404, "who?", 5),
    "too many": (says(429, Retry_After="600"), 429, "", 600),
    "away": (says(503, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT"), 503, "", DAY_S),
    "away, strangely": (says(503, Retry_After="soon"), 503, "", 5),
    "nothing": (hangs(4), None, "", 5),
    "a reset": (resets, None, "", 5),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_the_receiver_does_is_what_becomes_of_it(
    organization: Organization, receiver: Receiver, name: str
) -> None:
    say, status, said, again_s = OUTCOMES[name]
    hook(organization, receiver.url)
    tell(organization)
    receiver.answers = [say]
    begun = timezone.now()
    deliver_all()
    row = only()
    assert timezone.now() - begun < timedelta(seconds=4) and len(receiver.got) == 1
    assert row.answer_status == status and bool(row.error) == (status is None) and "127.0.0.1" not in row.answer
    assert row.answer.rstrip(".") == said.rstrip(".") and (len(row.answer) > 0) == bool(said)
    if again_s is None:
        assert (row.status, row.next_at, row.webhook.failing_since) == ("delivered", None, None)
        assert row.webhook.delivered_at and row.ended_at
    else:
        assert row.next_at is not None and (row.status, row.ended_at, row.owner) == ("waiting", None, None)
        assert again_s * 0.89 <= (row.next_at - begun).total_seconds() <= again_s * 1.11 + 4
        assert row.webhook.failing_since and row.webhook.is_active


def test_tries_are_further_and_further_apart_and_end() -> None:
    for tries, delay_s in enumerate(DELAYS_S, 1):
        waits = {(at - NOW).total_seconds() for _ in range(50) if (at := next_try(tries, NOW, {}))}
        assert delay_s * 0.9 <= min(waits) < max(waits) <= delay_s * 1.1, "they are spread"
    assert next_try(10, NOW, {"Retry-After": "5"}) is None
    assert sum(DELAYS_S) > 3 * DAY_S


def test_after_the_last_try_it_is_given_up(organization: Organization, receiver: Receiver) -> None:
    hook(organization, receiver.url)
    tell(organization)
    receiver.answers = [says(500)]
    WebhookDelivery.objects.update(tries=9)
    deliver_all()
    assert (only().status, only().tries, only().next_at) == ("failed", 10, None)
    assert claim(9) == []


def test_one_that_is_gone_or_fails_for_days_is_switched_off_and_its_admins_are_told(
    api: Api, alice: User, organization: Organization, receiver: Receiver
) -> None:
    six_days_ago = timezone.now() - timedelta(days=6)
    for reason, said, since in (("gone", says(410), None), ("failing", says(500), six_days_ago)):
        there = hook(organization, receiver.url, failing_since=since)
        tell(organization, count=2)
        receiver.answers = [said] * 2
        deliver_all()
        shown = api(alice).get(path(organization, there.pk)).json()
        assert (shown["is_active"], shown["off_reason"]) == (False, reason)
        noted = AuditEntry.objects.get(action="webhook.switched_off", object_id=str(there.pk))
        assert (noted.actor_kind, noted.detail) == ("system", {"reason": reason})
        assert not there.deliveries.filter(status=DeliveryStatus.WAITING).exists()
        tell(organization)
        assert there.deliveries.count() == 2, "it is told of nothing any more"


def test_one_success_ends_the_days_of_failures(organization: Organization, receiver: Receiver) -> None:
    there = hook(organization, receiver.url, failing_since=timezone.now() - timedelta(days=6))
    tell(organization)
    deliver_all()
    there.refresh_from_db()
    assert (there.failing_since, there.is_active) == (None, True)


# --- Whose turn it is -------------------------------------------------------------------------------------------------


def test_many_who_claim_at_once_get_each_delivery_once_and_four_to_a_webhook(organization: Organization) -> None:
    for _ in range(3):
        hook(organization)
    tell(organization, count=10)
    barrier = threading.Barrier(20)

    def take(_: int) -> list[Due]:
        try:
            barrier.wait(30)
            return claim(64)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        found = [due for some in pool.map(take, range(20)) for due in some]
    assert len({due.id for due in found}) == len(found)
    found += claim(64)  # who met another at a webhook left it to them
    by_webhook = {id: [due for due in found if due.webhook_id == id] for id in {due.webhook_id for due in found}}
    assert sorted(map(len, by_webhook.values())) == [4, 4, 4]
    assert claim(64) == []


def test_what_a_process_died_of_is_due_again_with_the_same_id_and_told_by_its_last_try_alone(
    organization: Organization, receiver: Receiver
) -> None:
    hook(organization, receiver.url)
    tell(organization)
    (dead,) = claim(9)
    assert claim(9) == [], "it is under way"
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    (again,) = claim(9)
    assert (again.event, again.tries) == (dead.event, 2)
    asyncio.run(sending.deliver(dead))  # it was only frozen: what it says is of a try that is not the last
    assert (only().status, only().tries) == ("waiting", 2)
    asyncio.run(sending.deliver(again))
    assert only().status == "delivered" and len({got.id for got in receiver.got}) == 1


def test_a_receiver_that_hangs_holds_up_no_other(organization: Organization, receiver: Receiver) -> None:
    hook(organization, receiver.url)
    tell(organization, count=8)
    hook(organization, f"http://{receiver.allow}/other", created_at=NOW + timedelta(seconds=1))
    tell(organization)
    receiver.answers = [hangs(3)] * 4
    deliver_all()
    assert receiver.most_at_once <= 8 and WebhookDelivery.objects.filter(status="delivered").count() == 1


def test_those_that_hang_do_not_stand_before_one_that_does_not(organization: Organization) -> None:
    for _ in range(3):
        hook(organization)
    tell(organization, count=5)
    assert len(claim(64)) == 12, "they hang, and each has one more"
    other = hook(organization)
    tell(organization)
    assert [due.webhook_id for due in claim(1)] == [other.pk]


def test_tries_that_end_at_once_and_switch_it_off_do_not_wait_for_each_other(organization: Organization) -> None:
    def end(due: Due) -> None:
        try:
            barrier.wait(30)
            note(due, Told(410))
        finally:
            connection.close()

    for _ in range(6):
        there = hook(organization)
        tell(organization, count=4)
        found, barrier = claim(9), threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(end, found))
        there.refresh_from_db()
        assert (len(found), there.off_reason) == (4, "gone")


# --- Addresses --------------------------------------------------------------------------------------------------------

LOOPBACK = (
    *("127.0.0.1", "127.0.0.2", "localhost", "127.1", "2130706433", "0x7f.1", "017700000001", "0.0.0.0", "[::1]"),
    *("[::ffff:127.0.0.1]", "①②⑦.⓪.⓪.①", "127。0。0。1", "[64:ff9b::7f00:1]"),
)


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_is_connected_to(
    api: Api, alice: User, organization: Organization, settings: Any, host: str
) -> None:
    with Trap() as trap:
        settings.OUTWARD_PORTS = [443, trap.port]
        url = f"https://{host}:{trap.port}/hooks"
        CONNECTED.clear()
        reply = api(alice).post(path(organization), {"url": url, "events": ["*"]}, format="json")
        assert reply.status_code == 400 and "url" in reply.json()["error"]["fields"], reply.json()
        hook(organization, url)  # as if its name had led elsewhere when it was made
        tell(organization)
        deliver_all()
        assert only().status == "waiting" and only().error and only().answer_status is None
        ours = [each for each in CONNECTED if isinstance(each, tuple) and each[1] == trap.port]
        assert ours == [] and not trap.was_met()


class Trap:
    """A listener on loopback, of both versions, that nobody is to meet."""

    def __enter__(self) -> "Trap":
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0)
        self.port = self._socket.getsockname()[1]
        return self

    def was_met(self) -> bool:
        try:
            self._socket.accept()
        except BlockingIOError:
            return False
        return True

    def __exit__(self, *error: object) -> None:
        self._socket.close()


# --- What stays -------------------------------------------------------------------------------------------------------


def test_old_events_go_with_their_deliveries_and_what_a_chat_left(organization: Organization, chat: Chat) -> None:
    hook(organization)
    for id in (chat.pk, UUID(int=1)):
        with transaction.atomic():
            outbox.tell("chat.created", organization.pk, {}, chat_id=id)
    clean_up = CleanUp(kinds=leaving.KINDS)
    assert not clean_up.step()
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(days=15))
    clean_up = CleanUp(kinds=leaving.KINDS)
    while clean_up.step():
        pass
    assert not WebhookEvent.objects.exists() and not WebhookDelivery.objects.exists()
    assert WebhookCount.objects.get().chat == chat.pk, "its next event goes on counting"
    organizations.delete_place(organization)
    assert not Webhook.objects.exists()


# --- The page ---------------------------------------------------------------------------------------------------------


def test_admins_do_all_of_it_on_the_page(alice: User, organization: Organization, receiver: Receiver) -> None:
    client, page = Client(), f"/organizations/{organization.pk}/webhooks/"
    client.force_login(alice)
    assert page in client.get("/account/").content.decode()
    made = client.post(page, {"do": "make", "url": receiver.url, "events": ["run.failed"]})
    secret = opened(Webhook.objects.get().secret)
    assert made.status_code == 200 and secret in html.unescape(made.content.decode())
    assert secret not in html.unescape(client.get(page).content.decode()), "it is shown once"
    hook = {"id": str(Webhook.objects.get().pk)}
    assert client.post(page, {"do": "test", **hook}).status_code == 302
    receiver.answers = [says(410, b"<script>gone")]
    deliver_all()
    said = client.get(page).content.decode()
    assert "&lt;script&gt;gone" in said and str(webhooks_page.OFF["gone"]) in said
    assert "1 was switched off by itself" in client.get("/account/").content.decode()
    assert client.post(page, {"do": "on", **hook}).status_code == 302
    again = {"do": "again", "delivery": str(only().pk), **hook}
    WebhookDelivery.objects.update(error="8.8.8.8 did not answer in time.")
    assert (
        "Es kam nicht rechtzeitig eine Antwort." in client.get(page, headers={"Accept-Language": "de"}).content.decode()
    )
    assert client.post(page, again).status_code == 302 and client.post(page, again).status_code == 409
    rotated = client.post(page, {"do": "rotate", **hook}).content.decode()
    assert opened(Webhook.objects.get().secret) in html.unescape(rotated)
    assert client.post(page, {"do": "off", **hook}).status_code == 302
    assert client.post(page, {"do": "remove", **hook}).status_code == 302 and not Webhook.objects.exists()


def test_what_is_refused_is_said_in_the_readers_language(
    alice: User, bob: User, charlie: User, organization: Organization
) -> None:
    page = f"/organizations/{organization.pk}/webhooks/"
    for user, status in ((bob, 403), (charlie, 404)):
        client = Client()
        client.force_login(user)
        assert client.get(page).status_code == client.post(page, {"do": "make"}).status_code == status
    client = Client()
    client.force_login(alice)
    for form, status, told in (
        ({"do": "make", "url": "https://127.0.0.1/", "events": ["*"]}, 400, "Diese Adresse geht nicht."),
        ({"do": "make", "url": PUBLIC}, 400, "Wählen Sie mindestens eine Art"),
        ({"do": "make", "url": "https://127.0.0.1/", "events": ["run.failed"]}, 400, 'value="run.failed" checked'),
        ({"do": "test", "id": "x"}, 404, "nicht sehen"),
        ({"do": "nothing"}, 400, ""),
    ):
        answered = client.post(page, form, headers={"Accept-Language": "de"})
        assert answered.status_code == status and told in answered.content.decode(), (form, answered.content[-900:])
    assert not Webhook.objects.exists()
