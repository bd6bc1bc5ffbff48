"""A project's knowledge on a real server: indexed by a run, found, deleted; killed in the middle; embeddings away."""

import contextlib
import http.client
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.doors.people import newcomer
from tests.embeddings import Embeddings
from tests.engine.test_work import told, until
from tests.live import Server
from tests.memory import resident_mb
from tests.streams import Client, client, key

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]
MOST_MB = 100  # that a server takes more while it indexes a document
LONG = "".join(f"# Door {n}\n\nThe door number {n} is painted in the colour {n}.\n\n" for n in range(900))


@pytest.fixture
def embeddings() -> Iterator[Embeddings]:
    made = Embeddings()
    yield made
    made.close()


class Room:
    """A project of its own."""

    def __init__(self, server: Server) -> None:
        self.server, self.alice = server, client(server)
        organization = self.alice.get("/api/organizations/")["results"][0]["id"]
        self.project = self.alice.post("/api/projects/", {"organization": organization, "name": key()})["id"]
        self.path = f"/api/projects/{self.project}/knowledge/"

    def add(self, text: str, **fields: Any) -> dict[str, str]:
        return dict(self.alice.post(self.path, {"title": "Doors", "text": text, **fields}))

    def row(self, id: str) -> dict[str, Any]:
        return dict(self.alice.get(f"{self.path}{id}/"))

    def search(self, question: str, person: Client | None = None) -> dict[str, Any]:
        return dict((person or self.alice).get(f"{self.path}search/?{urlencode({'q': question})}"))

    def found(self, question: str) -> list[str]:
        return [each["text"] for each in self.search(question)["results"]]


def test_a_document_is_indexed_found_and_deleted(server: Server) -> None:
    room = Room(server)
    made = room.add("# Doors\n\nThe green door is open.", level=2, language="en")
    ended = room.alice.wait(made["run"])
    assert (ended["status"], ended["kind"], ended["subject"]) == ("succeeded", "index", made["id"])
    steps = [each for each in told(room.alice, made["run"]) if each["type"] == "work.progressed"]
    assert [(each["text"], each.get("done", 0), each["total"]) for each in steps] == [
        ("Indexing", 0, 100),
        ("Indexing", 100, 100),
    ]
    row = room.row(made["id"])
    assert (row["state"], row["passages"], row["run"], row["error"]) == ("ready", 1, None, None)
    found = room.search("Which doors are green?")
    assert found["degraded"] is False and found["results"][0] | {"id": 0} == {
        "id": 0, "document": made["id"], "title": "Doors", "path": "Doors", "level": 2, "score": 1.0, "page": None,
        "text": "# Doors\n\nThe green door is open.", "source": "",
    }  # fmt: skip
    charlie = newcomer(server)
    for path in ("", "search/?q=green", f"{made['id']}/"):
        assert server.call("GET", f"{room.path}{path}", token=charlie.token).status == 404
    for path in ("", "events"):
        assert server.call("GET", f"/api/runs/{made['run']}/{path}", token=charlie.token).status == 404
    assert server.call("POST", f"/api/runs/{made['run']}/cancel", {}, token=charlie.token).status == 404
    assert room.alice.wait(room.alice.post(f"{room.path}{made['id']}/reindex", {})["run"])["status"] == "succeeded"
    assert len(room.found("green")) == 1
    assert server.call("DELETE", f"{room.path}{made['id']}/", token=room.alice.token).status == 204
    assert room.found("green") == []


def test_a_file_of_some_megabytes_comes_as_a_form(server: Server) -> None:
    room = Room(server)
    text = "The quick brown fox jumps over the lazy dog. " * 40_000  # 1.8 MB
    status, body = sent(room, text.encode())
    assert status == 202, body
    status, body = sent(room, text.encode() * 2)
    assert status == 413 and b"file_too_large" in body
    status, body = sent(room, b"x" * 21_000_000)
    assert status == 413


def test_the_longest_document_costs_its_server_little_memory(new_server: NewServer, embeddings: Embeddings) -> None:
    server = new_server(**embeddings.settings).start()
    room = Room(server)
    chapter = (
        "# Chapter {0}\n\nThe old door number {0} was painted." + " It was green, and then it was blue." * 10 + "\n\n"
    )
    assert room.alice.wait(room.add(chapter.format(0))["run"])["status"] == "succeeded"
    before = resident_mb(server.process.pid)
    made = room.add("".join(map(chapter.format, range(4_500))))  # 1.9 MB; 2 are taken, and 5,000 passages
    assert room.alice.wait(made["run"])["status"] == "succeeded"
    assert room.row(made["id"])["passages"] >= 4_500
    more = resident_mb(server.process.pid, "VmHWM") - before
    assert more < MOST_MB, f"{more:.0f} MB more"


