"""The chain: sealed by one, afterwards, without gaps; kept by the database; and what was done to it is found."""

import io
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product
from django.core.management import CommandError, call_command
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import pruning, sealing, triggers
from accounts.audit.canonical import hash_of, link_of, shape_of
from accounts.audit.models import INSTALLATION, NO_CHAIN, AuditChain, AuditEntry, new_id
from accounts.audit.reading import COLUMNS, entries_of, line_of, pieces
from accounts.models import Organization, User
from accounts.origin import Origin, as_of
from chat.ops.chores.table import CHORES
from tests import environment
from tests.live import Server

WRITERS, EACH = 20, 10


def write(organization_id: uuid.UUID | None, count: int = 1, **more: Any) -> None:
    for _ in range(count):
        audit.record("chat.shared", actor=audit.SYSTEM, organization_id=organization_id, **more)


def seal_all() -> None:
    while sealing.seal():
        pass


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def numbers(organization_id: uuid.UUID | None) -> list[int | None]:
    return list(entries_of(organization_id).order_by("seq").values_list("seq", flat=True))


def verified(*arguments: str) -> str:
    """What the command says; its last line says whether it fails."""
    told = io.StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=told)
    except CommandError as error:
        told.write(f"FAILED: {error}")
    return told.getvalue()


@pytest.mark.django_db(transaction=True)
def test_twenty_writers_at_once_leave_contiguous_chains() -> None:
    """Beside a sealer that works all the time, and entries of two organizations and of none."""
    places = [uuid.uuid4(), uuid.uuid4(), None]
    gate, over = threading.Barrier(WRITERS + 1), threading.Event()

    def writer(number: int) -> None:
        gate.wait()
        for turn in range(EACH):
            with transaction.atomic():
                write(places[(number + turn) % 3])
                time.sleep(random.random() / 200)  # so that they commit in another order than they began in
        connection.close()

    def sealer() -> None:
        gate.wait()
        while not over.is_set():
            sealing.seal()
        connection.close()

    threads = [threading.Thread(target=writer, args=[number]) for number in range(WRITERS)]
    helper = threading.Thread(target=sealer)
    for each in (*threads, helper):
        each.start()
    for each in threads:
        each.join()
    over.set()
    helper.join()
    seal_all()
    counts = [len(numbers(place)) for place in places]
    assert sum(counts) == WRITERS * EACH
    for place, count in zip(places, counts, strict=True):
        assert numbers(place) == list(range(1, count + 1))
    assert "wrong" not in verified() and verified().count("it holds") == 3


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_give_no_number_twice() -> None:
    write(None, 200)
    gate = threading.Barrier(4)

    def sealer() -> None:
        gate.wait()
        seal_all()
        connection.close()

    threads = [threading.Thread(target=sealer) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert numbers(None) == list(range(1, 201))
    assert "it holds" in verified()


WRITE = """
from accounts import audit
for _ in range(50):
    audit.record("chat.deleted", actor=audit.SYSTEM, organization_id=None)
"""
SEAL_AND_HOLD = """
import time
from django.db import transaction
from accounts.audit import sealing
with transaction.atomic():
    print(sealing.seal(), flush=True)
    time.sleep(60)
"""


@pytest.mark.live
def test_a_sealer_that_is_killed_has_sealed_nothing_and_the_next_seals_all() -> None:
    server = Server()
    try:
        server.quickly("quickstart")
        before = server.quickly("verify_audit")
        server.quickly("shell", "-c", WRITE)
        sealer = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-c", SEAL_AND_HOLD],
            cwd=environment.ROOT, env=server.environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with sealer:
            assert sealer.stdout is not None
            sealed = int(next(line for line in sealer.stdout if line.strip().isdecimal()))
            sealer.send_signal(signal.SIGKILL)
        assert sealed >= 50 and server.quickly("verify_audit") == before
        server.quickly("chores", "--run", "sealing")
        assert re.search(r"installation: (\d+) entries up to \1:\w{64}, it holds", server.quickly("verify_audit"))
    finally:
        server.close()


@pytest.mark.django_db
def test_the_database_refuses_changes_and_deletions_by_sql() -> None:
    write(None, 2)
    seal_all()
    write(None)
    table = AuditEntry._meta.db_table
    statements = [
        *(f"UPDATE {table} SET {name} = 'x'" for name in ("action", "outcome", "ip", "object_id", "hash", "chain")),
        f"UPDATE {table} SET seq = seq + 10 WHERE seq IS NOT NULL",
        f"UPDATE {table} SET seq = NULL, chain = NULL WHERE seq IS NOT NULL",
        f"UPDATE {table} SET seq = 3, chain = 'x', action = 'y' WHERE seq IS NULL",
        f"UPDATE {table} SET seq = 3 WHERE seq IS NULL",
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE seq = 1",
        f"DELETE FROM {table} WHERE seq IS NULL",
    ]
    for each in statements:
        with pytest.raises(IntegrityError, match="audit log is never"), transaction.atomic():
            execute(each)
    for queryset in (AuditEntry.objects.all(), AuditEntry.objects.filter(seq=2)):
        with pytest.raises(IntegrityError), transaction.atomic():
            queryset.delete()
    assert AuditEntry.objects.count() == 3 and "it holds" in verified()


@pytest.mark.django_db(transaction=True)
def test_a_flush_empties_the_log_and_leaves_the_triggers() -> None:
    """Tests of own apps empty their database so."""
    write(None)
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), [triggers.TABLE]))  # as manage.py flush does
    assert not AuditEntry.objects.exists()
    write(None)
    with pytest.raises(IntegrityError, match="audit log is never"), transaction.atomic():
        AuditEntry.objects.all().delete()


