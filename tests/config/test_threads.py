"""Requests work in threads that are used again."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config import threads
from config.threads import RequestThread
from tests.live import Server
from tests.streams import client

WAIT_S = 10


@pytest.fixture(autouse=True)
def nobody_idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(threads, "_idle", [])
    yield
    for idle in threads._idle:
        idle.shutdown()


def test_the_next_request_has_the_thread_of_the_one_before() -> None:
    first = RequestThread()
    assert not first.is_used
    name = first.submit(threading.get_ident).result(WAIT_S)
    assert first.is_used and first.submit(threading.get_ident).result(WAIT_S) == name
    first.leave()
    second = RequestThread()
    assert second.submit(threading.get_ident).result(WAIT_S) == name


def test_two_at_once_have_two_threads_and_no_more_than_db_threads_are_kept() -> None:
    open_now = [RequestThread() for _ in range(settings.DB_THREADS + 2)]
    names = {each.submit(threading.get_ident).result(WAIT_S) for each in open_now}
    assert len(names) == len(open_now)
    for each in open_now:
        each.leave()
    assert len(threads._idle) == settings.DB_THREADS


def test_a_thread_that_is_not_done_is_nobody_elses() -> None:
    left, goes_on = RequestThread(), threading.Event()
    left.submit(goes_on.wait, WAIT_S)
    left.leave()
    assert threads._idle == []
    goes_on.set()


def test_one_that_was_never_used_leaves_nothing() -> None:
    RequestThread().leave()
    assert threads._idle == []


def test_twenty_requests_in_turn_need_few_threads(new_server: Callable[..., Server]) -> None:
    server = new_server().start()
    alice = client(server)
    chat = alice.chat()
    newest = set()
    for _ in range(20):
        assert server.call("GET", f"/api/chats/{chat}/", token=alice.token).status == 200
        newest.add(_newest_thread(server))
    assert len(newest) <= settings.DB_THREADS + 4, "requests have begun threads of their own"  # the process has others


def _newest_thread(server: Server) -> int:
    """The highest id among its process's threads: the kernel counts up."""
    assert server.process is not None
    return max(int(each.name) for each in Path(f"/proc/{server.process.pid}/task").iterdir())