def sent(room: Room, data: bytes) -> tuple[int, bytes]:
    """A file, sent as a browser does."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="fox.txt"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", room.server.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {room.alice.token}",
        "Content-Type": f"multipart/form-data; boundary={mark}",
        "Content-Length": str(len(body)),
    }
    try:
        connection.putrequest("POST", room.path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was told no, and closed
            connection.send(body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_after_kill_9_it_goes_on_behind_the_last_batch(new_server: NewServer, embeddings: Embeddings) -> None:
    server = new_server(CHAT_LEASE_S="1", CHAT_LEASE_RENEW_S="0.3", **embeddings.settings).start()
    room = Room(server)
    before = room.add("# Door\n\nThe old door number 3.")
    assert room.alice.wait(before["run"])["status"] == "succeeded"
    embeddings.asked.clear()
    embeddings.close_after = 450  # of 900: two batches of 200 are stored by then
    made = room.add(LONG)
    until(lambda: not embeddings.gate.is_set())
    until(lambda: [each.get("done") for each in steps(room, made["run"])][-1:] == [44])
    assert room.row(made["id"])["state"] == "indexing"
    assert [text for text in room.found("door number 3") if "painted" in text] == [], "half of it was found"
    server.kill()
    embeddings.close_after, asked = 0, len(embeddings.texts)
    embeddings.gate.set()
    server.start_process()
    ended = room.alice.wait(made["run"])
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2), ended
    again = [text for text in embeddings.texts[asked:] if text.startswith("# Door")]
    assert len(again) == 500, "it began anew"
    row = room.row(made["id"])
    assert (row["state"], row["passages"]) == ("ready", 900)
    assert any("number 3 " in each for each in room.found("door number 3"))
    server.manage("check_log")


def steps(room: Room, run: str) -> list[dict[str, Any]]:
    """How far it has said that it is, of a run that goes on."""
    with room.alice.events(run) as stream:
        found = []
        for frame in stream:
            if frame.json.get("type") == "work.progressed":
                found.append(frame.json)
                if frame.json.get("done") == 44:
                    break
    return found


def test_what_was_found_is_found_until_the_new_is_whole_and_where_it_fails(
    new_server: NewServer, embeddings: Embeddings
) -> None:
    server = new_server(**embeddings.settings).start()
    room = Room(server)
    made = room.add("# Door\n\nThe green door.")
    assert room.alice.wait(made["run"])["status"] == "succeeded"
    embeddings.faults.extend([401])
    run = room.alice.post(f"{room.path}{made['id']}/reindex", {})["run"]
    ended = room.alice.wait(run)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "embeddings_failed"), ended
    assert "sk-secret" not in str(ended) and "127.0.0.1" not in str(ended["error"])
    row = room.row(made["id"])
    assert (row["state"], row["error"]["code"]) == ("ready", "embeddings_failed")
    assert len(room.found("green")) == 1
    embeddings.gate.clear()
    run = room.alice.post(f"{room.path}{made['id']}/reindex", {})["run"]
    until(lambda: room.row(made["id"])["state"] == "indexing")
    room.alice.post(f"/api/runs/{run}/cancel", {})
    assert room.alice.wait(run)["status"] == "cancelled"
    embeddings.gate.set()
    row = room.row(made["id"])
    assert (row["state"], row["error"]["code"]) == ("ready", "cancelled")
    embeddings.faults.append(503)  # once: it is tried again
    assert room.alice.wait(room.alice.post(f"{room.path}{made['id']}/reindex", {})["run"])["status"] == "succeeded"
    assert room.row(made["id"])["error"] is None


def test_deleted_while_it_is_indexed_it_is_nowhere(new_server: NewServer, embeddings: Embeddings) -> None:
    server = new_server(**embeddings.settings).start()
    room = Room(server)
    embeddings.gate.clear()
    made = room.add(LONG)
    until(lambda: embeddings.asked)
    assert server.call("DELETE", f"{room.path}{made['id']}/", token=room.alice.token).status == 204
    embeddings.gate.set()
    ended = room.alice.wait(made["run"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "document_gone"), ended
    assert room.found("door") == [] and room.alice.get(room.path)["results"] == []


def test_a_folder_is_imported_and_again_and_what_is_skipped_is_said(server: Server, tmp_path: Any) -> None:
    room = Room(server)
    files = {"a.md": b"# A\n\nThe green door.", "deep/er/b.txt": b"The red door.", "same.md": b"# A\n\nThe green door."}
    files |= {"bad.txt": b"\xff\xfe", "empty.md": b"", "left.bin": b"x", ".hidden/c.md": b"Hidden."}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link.md").symlink_to("/etc/hostname")
    said = server.manage("import_knowledge", room.project, str(tmp_path), "--level", "2").stdout
    assert "2 of 5 files were brought in." in said
    assert "Skipped same.md: it is there already" in said and "Skipped bad.txt: Expected a text in UTF-8." in said
    assert "Skipped empty.md" in said and "link" not in said and "hidden" not in said and "left" not in said
    rows = room.alice.get(room.path)["results"]
    assert sorted((each["title"], each["source"], each["level"], each["state"]) for each in rows) == [
        ("a", "a.md", 2, "ready"),
        ("b", "deep/er/b.txt", 2, "ready"),
    ]
    assert len(room.found("green door")) == 2
    assert "0 of 5 files were brought in." in server.manage("import_knowledge", room.project, str(tmp_path)).stdout
    for wrong in (("x", str(tmp_path)), (str(uuid.uuid4()), str(tmp_path)), (room.project, "/nowhere/at/all")):
        assert server.manage("import_knowledge", *wrong, check=False).returncode != 0
