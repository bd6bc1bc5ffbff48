"""How many statements what is asked most often costs: so many, whatever the size of the chat or the list."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.db import compiled
from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from agents import events as ev
from agents.usage import Usage
from chat.bus.bell import PROCESS
from chat.doors.native import views as native
from chat.eventlog import Logged, stored
from chat.eventlog.projection import fold
from chat.models import Budget, Chat, Message, MessageRole, Run, RunStatus
from chat.models.facts import facts_of
from chat.runner import offering, older, runner
from chat.runner.ending import Ending, last_events, store_ending
from tests.chat.rows import answer

LONG = 10_000  # messages; far more than the model is shown
# END: one is for webhooks that hear of it.
BUDGETED = 1, 2  # what any number of budgets adds to these: what is reserved; and the rows locked, and used
START, KEYED, HISTORY, END = 10, 14, 1, 8  # START: one is for the rules of tools, which are asked for once in 5 s
PAGE_OF_MESSAGES, PAGE_OF_CHATS = 5, 2  # one is for what people said of them


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, without the borders of transactions."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as told:
        yield statements
    statements += [each["sql"] for each in told if not each["sql"].startswith(("BEGIN", "COMMIT", "ROLLBACK"))]


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are claimed as in a process that serves, and nobody executes them.

    Whether older processes are up is asked once in a while, whatever is started.
    """
    monkeypatch.setattr(runner, "owner_here", lambda: PROCESS)
    monkeypatch.setattr(older, "are_up", lambda: False)


def start(user: User, chat: Chat, **headers: str) -> None:
    """What the view of `POST /api/chats/{id}/runs` does with its request, in the thread that does it."""
    request = RequestFactory().post(
        f"/api/chats/{chat.pk}/runs",
        json.dumps({"content": "Hello", "stream": True}),
        content_type="application/json",
        headers={"authorization": f"Bearer {AccessToken.of(user)}", **headers},
    )
    native._start(request, chat.pk)


def ending_of(chat: Chat) -> Ending:
    """The end of the chat's open run, as its process would store it."""
    run = Run.objects.select_related("chat").get(chat=chat, status=RunStatus.RUNNING)
    entries = stored(run.pk)
    said = [
        ev.TurnStarted(at=time.time(), turn=1, model=run.model),
        ev.TextDelta(at=time.time(), text="Hello."),
        ev.ReplyCompleted(at=time.time(), turn=1, finish_reason="stop", usage=Usage(10, 0, 5)),
    ]
    folded = fold([*(each.event for each in entries), *said])
    last = last_events(
        folded, run.message_id, lambda usage: ev.RunCompleted(at=time.time(), reason="stop", usage=usage)
    )
    log = [Logged(1, seq, event) for seq, event in enumerate([*said, *last], entries[-1].seq + 1)]
    return Ending(facts_of(run), 1, folded, log, claims_next=True)


def fill(chat: Chat, user: User, length: int) -> None:
    """Make the chat so many messages long."""
    chat.refresh_from_db()
    first = chat.position + 1
    rows = [
        Message(chat=chat, position=position, role=MessageRole.USER, author=user, content="Hello")
        for position in range(first, length + 1)
    ]
    for before, row in pairwise(rows):
        row.parent_id = before.pk
    rows[0].parent_id = chat.leaf_id
    Message.objects.bulk_create(rows, batch_size=2000)
    Chat.objects.filter(pk=chat.pk).update(position=length, leaf=rows[-1])


@contextmanager
def reading() -> Iterator[list[int]]:
    """How many rows each of the block's compiled queries gives: the others give one or none."""
    counts: list[int] = []
    rows = compiled._Shape.rows

    def read(self: Any, values: Any) -> Any:
        found = rows(self, values)
        counts.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled._Shape, "rows", read)
        yield counts


@pytest.mark.django_db(transaction=True)
def test_to_start_and_end_a_run_costs_the_same_in_a_long_chat(
    chat: Chat, alice: User, claims: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offering, "KEPT_S", 600.0)  # the rules of tools are asked for once, however long it takes
    rows: list[tuple[int, int, int]] = []
    start(alice, chat)
    store_ending(ending_of(chat))  # the first of the day also makes the day's row
    for length in (200, LONG):
        fill(chat, alice, length)
        with counted() as told, reading() as read:
            start(alice, chat)
        ending = ending_of(chat)
        with counted() as ended:
            store_ending(ending)
        rows.append((len(told), len(ended), sum(read)))
    assert rows[0] == rows[1], "it depends on how long the chat is"
    assert rows[0][0] <= START + HISTORY, told
    assert rows[0][1] <= END, ended


@pytest.mark.django_db(transaction=True)
def test_to_start_and_end_a_run_costs_the_same_with_any_number_of_budgets(
    chat: Chat, alice: User, claims: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offering, "KEPT_S", 600.0)
    rows: list[tuple[int, int]] = []
    start(alice, chat)
    store_ending(ending_of(chat))
    for whose in ({}, {"project": chat.project}, {"user": alice}, {"user": alice, "unit": "tokens"}):
        if rows:
            Budget.objects.create(
                inside=chat.organization, **{"amount": 10**12, "at_end": "warn", "unit": "money"} | whose
            )
            start(alice, chat)
            store_ending(ending_of(chat))  # the first of a period also begins it
        with counted() as told:
            start(alice, chat)
        ending = ending_of(chat)
        with counted() as ended:
            store_ending(ending)
        rows.append((len(told), len(ended)))
    without, *others = rows
    assert set(others) == {(without[0] + BUDGETED[0], without[1] + BUDGETED[1])}, rows


@pytest.mark.django_db(transaction=True)
def test_an_idempotency_key_costs_three_statements(chat: Chat, alice: User, claims: None) -> None:
    with counted() as told:
        start(alice, chat, **{"idempotency-key": "one"})
    assert len(told) <= KEYED, told
    with counted() as again:
        start(alice, chat, **{"idempotency-key": "one"})
    assert Run.objects.count() == 1
    assert len(again) < len(told)


@pytest.mark.django_db
def test_a_page_of_messages_and_of_chats_costs_the_same_at_any_size(
    chat: Chat, alice: User, api: Callable[[User], APIClient]
) -> None:
    for _ in range(60):
        answer(chat, alice)
    for number in range(30):
        Chat.objects.create(organization=chat.organization, user=alice, title=str(number), model=chat.model)
    pages = {f"/api/chats/{chat.pk}/messages/": PAGE_OF_MESSAGES, "/api/chats/": PAGE_OF_CHATS}
    client = api(alice)
    for path, most in pages.items():
        client.get(path)
        costs = []
        for size in (2, 100):
            with counted() as told:
                page = client.get(path, {"page_size": size}).json()["results"]
            costs.append(len(told))
            assert len(page) >= min(size, 30)
        assert costs[0] == costs[1] <= most, (path, costs)
