"""Clone and fetch by a real server from a real git server: progress, takeover after kill -9, stop; no token is told."""

import http.client
import io
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gitserver import GitServer
from tests.live import Server
from tests.streams import Client, client, key
from tests.tools.gits import fsck, heads

pytestmark = pytest.mark.live
TOKEN = "ghp_swordfish_0123456789"
MANY = {f"src/{number}.txt": f"{key()}{key()}\n" for number in range(60)}


@pytest.fixture(scope="module")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with GitServer(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="module")
def cloning(git_server: GitServer) -> Iterator[Server]:
    server = Server(OUTWARD_ALLOW=git_server.host, CLONE_CA_FILE=str(git_server.ca))
    yield server.start()
    server.close()


class Room:
    """A project of its own, and a repository at the git server."""

    def __init__(self, server: Server, git_server: GitServer, **options: Any) -> None:
        self.server, self.git_server, self.alice = server, git_server, client(server)
        self.name = f"team/{key()}"
        self.origin = git_server.add(self.name, MANY, **options)
        organization = self.alice.get("/api/organizations/")["results"][0]["id"]
        body = {"organization": organization, "name": self.name}
        self.project = self.alice.post("/api/projects/", body)["id"]
        self.path = server.data / "repositories" / f"{self.project}.git"

    def address(self, what: str = "") -> str:
        return f"/api/projects/{self.project}/repository/{what}"

    def clone(self, **more: Any) -> str:
        return str(self.alice.post(self.address("clone"), {"url": self.git_server.url(self.name), **more})["run"])

    def fetch(self) -> dict[str, Any]:
        return self.alice.wait(self.alice.post(self.address("fetch"), {})["run"])

    def row(self) -> dict[str, Any]:
        return dict(self.alice.get(self.address()))


def told(alice: Client, run: str) -> list[dict[str, Any]]:
    with alice.events(run) as stream:
        return [each.json for each in stream.frames()]


def until(look: Any, within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_private_repository_is_cloned_and_fetched_and_its_token_told_nowhere(
    cloning: Server, git_server: GitServer
) -> None:
    room = Room(cloning, git_server, token=TOKEN)
    failed = room.alice.wait(room.clone())
    assert (failed["status"], failed["error"]["code"]) == ("failed", "remote_auth")
    assert (room.row()["state"], room.row()["error"]["code"]) == ("failed", "remote_auth")
    assert not room.path.exists()
    run = room.clone(token=TOKEN, token_user="alice")
    events = told(room.alice, run)
    assert [each["type"] for each in events][-1] == "run.completed" and "work.progressed" in str(events)
    row = room.row()
    assert events[-1]["result"]["files"] == row["files"] == len(MANY) and row["bytes"] > 0
    assert (row["state"], row["error"], row["default_branch"], row["run"]) == ("ready", None, "main", None)
    assert row["token"] == {"set": True, "hint": "...6789"} and row["fetched_at"]
    tip = git_server.commit(room.name, {"new.txt": "new"})
    assert room.fetch()["status"] == "succeeded"
    assert heads(room.path) == {"main": tip} and room.row()["files"] == len(MANY) + 1
    git_server.commit(room.name, {"other.txt": "x"}, parent=f"{tip}~1")
    ended = room.fetch()
    assert (ended["status"], ended["error"]["code"], room.row()["error"]["code"]) == ("failed", "diverged", "diverged")
    assert room.row()["state"] == "ready" and heads(room.path) == {"main": tip}
    fsck(room.path)
    assert git_server.credentials() == {f"alice:{TOKEN}"}
    assert TOKEN not in str(events) + str(row) + cloning.log()
    database = b"".join(each.read_bytes() for each in cloning.data.rglob("*") if "sqlite" in each.name)
    assert TOKEN.encode() not in database


def test_after_kill_9_it_is_done_again_and_comes_whole(new_server: Any, git_server: GitServer) -> None:
    server = new_server(OUTWARD_ALLOW=git_server.host, CLONE_CA_FILE=str(git_server.ca)).start()
    room = Room(server, git_server)
    hold = git_server.hold(room.name)
    run = room.clone()
    assert hold.reached.wait(20)
    assert room.path.with_suffix(".arriving").exists() and not room.path.exists()
    server.kill()
    hold.release.set()
    del git_server.holds[room.name]
    server.start_process()
    ended = room.alice.wait(run)
    assert (ended["status"], ended["attempt"], room.row()["state"]) == ("succeeded", 2, "ready")
    beside = [each for each in room.path.parent.glob(f"{room.project}.*") if each.is_dir()]
    assert beside == [room.path]
    fsck(room.path)


def test_who_stops_it_finds_everything_as_it_was(cloning: Server, git_server: GitServer) -> None:
    room = Room(cloning, git_server)
    hold = git_server.hold(room.name)
    run = room.clone()
    assert hold.reached.wait(20)
    again = room.alice.post(room.address("clone"), {"url": git_server.url(room.name)}, expect=(409,))
    assert again["error"]["fields"]["run"] == [run]
    room.alice.post(f"/api/runs/{run}/cancel", {})
    assert room.alice.wait(run)["status"] == "cancelled"
    assert (room.row()["state"], room.row()["error"], room.row()["run"]) == ("empty", None, None)
    until(lambda: not list(Path(room.path.parent).glob(f"{room.project}.*")))
    hold.release.set()


def test_a_zip_may_be_larger_than_other_bodies(cloning: Server, git_server: GitServer) -> None:
    room = Room(cloning, git_server)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("noise.bin", os.urandom(3_000_000))
    head = {"Content-Type": "application/zip", "Authorization": f"Bearer {room.alice.token}"}
    assert sent(cloning, room.address("upload"), made.getvalue(), {**head, "Authorization": "Bearer x"}) == 401
    assert sent(cloning, "/api/chats/", made.getvalue(), head) == 413
    assert sent(cloning, room.address("upload"), made.getvalue(), head) == 201
    assert room.row()["files"] == 1
    fsck(room.path)


def sent(server: Server, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status
