"""A compiled query gives what Django's own does, for each of its values and in each thread."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from accounts.db.compiled import Compiled
from accounts.models import Organization, Role, User
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
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite reads and plans a statement in no time")
def test_postgresql_keeps_the_plan_of_what_comes_again() -> None:
    for version in range(5):
        MEMBERS(uuid4(), version)
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [row[0] for row in cursor.fetchall()]
    assert len([each for each in kept if "accounts_membership" in each and '"token_version" = $2' in each]) == 1
