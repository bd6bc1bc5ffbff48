"""The audit log over real sockets: what a run's tools change, how it is sealed and fetched, and who may read it."""

import csv
import io
import json
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import OWNER, Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live


def entries(person: Client, place: str, query: str = "") -> list[Any]:
    found: list[Any] = person.get(f"/api/organizations/{place}/audit/?page_size=100{query}")["results"]
    return found


def work(person: Client, upstream: Upstream, *calls: ScriptedCall) -> None:
    """A run that makes these calls and answers."""
    mark = key()
    upstream.script(*(Turn(tool_calls=[call]) for call in calls), Turn(text=["Done."]), key=mark)
    person.post(f"/api/editorChat/stream/{person.chat()}", {"content": f"[[key={mark}]] Go", "enableStreaming": False})


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def place(alice: Client) -> str:
    return str(alice.get("/api/organizations/")["results"][0]["id"])


def test_a_tool_that_writes_leaves_an_entry_and_one_that_reads_leaves_none(
    alice: Client, place: str, upstream: Upstream
) -> None:
    me = alice.get("/api/users/me/")["id"]
    before = {each["id"] for each in entries(alice, place)}
    work(alice, upstream, ScriptedCall(name="list_files", arguments={}))
    assert {each["action"] for each in entries(alice, place) if each["id"] not in before} == {"audit.read"}
    write = {"path": "canary.md", "content": "canary"}
    work(alice, upstream, ScriptedCall(name="list_files", arguments={}), ScriptedCall("write_file", write))
    found = [each for each in entries(alice, place, "&action=tool.effect") if each["id"] not in before]
    assert len(found) == 1 and "canary" not in json.dumps(found)
    effect = found[0]
    assert (effect["actor_kind"], effect["actor"], effect["outcome"], effect["ip"]) == ("system", None, "ok", "")
    assert effect["object_type"] == "run" and effect["detail"]["person"] == me
    assert (effect["detail"]["tool"], effect["detail"]["status"]) == ("write_file", "returned")


def test_what_is_fetched_is_sealed_within_seconds_and_verified_elsewhere(
    alice: Client, place: str, server: Server, tmp_path: Path
) -> None:
    work_done = [alice.post("/api/projects/", {"organization": place, "name": f"P{n}"}) for n in range(3)]
    end = time.monotonic() + 30
    while any(each["seq"] is None for each in entries(alice, place, "&action=project.made")):
        assert time.monotonic() < end, "nobody seals"
        time.sleep(0.2)
    address = f"{server.url}/api/organizations/{place}/audit/export/"
    signed = {"Authorization": f"Bearer {alice.token}", "X-Request-Id": "siem-7"}
    lines = httpx.get(address, headers=signed)
    assert (lines.status_code, lines.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert lines.headers["X-Request-Id"] == "siem-7" and lines.headers["Cache-Control"] == "no-store"
    file = tmp_path / "export.jsonl"
    file.write_bytes(lines.content)
    told = server.manage("verify_audit", "--file", str(file), DATABASE_URL="postgres://nobody@127.0.0.1:1/none").stdout
    assert "it holds" in told
    file.write_bytes(lines.content.replace(b'"project.made"', b'"project.mad1"', 1))
    assert server.manage("verify_audit", "--file", str(file), check=False).returncode == 1
    assert "it holds" in server.manage("verify_audit").stdout
    read = httpx.get(address, headers=signed, params={"format": "csv", "action": "project.made"})
    rows = list(csv.DictReader(io.StringIO(read.text)))
    assert {each["id"] for each in work_done} <= {row["object_id"] for row in rows}
    assert all(json.loads(row["detail"]) == {} for row in rows)
    assert entries(alice, place, "&action=audit.read")[0]["request_id"] == "siem-7"


def test_who_is_no_admin_is_refused_and_a_stranger_finds_nothing(alice: Client, place: str, server: Server) -> None:
    bob, charlie = (f"{name}-{uuid.uuid4().hex}@example.com" for name in ("bob", "charlie"))
    server.quickly("create_user", bob, "--organization", place)
    server.quickly("create_user", charlie, "--organization", f"Of {charlie}", "--role", "owner")
    for path in (f"/api/organizations/{place}/audit/", f"/api/organizations/{place}/audit/export/"):
        for email, status in ((bob, 403), (charlie, 404)):
            assert server.call("GET", path, token=server.token(email)).status == status, (path, email)
    assert [each["outcome"] for each in entries(alice, place, "&action=audit.read")][:2] == ["refused", "refused"]


@pytest.mark.parametrize(
    "query", ["action=x", "actor=x", "from=yesterday", "to=x", "object_id=" + "x" * 65, "page=2", "cursor=x"]
)
def test_bad_queries_are_refused_by_name(alice: Client, place: str, server: Server, query: str) -> None:
    got = server.call("GET", f"/api/organizations/{place}/audit/?{query}", token=alice.token)
    assert (got.status, list(got.body["error"]["fields"])) == (400, [query.partition("=")[0]])
    if query != "cursor=x":
        got = server.call("GET", f"/api/organizations/{place}/audit/export/?{query}", token=alice.token)
        assert (got.status, list(got.body["error"]["fields"])) == (400, [query.partition("=")[0]])


def test_filters_find_and_a_key_of_the_scope_reads(alice: Client, place: str, server: Server) -> None:
    made = alice.post("/api/projects/", {"organization": place, "name": "Filtered"})
    me = alice.get("/api/users/me/")["id"]
    (found,) = entries(alice, place, f"&object_id={made['id']}")
    for query in (f"&action=project.made&actor={me}", f"&from={found['at']}"):
        assert found["id"] in {each["id"] for each in entries(alice, place, query)}
    assert found["id"] not in {each["id"] for each in entries(alice, place, f"&to={found['at']}")}
    told = server.manage("create_key", OWNER, "--organization", place, "--scope", "audit", "--name", "SIEM").stdout
    token = told.split()[-1]
    path = f"/api/organizations/{place}/audit/"
    assert server.call("GET", path, token=token).status == 200
    assert server.call("GET", f"/api/organizations/{place}/", token=token).status == 403
    read = entries(alice, place, "&action=audit.read")[0]
    assert (read["actor_kind"], read["detail"]["person"]) == ("key", me)
