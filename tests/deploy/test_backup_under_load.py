"""The backup of docs/deploy.md, made while people work: what was acked before is in it, and all of it is whole."""

import http.client
import itertools
import json
import pathlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pygit2
import pytest

from tests.deploy.load import LONG, SHORT, Load, whole
from tests.deploy.page import KIND, run
from tests.live import Server
from tests.streams import Client, client, text_of

ENOUGH = 8  # of each kind, before the backup begins
WAITS_S = 90
CHECKS = (("check_log",), ("check_consistency", "--sample", "0"), ("verify_audit",))


@dataclass
class Office(Load):
    """The same people, and some who upload files, have a tool commit, and delete chats, which the audit log has."""

    uploaded: list[tuple[str, bytes]] = field(default_factory=list)  # address of the content, and it
    committed: list[str] = field(default_factory=list)  # chats, each with a file on its branch
    deleted: list[str] = field(default_factory=list)

    def work(self) -> list[Callable[[], None]]:
        return [*super().work(), self._uploads, *[self._commits] * 2, self._deletes]

    def _new_chat(self, **fields: str) -> str:
        body = {**self._chat, **fields}
        return str(self._count(self.person.server.call("POST", "/api/chats/", body, token=self.person.token))["id"])

    def _uploads(self) -> None:
        data = f"Words of file {len(self.uploaded)}. ".encode() * 2000
        connection = http.client.HTTPConnection("127.0.0.1", self.person.server.port, timeout=60)
        try:
            signed = {"Authorization": f"Bearer {self.person.token}", "Content-Type": "application/octet-stream"}
            connection.request("POST", "/api/attachments/?name=words.txt", data, signed)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 201, told
        self.uploaded.append((told["url"], data))

    def _commits(self) -> None:
        chat = self._new_chat(archetype="PROJECT_NAVIGATOR")
        said = f"CALL write_file {json.dumps({'path': f'notes/{chat}.md', 'content': f'Of {chat}.'})}"
        ended = self.person.wait(self.person.start(chat, said)["run"]["id"])
        assert ended["status"] == "succeeded", ended
        self.committed.append(chat)

    def _deletes(self) -> None:
        chat = self._new_chat()
        reply = self.person.server.call("DELETE", f"/api/chats/{chat}/", token=self.person.token)
        assert reply.status == 204, reply
        self.deleted.append(chat)

    def counts(self) -> list[int]:
        """How much of each kind is acked."""
        return [len(each) for each in (self.acked, self.uploaded, self.committed, self.deleted)]


class Storm:
    """Commits on a branch of a project's repository, as fast as they go: as many tools of many chats at once."""

    def __init__(self, server: Server) -> None:
        self.path = next((server.data / "repositories").glob("*.git"))
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._commit)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *error: object) -> None:
        self.is_over.set()
        self.thread.join()

    def _commit(self) -> None:
        repository, author = pygit2.Repository(str(self.path)), pygit2.Signature("Storm", "storm@example.com")
        parents: list[pygit2.Oid] = []
        for number in itertools.count():
            if self.is_over.is_set():
                return
            tree = repository.TreeBuilder()
            tree.insert("number", repository.create_blob(str(number).encode()), pygit2.enums.FileMode.BLOB)
            parents = [repository.create_commit(None, author, author, f"{number}", tree.write(), parents)]
            repository.create_reference("refs/heads/storm", parents[0], force=True)


@dataclass(frozen=True)
class Acked:
    """What had been answered when the backup began."""

    runs: tuple[str, ...]
    uploaded: tuple[tuple[str, bytes], ...]
    committed: tuple[str, ...]
    deleted: tuple[str, ...]


@pytest.mark.live
@pytest.mark.faults
def test_a_backup_made_under_load_has_all_that_was_acked_and_runs_that_were_open_end(
    new_server: Callable[..., Server], tmp_path: pathlib.Path
) -> None:
    server, restored = new_server().start(), new_server()
    with Office(client(server)) as office:
        wait(lambda: min(office.counts()) >= ENOUGH, "people do not get on")
        acked = Acked(tuple(office.acked), tuple(office.uploaded), tuple(office.committed), tuple(office.deleted))
        with Storm(server):
            run(f"{KIND}-backup", server, tmp_path)
        after = office.counts()
        wait(lambda: all(now > then for now, then in zip(office.counts(), after, strict=True)), "nobody works on")
    assert office.failed == [] and office.differ == []
    server.stop()

    run(f"{KIND}-restore", restored, tmp_path)
    were_open = open_runs(restored)
    assert were_open, "nothing was under way in the backup, so nothing is shown"
    restored.start_process()
    person = Client(restored, office.person.token)  # by the same token: the keys are the same
    look(person, acked)
    wait(lambda: not open_runs(restored), "runs that were open do not end")
    assert {person.get(f"/api/runs/{each}/")["status"] for each in were_open} == {"succeeded"}
    for command in CHECKS:
        done = restored.manage(*command, check=False)
        assert done.returncode == 0, done.stdout
    look_at_repositories(restored)


def wait(is_so: Callable[[], bool], else_: str) -> None:
    end = time.monotonic() + WAITS_S
    while not is_so():
        assert time.monotonic() < end, else_
        time.sleep(0.1)


def open_runs(server: Server) -> list[str]:
    """As the rows say, whether or not a server is up. Raises where a log does not hold."""
    found = [json.loads(line) for line in server.quickly("check_log", "--json").splitlines()]
    return [each["run"] for each in found if each["is_open"]]


def look(person: Client, acked: Acked) -> None:
    """Everything that was acked is there, and says what it said."""
    for each in acked.runs:
        with person.events(each) as stream:
            assert text_of(stream.frames()) in (whole(SHORT), whole(LONG)), each
    for address, data in acked.uploaded:
        assert _content(person, address) == data
    for chat in acked.committed:
        told = person.get(f"/api/chats/{chat}/files/content/?path=notes/{chat}.md")
        assert f"Of {chat}." in str(told)
    for chat in acked.deleted:
        assert person.server.call("GET", f"/api/chats/{chat}/", token=person.token).status == 404


def _content(person: Client, address: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", person.server.port, timeout=60)
    try:
        connection.request("GET", address, headers={"Authorization": f"Bearer {person.token}"})
        return connection.getresponse().read()
    finally:
        connection.close()


def look_at_repositories(server: Server) -> None:
    """Every object that a branch reaches is there."""
    found = list((server.data / "repositories").glob("*.git"))
    assert found
    for each in found:
        done = subprocess.run(["git", "-C", str(each), "fsck", "--full"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