@pytest.mark.django_db
def test_the_hash_is_the_same_before_and_after_the_database_and_in_the_export() -> None:
    """With all that the two databases and JSON might say in another way."""
    told = {"call": "ä\u2028\x00\ud800\N{GRINNING FACE}", "tool": "x" * 500, "status": None}
    with as_of(Origin("2001:db8:1:2::3", "req-1")):
        audit.record(
            "tool.effect", actor=audit.operator(), organization_id=uuid.uuid4(), object_type="run", object_id=2**60,
            detail=told,
        )  # fmt: skip
    write(None)
    entry = AuditEntry.objects.get(action="tool.effect")
    assert entry.detail["call"] == "ä???\N{GRINNING FACE}" and len(entry.detail["tool"]) == 200
    seal_all()
    for row in AuditEntry.objects.values(*COLUMNS):
        assert hash_of(shape_of(row)) == row["hash"]
        exported = json.loads(line_of(next(pieces(AuditEntry.objects.filter(pk=row["id"])))))
        assert hash_of({name: exported[name] for name in shape_of(row)}) == row["hash"]
        assert row["chain"] == link_of(NO_CHAIN, 1, row["hash"])


def test_the_two_hashes_are_those_that_the_docs_name() -> None:
    """A change here breaks every chain that is there: other programs verify it too."""
    shape = {
        "id": "00000000-0000-0000-0000-000000000001", "at": "2026-01-02T03:04:05.000006Z", "organization": None,
        "actor_kind": "system", "actor": None, "action": "chat.deleted", "object_type": "chat", "object_id": "ä",
        "outcome": "ok", "ip": "", "request_id": "", "detail": {"b": 1, "a": [True, None]},
    }  # fmt: skip
    hash = "3205ea8a5a143cb02950e53d1893b5f74c2253d2c74631ab9b4334699f0cb47f"
    assert hash_of(shape) == hash_of(dict(reversed(shape.items()))) == hash
    assert link_of(NO_CHAIN, 1, hash) == "85086dd462a9a26cdf38cc61899dda0f2b85b6b4cacd44f70327f832981cb154"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("detail", "told"),
    [({"name": "x"}, "no such detail"), ({"status": 0.5}, "no value"), ({"call": {"a": 1}}, "no value"),
     ({"tool": ["x" * 200] * 30}, "larger than")],
)  # fmt: skip
def test_what_is_in_no_list_is_refused(detail: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        audit.record("tool.effect", actor=audit.SYSTEM, organization_id=None, detail=detail)
    with pytest.raises(KeyError):
        audit.record("tool.affect", actor=audit.SYSTEM, organization_id=None)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("address", "short", "full"),
    [("192.0.2.77", "192.0.2.0/24", "192.0.2.77"), ("::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77"),
     ("2001:db8:1:2::3", "2001:db8:1::/48", "2001:db8:1:2::3"), ("fe80::1%eth0", "fe80::/48", "fe80::1"),
     ("", "", ""), ("unix:", "", "")],
)  # fmt: skip
def test_an_address_is_kept_as_the_installation_says(address: str, short: str, full: str, settings: Any) -> None:
    for how, kept in (("short", short), ("full", full), ("none", "")):
        settings.AUDIT_IP = how
        assert Origin(address).ip == kept


