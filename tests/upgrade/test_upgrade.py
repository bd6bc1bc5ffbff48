"""A database of an earlier version goes on with this one: every row as before, every run to its end, nobody refused."""

import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import environment
from tests.deploy.holding import Held, Holder
from tests.deploy.load import LONG, SHORT, Load, whole
from tests.live import Server, first
from tests.streams import Client, client
from tests.upgrade.answers import answers, asked_again, lost
from tests.upgrade.dumps import DUMPS, KEPT_BY_MIGRATE, Rows, load, rows, said_of, schema
from tests.upgrade.earlier import Earlier, no_history
from tests.upstream import Upstream

pytestmark = pytest.mark.live
# Of the oldest in every run of the tests, of the others in the long one.
EACH = [pytest.param(commit, marks=pytest.mark.faults if number else ()) for number, commit in enumerate(DUMPS)]
# The model is the tests' own, clean-up would take what has expired since the dump was made, and drains are short.
SETTINGS = {"OPENAI_API_KEY": "none", "CLEANUP_EVERY_S": "0", "CHAT_DRAIN_S": "1", "TOOLS_ASK_FIRST": "list_files"}
# In the table of whoever migrated with the commit before: the default was written into a migration that was there.
KNOWN_TO_DIFFER = "reserved_tokens"


@pytest.fixture
def data(upstream: Upstream) -> Iterator[Server]:
    """A server whose database is still empty."""
    server = Server(OPENAI_BASE_URL=upstream.url, **SETTINGS)
    yield server
    server.close()


@pytest.fixture
def holder() -> Iterator[Holder]:
    holder = Holder()
    yield holder
    holder.close()


@pytest.mark.parametrize("commit", EACH)
def test_a_dump_is_migrated_and_goes_on(commit: str, data: Server) -> None:
    migrate_and_go_on(commit, data)


@pytest.mark.skipif(environment.profile() != "scaled", reason="with SQLite nobody else is there")
def test_who_holds_a_table_is_let_go_first(data: Server) -> None:
    """`migrate` waits behind nobody for long, as all others would wait behind it; it tries until it gets its turn."""
    load(data, DUMPS[0])  # of the newest nothing may be left to migrate
    assert "[ ]" in data.quickly("showmigrations", "--plan")
    with psycopg.connect(data.settings["DATABASE_URL"]) as holder:
        holder.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        threading.Timer(2, holder.commit).start()
        told = data.quickly("migrate", "--no-input")
    assert "a table is in use: this migration was undone and is tried again." in told
    assert "[ ]" not in data.quickly("showmigrations", "--plan")


def migrate_and_go_on(commit: str, data: Server) -> None:
    """Every row is kept, the tables are those of a new installation, all is answered as before, and runs end."""
    load(data, commit)
    before = rows(data)
    data.quickly("migrate", "--no-input")
    assert missing(before, rows(data, {table: names for table, (names, _) in before.items()})) == []
    assert [line for line in sorted(schema(data) ^ schema(first())) if KNOWN_TO_DIFFER not in line] == []
    data.start_process()
    person, said = client(data), said_of(commit)
    assert list(lost(said["answers"], answers(person, said["key"]))) == []
    goes_on(said, person)
    assert ", 0 with something wrong." in data.quickly("check_log")


def missing(before: Rows, after: Rows) -> list[str]:
    """Rows that are not as they were, and those that came from nowhere."""
    gone = [f"{table}: {row}" for table, (_, old) in before.items() for row in old if row not in after[table][1]]
    more = [table for table, (_, new) in after.items() if len(new) > len(before[table][1])]
    return gone + [table for table in more if table not in KEPT_BY_MIGRATE]


def goes_on(said: dict[str, Any], person: Client) -> None:
    """What the dump left open is taken up and ends, and people say more."""
    take_up(said, person)
    run = person.start(said["chat"], "Once more [[n=3]]")["run"]["id"]
    assert person.wait(run)["status"] == "succeeded" and person.answer(said["chat"])["content"] == whole(3)


