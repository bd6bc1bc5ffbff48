"""Leases are renewed while commits go on: both lock the runs of a process, in one order."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from accounts.models import User
from chat.bus.bell import PROCESS
from chat.models import Chat, Run, RunStatus
from chat.runner import lease
from tests.chat.rows import answer

WAIT_S = 10.0


def run_of_mine(id: int, chat: Chat, user: User) -> UUID:
    """A run that this process holds, with that id, in a chat of its own."""
    own = Chat.objects.create(organization=chat.organization, user=user, title="Own", model="m", archetype="generalist")
    made = answer(own, user, RunStatus.RUNNING)
    made.events.all().delete()
    made.tool_calls.all().delete()
    Run.objects.filter(pk=made.pk).update(id=UUID(int=id), owner=PROCESS)
    return UUID(int=id)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_leases_are_renewed_in_the_order_in_which_commits_lock_their_runs(chat: Chat, alice: User) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite locks no rows")
    last, first = run_of_mine(2, chat, alice), run_of_mine(1, chat, alice)  # as they lie, the last comes first

    def renew() -> set[UUID]:
        try:
            return lease.renew([first, last])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Run.objects.select_for_update(no_key=True).get(pk=first)
            renewing = pool.submit(renew)
            end = time.monotonic() + WAIT_S
            while not somebody_waits() and time.monotonic() < end:
                time.sleep(0.01)
            assert somebody_waits()
            Run.objects.select_for_update(no_key=True, nowait=True).get(pk=last)  # which it must not hold by now
        assert renewing.result(WAIT_S) == {first, last}
