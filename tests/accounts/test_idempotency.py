"""Once: the same key and body are answered again, not done again."""

import threading
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import Conflict, Invalid, KeyReused
from accounts.http.idempotency import Answer, once
from accounts.models import IdempotencyKey, Organization, User


def make(name: str = "made") -> Answer:
    row = Organization.objects.create(name=name)
    return Answer(201, {"id": str(row.pk)}, run_id=uuid4())


def send(user: User, key: str | None = "k1", body: bytes = b"{}", route: str = "POST /x") -> Answer:
    return once(user=user, key=key, route=route, body=body, make=make)


def made() -> int:
    return Organization.objects.filter(name="made").count()


def test_the_same_again_is_answered_again(alice: User) -> None:
    first, second = send(alice), send(alice)
    assert made() == 1
    assert (second.status, second.body, second.run_id) == (first.status, first.body, first.run_id)
    assert (first.replayed, second.replayed) == (False, True)


def test_another_key_is_another_request(alice: User) -> None:
    assert send(alice, "k1").body != send(alice, "k2").body


def test_without_a_key_each_is_its_own(alice: User) -> None:
    assert send(alice, None).body != send(alice, None).body
    assert not IdempotencyKey.objects.exists()


def test_keys_of_others_do_not_meet(alice: User, bob: User) -> None:
    assert send(alice).body != send(bob).body


@pytest.mark.parametrize("other", [{"body": b"{ }"}, {"route": "POST /y"}])
def test_a_key_is_for_one_request(alice: User, other: dict[str, str]) -> None:
    send(alice)
    with pytest.raises(KeyReused):
        send(alice, **other)
    assert made() == 1


def test_what_failed_may_be_tried_again(alice: User) -> None:
    def fail() -> Answer:
        make()
        raise Conflict

    with pytest.raises(Conflict):
        once(user=alice, key="k1", route="POST /x", body=b"{}", make=fail)
    assert made() == 0
    assert not send(alice).replayed


def test_after_a_day_a_key_is_new(alice: User) -> None:
    first = send(alice)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    second = send(alice, body=b"other")
    assert not second.replayed and second.body != first.body


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\x00", "ключ", "\x7f"])
def test_a_malformed_key_is_refused_by_name(alice: User, key: str) -> None:
    with pytest.raises(Invalid) as raised:
        send(alice, key)
    assert "Idempotency-Key" in raised.value.fields


def test_the_longest_key_is_taken(alice: User) -> None:
    assert send(alice, "x" * 200).body == send(alice, "x" * 200).body


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_is_done(alice: User) -> None:
    barrier, answers = threading.Barrier(20), Counter[tuple[str, bool]]()

    def one() -> None:
        barrier.wait()
        answer = send(alice)
        answers[answer.body["id"], answer.replayed] += 1
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made() == 1
    assert sorted(answers.values()) == [1, 19]
    assert len({id for id, _ in answers}) == 1