def take_up(said: dict[str, Any], person: Client) -> None:
    """Decide what the waiting run waits for: it ends, and so does the one behind it."""
    with person.events(said["waiting"]) as stream:
        (asked,) = stream.until("approval.requested")[-1:]
    person.post(f"/api/runs/{said['waiting']}/approvals/{asked.json['call']}", {"decision": "allow"})
    ended = [person.wait(said[name])["status"] for name in ("waiting", "queued")]
    assert ended == ["succeeded", "succeeded"]


@pytest.mark.faults
@pytest.mark.parametrize("commit", DUMPS)
def test_an_earlier_version_serves_until_this_one_does(
    commit: str, data: Server, holder: Holder, upstream: Upstream
) -> None:
    """With PostgreSQL it serves on while its tables are migrated, then beside this one; SQLite is for one process, so
    there requests wait in the socket."""
    if reason := no_history():
        warnings.warn(f"No earlier version serves here, as {reason}: the dump alone is migrated.", stacklevel=1)
        return migrate_and_go_on(commit, data)
    own = {**SETTINGS, "OPENAI_BASE_URL": upstream.url}
    old = Earlier(**own).of(commit).hold(holder)
    new = Held(
        old.data, **{**own, "DATABASE_URL": old.settings["DATABASE_URL"]} if "DATABASE_URL" in old.settings else own
    )
    new.hold(holder)
    try:
        change_over(commit, old, new)
    finally:
        new.close()
        old.close()


def change_over(commit: str, old: Earlier, new: Held) -> None:
    load(old, commit)
    old.start_process()
    person, said = client(old), said_of(commit)
    assert list(lost(said["answers"], answers(person, said["key"]))) == []
    known = {each["id"] for each in all_runs(person)}
    with Load(person, submitters=1, keepers=1, readers=2) as work:
        time.sleep(2)
        (at_once if environment.profile() == "scaled" else in_turn)(old, new)
        time.sleep(2)
    check(work, person, known, old.log())
    person = Client(new, person.token)
    assert list(lost(said["answers"], asked_again(said["answers"], person))) == []
    goes_on(said, person)
    assert ", 0 with something wrong." in new.manage("check_log").stdout
    assert "Traceback" not in old.log() + new.log()


def at_once(old: Server, new: Server) -> None:
    """The old version serves until the new one does."""
    new.manage("migrate", "--no-input")
    time.sleep(2)
    new.start_process()
    time.sleep(1)
    old.stop()


def in_turn(old: Server, new: Server) -> None:
    """One after the other."""
    old.stop()
    new.manage("migrate", "--no-input")
    new.start_process()


def check(work: Load, person: Client, known: set[str], log: str) -> None:
    """Nothing failed, and each submit that was answered has its run, which ended once, with the whole answer."""
    assert (work.failed, work.differ) == ([], []), log[-5000:]
    assert len(work.acked) == len(set(work.acked)) > 3
    end = time.monotonic() + 60
    while any(not each["ended_at"] for each in made(person, known)) and time.monotonic() < end:
        time.sleep(0.5)
    runs = made(person, known)
    assert {each["id"] for each in runs} == set(work.acked)
    assert Counter(each["status"] for each in runs) == {"succeeded": len(runs)}
    for each in runs:
        assert person.get(f"/api/messages/{each['message']}/")["content"] in (whole(SHORT), whole(LONG))
    print(f"{work.requests} requests, {len(runs)} runs, {work.resumed} resumed: 0 failed, 0 lost", end=" ")


def made(person: Client, known: set[str]) -> list[dict[str, Any]]:
    """The runs that the load made."""
    return [each for each in all_runs(person) if each["id"] not in known]


def all_runs(person: Client) -> list[dict[str, Any]]:
    """All of the person's runs."""
    found: list[dict[str, Any]] = []
    path = "/api/runs/?page_size=200"
    while path:
        page = person.get(path)
        found += page["results"]
        path = page["next"] or ""
        path = path[path.index("/api/") :] if path else ""
    return found