def test_ids_sort_by_the_time_of_their_making() -> None:
    made = [new_id(lambda tick=tick: 1_700_000_000_000_000_000 + tick * 1_000_000) for tick in range(50)]
    assert made == sorted(made) and {each.version for each in made} == {7} and len(set(made)) == 50


# --- What was done to a chain is found and named ----------------------------------------------------------------------


@pytest.fixture
def lines(db: None) -> list[str]:
    """An export of nine entries."""
    place = uuid.uuid4()
    write(place, 9, object_type="chat", object_id="1")
    seal_all()
    return [line_of(entry) for entry in pieces(entries_of(place))]


def flipped(line: str) -> str:
    """One bit of the entry is another: object 1 is object 0."""
    return line.replace('"object_id":"1"', '"object_id":"0"')


def forged(line: str) -> str:
    """The same by somebody who knows how the hash is made."""
    entry = json.loads(flipped(line))
    entry["hash"] = hash_of({name: entry[name] for name in shape_of_names()})
    return line_of(entry)


def shape_of_names() -> tuple[str, ...]:
    return COLUMNS[:-3]


def renumbered(lines: list[str], a: int, b: int) -> list[str]:
    """Two entries have each other's place, number and chain included."""
    one, other = json.loads(lines[a]), json.loads(lines[b])
    for name in ("seq", "chain"):
        one[name], other[name] = other[name], one[name]
    return [*lines[:a], line_of(other), *lines[a + 1 : b], line_of(one), *lines[b + 1 :]]


DONE: list[tuple[str, Callable[[list[str]], list[str]], list[str]]] = [
    ("nothing", lambda lines: lines, []),
    ("one bit", lambda lines: [*lines[:3], flipped(lines[3]), *lines[4:]], ["entry 4 was changed"]),
    ("one bit, and its hash", lambda lines: [*lines[:3], forged(lines[3]), *lines[4:]], ["entry 4 does not follow"]),
    ("one removed", lambda lines: [*lines[:3], *lines[4:]], ["entry 4 is missing"]),
    ("three removed", lambda lines: [*lines[:3], *lines[6:]], ["entries 4 to 6 are missing"]),
    (
        "two swapped",
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        ["entry 4 stands in another's place, behind entry 5"],
    ),
    (
        "two far ones swapped",
        lambda lines: [*lines[:2], lines[6], *lines[3:6], lines[2], *lines[7:]],
        ["entry 3 stands in another's place", "entry 4 stands in another's place"],
    ),
    (
        "two swapped with their numbers",
        lambda lines: renumbered(lines, 2, 5),
        ["entry 3 does not follow", "entry 6 does not follow"],
    ),
    ("one twice", lambda lines: [*lines[:4], lines[3], *lines[4:]], ["entry 4 is there twice"]),
    ("no entry", lambda lines: [*lines[:4], "{}", *lines[4:]], ["line 5 is no entry"]),
    ("another's", lambda lines: [*lines, lines[0].replace('"organization":"', '"organization":"x')], ["line 10 is of"]),
    ("the beginning cut off", lambda lines: lines[4:], []),  # an export may be a part
]


@pytest.mark.parametrize(("done", "found"), [each[1:] for each in DONE], ids=[each[0] for each in DONE])
def test_what_was_done_to_an_export_is_named(
    lines: list[str], tmp_path: Path, done: Callable[[list[str]], list[str]], found: list[str]
) -> None:
    told = in_file(tmp_path, done(lines))
    named = [
        line.partition(": ")[2] for line in told.splitlines() if "entries up to" not in line and "FAILED" not in line
    ]
    named = [f"entry {each.split(' ')[1]} {each.partition(') ')[2]}" if "(" in each else each for each in named]
    for each in found:
        assert any(line.startswith(each) for line in named), told
    assert ("FAILED" in told) == bool(found) == bool(named)


