"""A compiled write leaves in the table what Django's own does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.db.writes import Insert, Update
from accounts.models import IdempotencyKey, User

AT = datetime(2026, 11, 25, 10, 30, 1, 250, tzinfo=UTC)


def change(user: UUID, key: str, status: int, answer: dict[str, Any], run: UUID, at: datetime) -> Any:
    rows = IdempotencyKey.objects.filter(user_id=user, key=key)
    return rows, {"status": F("status") + status, "answer": answer, "run_id": run, "created_at": at}


CHANGE = Update(change, UUID, str, int, dict, UUID, datetime)
VALUES = [
    (200, {"ä": ["\x00'\"", None, 1.5, {"deep": []}]}, uuid4(), AT),
    (0, {}, None, AT),
    (404, {"a value's place": 3}, uuid4(), datetime(1999, 12, 31, tzinfo=UTC)),
]


def key_of(user: User, name: str) -> IdempotencyKey:
    return IdempotencyKey(user=user, key=name, route="POST /x", body_hash="0" * 64)


def told(name: str) -> dict[str, Any]:
    return IdempotencyKey.objects.values("status", "answer", "run_id", "created_at", "route", "body_hash").get(key=name)


@pytest.mark.parametrize("values", VALUES, ids=["all", "nulls", "like a place"])
def test_an_update_sets_what_djangos_does(alice: User, values: tuple[Any, ...]) -> None:
    if connection.vendor == "postgresql":
        values = (values[0], {"ä": 1}, *values[2:])  # its JSON takes no NUL, from nobody
    for name in ("ours", "django's", "another"):
        key_of(alice, name).save()
    other = told("another")
    assert CHANGE(alice.pk, "ours", *values) == 1
    rows, changes = change(alice.pk, "django's", *values)
    rows.update(**changes)
    assert told("ours") == told("django's")
    assert told("another") == other
    assert CHANGE(uuid4(), "ours", *values) == 0


def test_each_update_is_one_statement(alice: User) -> None:
    with CaptureQueriesContext(connection) as asked:
        CHANGE(alice.pk, "nobody's", 1, {}, None, AT)
        CHANGE(alice.pk, "nobody's", 2, {}, None, AT)
    assert len(asked) == 2


def test_a_value_without_a_place_is_refused(alice: User) -> None:
    with pytest.raises(AssertionError):
        Update(lambda id, unused: (User.objects.filter(pk=id), {"token_version": 1}), UUID, str)(alice.pk, "B")


def test_inserted_rows_are_those_that_django_would_store(alice: User) -> None:
    key_of(alice, "django's").save()
    rows = [key_of(alice, "one"), key_of(alice, "two")]
    rows[1].created_at = AT  # auto_now_add has the last word, as with save
    with CaptureQueriesContext(connection) as asked:
        Insert(IdempotencyKey)(rows)
    assert len(asked) == 1
    expected = told("django's")
    for row in rows:
        stored = told(row.key)
        assert stored.pop("created_at") > expected["created_at"]
        assert stored == {name: value for name, value in expected.items() if name != "created_at"}
        assert not row._state.adding
    with pytest.raises(IntegrityError), transaction.atomic():
        Insert(IdempotencyKey)([key_of(alice, "one")])


def test_a_column_may_hold_an_expression(alice: User) -> None:
    row = key_of(alice, "clock")
    row.run_id = uuid4()
    row.status = models.Value(7) + models.Value(1)  # type: ignore[assignment]
    row.created_at = Now()  # type: ignore[assignment]
    Insert(IdempotencyKey)([row])
    assert told("clock")["status"] == 8
    assert told("clock")["run_id"] == row.run_id
