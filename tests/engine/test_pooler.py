"""Parley behind a pooler that hands each transaction another session of PostgreSQL: docs/scale.md."""

import os
import signal
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import environment
from tests.engine.test_run_agents import agents
from tests.live import Server
from tests.pooler import Pooler, pooled
from tests.servers import BEHIND, SESSIONS
from tests.streams import client, key, text_of
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]
pytestmark = pytest.mark.skipif(environment.profile() != "scaled", reason="it needs PostgreSQL: see the scaled profile")

MANY = 2_500  # rows: more than Django fetches at a time


@pytest.fixture
def behind(new_server: NewServer) -> Iterator[tuple[Server, Pooler]]:
    """A server whose database was made directly, and which asks it through a pooler of three sessions."""
    server = new_server(CHAT_RUN_HERE="off", **BEHIND).prepare()
    with pooled(server.settings["DATABASE_URL"], sessions=3) as (through, pooler):
        server.settings["DATABASE_URL"] = through
        yield server, pooler
        server.close()


@pytest.fixture
def direct(new_server: NewServer) -> Iterator[str]:
    """A database through a pooler of two sessions, for sessions of the test's own."""
    server = new_server().prepare()
    with pooled(server.settings["DATABASE_URL"], sessions=2) as (through, _):
        yield through.replace("postgres://", "postgresql://", 1)


def test_runs_of_agents_processes_are_read_whole_at_a_web_process(
    behind: tuple[Server, Pooler], upstream: Upstream
) -> None:
    server, pooler = behind
    server.start_process()
    alice, mark = client(server), key()
    upstream.script(*(Turn(n=60, delay_ms=10) for _ in range(4)), key=mark)
    process = agents(server)
    try:
        for chat in [alice.chat() for _ in range(4)]:
            with alice.events(alice.start(chat, f"[[key={mark}]] go")["run"]["id"]) as stream:
                said = text_of(stream.frames())
            assert said == alice.answer(chat)["content"] == "".join(f"{number} " for number in range(60))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert pooler.transactions > 50
    assert "InvalidSqlStatementName" not in server.log() and "InvalidCursorName" not in server.log()


def test_long_results_and_maintenance_come_through_it(behind: tuple[Server, Pooler]) -> None:
    server, _ = behind
    fill = (
        "from chat.models import Chat, Message; from accounts.models import User; c = Chat.objects.first();"
        f"Message.objects.bulk_create([Message(chat=c, position=100 + n, role='user') for n in range({MANY})]);"
        f"print('found', sum(1 for _ in Message.objects.filter(chat=c, position__gte=100).iterator(chunk_size=100)))"
    )
    assert f"found {MANY}" in server.manage("shell", "-c", fill).stdout
    for command in (("cleanup_sessions",), ("check_consistency",), ("check_log",), ("chores", "--run")):
        server.manage(*command)


def test_with_cursors_of_the_server_they_do_not(behind: tuple[Server, Pooler]) -> None:
    server, _ = behind
    fill = "from chat.models import Chat; print(len(list(Chat.objects.iterator(chunk_size=1))))"
    done = server.manage("shell", "-c", fill, check=False, DB_SERVER_CURSORS="on")
    assert done.returncode != 0 and "cursor" in done.stdout


def test_this_pooler_takes_a_session_s_state_away(direct: str) -> None:
    with psycopg.connect(direct, autocommit=True, prepare_threshold=0) as session:
        session.execute("SET lock_timeout = '7s'", prepare=False)
        found = {session.execute("SHOW lock_timeout", prepare=False).fetchone() for _ in range(2)}
        assert found == {("7s",), ("0",)}
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            for _ in range(2):
                session.execute("SELECT %s::int", [1])


def test_this_pooler_refuses_options_of_a_session(direct: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(direct, options="-c lock_timeout=1s")


@pytest.mark.skipif(not environment.is_pooled(), reason="it is about make pooled")
def test_with_pgbouncer_servers_share_its_few_sessions(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server().start()
    assert urlsplit(server.environ()["DATABASE_URL"]).netloc == urlsplit(os.environ["TEST_POOLER_URL"]).netloc
    alice, mark = client(server), key()
    upstream.script(*(Turn(n=60, delay_ms=10) for _ in range(8)), key=mark)
    runs = [alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"] for _ in range(8)]
    with psycopg.connect(server.settings["DATABASE_URL"].replace("postgres://", "postgresql://")) as direct:
        told = direct.execute("SHOW idle_in_transaction_session_timeout").fetchone()
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        (sessions,) = direct.execute(others).fetchone() or (0,)
    assert told == ("10s",) and 1 <= sessions <= SESSIONS
    assert [alice.wait(run)["status"] for run in runs] == ["succeeded"] * 8