def test_every_bit_counts(lines: list[str], tmp_path: Path) -> None:
    whole = "".join(f"{line}\n" for line in lines).encode()
    choose, file = random.Random(7), tmp_path / "export.jsonl"
    for _ in range(300):
        place, bit = choose.randrange(len(whole) - 1), choose.randrange(8)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
        assert "FAILED" in verified("--file", str(file)), (place, bit)
    for odd in (lines[0].replace('"detail":{}', '"detail":{"a":NaN}'), lines[0].replace('"ip":""', '"ip":"\\ud800"')):
        assert "entry 1 " in in_file(tmp_path, [odd]) and "FAILED" in in_file(tmp_path, [odd])


def in_file(folder: Path, lines: list[str], *arguments: str) -> str:
    file = folder / "export.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines))
    return verified("--file", str(file), *arguments)


def test_only_an_anchor_finds_an_end_that_was_cut_off_and_a_chain_that_was_written_anew(
    lines: list[str], tmp_path: Path
) -> None:
    last = json.loads(lines[-1])
    anchor = f"{last['seq']}:{last['chain']}"
    assert "it holds" in in_file(tmp_path, lines, "--anchor", anchor)
    assert "it holds" in in_file(tmp_path, lines[:-1])  # nobody can tell
    assert "entry 9, which was anchored, is not there" in in_file(tmp_path, lines[:-1], "--anchor", anchor)
    anew, link = [], NO_CHAIN
    for line in [*lines[:3], forged(lines[3]), *lines[4:]]:
        entry = json.loads(line)
        entry["chain"] = link = link_of(link, entry["seq"], entry["hash"])
        anew.append(line_of(entry))
    assert "it holds" in in_file(tmp_path, anew)
    assert "is not the one that was anchored" in in_file(tmp_path, anew, "--anchor", anchor)
    for bad in ("9", "x:" + "0" * 64, "9:abc"):
        with pytest.raises(CommandError, match="anchor"):
            call_command("verify_audit", "--file", "x", "--anchor", bad)


@pytest.mark.django_db(transaction=True)
def test_what_was_done_to_the_tables_is_named() -> None:
    """By somebody who has switched the triggers off."""
    write(None, 9)
    seal_all()
    table = AuditEntry._meta.db_table
    sql = {
        f"UPDATE {table} SET outcome = 'failed' WHERE seq = 4": "entry 4",
        f"DELETE FROM {table} WHERE seq = 6": "entry 6 is missing",
        f"DELETE FROM {table} WHERE seq = 9": "entry 9 is missing",
        "UPDATE accounts_auditchain SET seq = 8": "",
    }
    triggers.remove(connection)
    try:
        for statement, told in sql.items():
            execute(statement)
            assert told in verified() and "FAILED" in verified()
    finally:
        triggers.install(connection)


# --- Letting go -------------------------------------------------------------------------------------------------------


