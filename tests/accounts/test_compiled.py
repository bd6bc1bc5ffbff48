"""A compiled query gives what Django's own does, for each of its values and in each thread."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from accounts.db.compiled import Compiled
from accounts.db.writes import Update
from accounts.models import Organization, Role, User
from chat.models import LIVE, Run
from tests.conftest import member

MEMBERS: Compiled[User] = Compiled(
    lambda organization, version: User.objects.filter(memberships__organization=organization, token_version=version),
    UUID,
    int,
)


@pytest.mark.django_db(transaction=True)
def test_rows_are_those_of_the_query_for_every_value_and_in_every_thread() -> None:
    first, second = (Organization.objects.create(name=name) for name in ("First", "Second"))
    ann, bea = member(first, "ann", Role.OWNER), member(first, "bea", Role.VIEWER)
    cid = member(second, "cid", Role.OWNER)
    User.objects.update(token_version=1)
    User.objects.filter(pk=bea.pk).update(token_version=2)
    asked = [(first.pk, 1), (first.pk, 2), (second.pk, 1), (uuid4(), 1), (first.pk, 3)]
    expected = [[ann], [bea], [cid], [], []]
    assert [MEMBERS(*values) for values in asked] == expected
    assert MEMBERS.first(second.pk, 1) == cid
    assert MEMBERS.first(second.pk, 2) is None
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(_asked_there, asked * 3)) == expected * 3


def _asked_there(values: tuple[UUID, int]) -> list[User]:
    try:
        return MEMBERS(*values)
    finally:
        connection.close()
        close_old_connections()


@pytest.mark.django_db
def test_a_value_without_a_place_is_refused_and_each_call_is_one_query() -> None:
    with pytest.raises(AssertionError):
        Compiled(lambda id, unused: User.objects.filter(pk=id), UUID, UUID).first(uuid4(), uuid4())
    with CaptureQueriesContext(connection) as told:
        MEMBERS(uuid4(), 7)
        MEMBERS(uuid4(), 8)
    assert len(told) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such table")
def test_postgresql_keeps_the_plan_of_what_comes_again() -> None:
    for version in range(5):
        MEMBERS(uuid4(), version)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [row[0] for row in cursor.fetchall()]
    assert len([each for each in kept if "accounts_membership" in each and '"token_version" = $2' in each]) == 1


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL does not plan anew for a partial index")
def test_sqlite_plans_once_what_meets_a_partial_index() -> None:
    """A parameter that it compares with the condition of such an index makes it plan anew at each call."""
    live: Compiled[Run] = Compiled(lambda chat: Run.objects.filter(chat=chat, kind="answer", status__in=LIVE), UUID)
    for _ in range(5):
        live(uuid4())
    asked = "SELECT run, reprep FROM sqlite_stmt WHERE sql LIKE '%FROM \"chat_run\"%' AND run = 5"
    with connection.cursor() as cursor:
        assert cursor.execute(asked).fetchall() == [(5, 0)]


@pytest.mark.django_db
def test_a_constant_may_say_anything() -> None:
    said = """it's 100% "%s" \\ ä 😀"""
    named: Compiled[Organization] = Compiled(lambda id: Organization.objects.filter(pk=id, name=said), UUID)
    first, other = Organization.objects.create(name=said), Organization.objects.create(name="it")
    assert [named.first(each.pk) for each in (first, other)] == [first, None]
    renamed = Update(lambda id: (Organization.objects.filter(pk=id), {"name": said + "!"}), UUID)
    assert renamed(other.pk) == 1
    other.refresh_from_db()
    assert other.name == said + "!"