def old(organization_id: uuid.UUID | None, count: int, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    then = timezone.now() - timedelta(days=days)
    monkeypatch.setattr("accounts.audit.recording.timezone.now", lambda: then)
    write(organization_id, count)
    monkeypatch.undo()


@pytest.mark.django_db
def test_old_entries_go_and_the_chain_holds_from_there(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    place = uuid.uuid4()
    for whose in (place, None):
        old(whose, 5, 401, monkeypatch)
        seal_all()
        old(whose, 2, 399, monkeypatch)
        write(whose, 3)
    old(place, 1, 500, monkeypatch)  # it is not sealed yet, so it stays
    settings.AUDIT_KEEP_DAYS = 0
    assert list(pruning.prune()) == []
    settings.AUDIT_KEEP_DAYS = 400
    monkeypatch.setattr(pruning, "BATCH", 2)
    assert sorted(pruning.prune()) == [1, 1, 2, 2, 2, 2]
    seal_all()
    assert numbers(None) == [6, 7, 8, 9, 10] and numbers(place) == [6, 7, 8, 9, 10, 11]
    chain = AuditChain.objects.get(pk=place)
    assert (chain.pruned_seq, chain.seq) == (5, 11) and chain.pruned_chain != NO_CHAIN
    assert verified().count("it holds") == 2
    assert list(pruning.prune()) == []
    exported = [line_of(entry) for entry in pieces(entries_of(place))]
    assert "it holds" in in_file(tmp_path, exported)


@pytest.mark.django_db
def test_ends_are_told_once_to_a_log_that_is_heard_at_every_level(caplog: pytest.LogCaptureFixture) -> None:
    place = uuid.uuid4()
    write(place, 2)
    write(None)
    seal_all()
    with caplog.at_level("INFO", "accounts.audit.heads"):
        assert (pruning.tell_heads(), pruning.tell_heads()) == (2, 0)
    head = AuditChain.objects.get(pk=place)
    assert f"Audit chain of organization {place}: anchor 2:{head.chain}" in caplog.messages
    assert any("of the installation: anchor 1:" in each for each in caplog.messages)
    assert product.LOGGING["loggers"]["accounts.audit.heads"]["level"] == "INFO"  # type: ignore[index]
    assert "it holds" in verified("--organization", str(place), "--anchor", f"2:{head.chain}")
    assert "is not the one that was anchored" in verified("--organization", str(place), "--anchor", f"1:{head.chain}")


@pytest.mark.django_db
def test_both_chores_do_it() -> None:
    write(None, 3)
    duties = {duty.name: duty for duty in CHORES}
    assert duties["sealing"].has_work()
    for name in ("sealing", "audit"):
        steps = duties[name].begin()
        while steps.step():
            pass
        assert steps.counts in ({"audit entries sealed": 3}, {"audit chains told": 1, "audit entries let go": 0})
    assert not duties["sealing"].has_work()
    assert numbers(None) == [1, 2, 3] and AuditChain.objects.get(pk=INSTALLATION).told_seq == 3


@pytest.mark.django_db
def test_a_hundred_thousand_entries_are_verified_in_under_a_minute(tmp_path: Path) -> None:
    def entries() -> Iterator[str]:
        link = NO_CHAIN
        place, actor = str(uuid.uuid4()), str(uuid.uuid4())
        for seq in range(1, 100_001):
            shape = {
                "id": str(uuid.uuid4()), "at": f"2026-01-02T03:04:05.{seq:06}Z", "organization": place,
                "actor_kind": "person", "actor": actor, "action": "chat.deleted", "object_type": "chat",
                "object_id": str(uuid.uuid4()), "outcome": "ok", "ip": "192.0.2.0/24", "request_id": uuid.uuid4().hex,
                "detail": {},
            }  # fmt: skip
            hash = hash_of(shape)
            link = link_of(link, seq, hash)
            yield line_of({**shape, "hash": hash, "seq": seq, "chain": link}) + "\n"

    file = tmp_path / "export.jsonl"
    with file.open("w") as out:
        out.writelines(entries())
    began = time.perf_counter()
    assert "100000 entries up to 100000:" in verified("--file", str(file))
    assert time.perf_counter() - began < 60


# --- A change and its entry are one -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_change_and_its_entry_are_there_together_or_not_at_all(
    alice: User, bob: User, organization: Organization, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    membership = organization.memberships.get(user=bob)
    address = f"/api/organizations/{organization.pk}/members/{membership.pk}/"

    def breaks(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:  # the entry fails: no change
        patch.setattr(AuditEntry, "save", breaks)
        with pytest.raises(RuntimeError):
            api(alice).patch(address, {"role": "viewer"}, format="json")
    membership.refresh_from_db()
    assert membership.role == "editor" and not AuditEntry.objects.exists()
    with monkeypatch.context() as patch:  # the change fails: no entry
        patch.setattr(type(membership), "save", breaks)
        with pytest.raises(RuntimeError):
            api(alice).patch(address, {"role": "viewer"}, format="json")
    assert not AuditEntry.objects.exists()
    assert api(alice).patch(address, {"role": "viewer"}, format="json").status_code == 200
    assert AuditEntry.objects.get().action == "role.changed"


@pytest.mark.django_db
def test_what_stands_apart_fails_without_failing_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError("no")

    before = audit.failures()
    monkeypatch.setattr(AuditEntry, "save", breaks)
    audit.refused("audit.read", actor=audit.SYSTEM, organization_id=None)
    assert audit.failures() == before + 1
