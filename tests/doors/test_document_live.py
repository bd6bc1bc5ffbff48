"""A project's document on a real server: many at once, an agent that changes it, and who hears of it."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.doors.people import newcomer
from tests.doors.test_native_socket import Feed
from tests.doors.test_trpc import data, get
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live


class Document:
    """One person's way to a project's document."""

    def __init__(self, person: Client, project: str) -> None:
        self.person, self.project = person, project
        self.path = f"/api/projects/{project}/document/"

    def send(self, method: str, body: Any, kind: str, **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(urlsplit(self.person.server.url).netloc, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = {"Authorization": f"Bearer {self.person.token}", "Content-Type": kind, **named}
        connection.request(method, self.path, json.dumps(body), signed)
        response = connection.getresponse()
        told = json.loads(response.read())
        connection.close()
        return response.status, told

    def put(self, value: Any) -> int:
        """Whatever was there: the version that it makes."""
        status, told = self.send("PUT", value, "application/json", If_Match="*")
        assert status == 200, told
        return int(told["version"])

    def now(self) -> Any:
        return self.person.get(self.path)


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def mine(alice: Client) -> Document:
    """That of a project of its own."""
    organization = alice.get("/api/projects/")["results"][0]["organization"]
    made = alice.post("/api/projects/", {"organization": organization, "name": f"Site {key()}"})
    return Document(alice, str(made["id"]))


def watching(document: Document, **headers: str) -> Feed:
    """A socket of the project."""
    named = headers or {"Authorization": f"Bearer {document.person.token}"}
    return Feed(document.person.server, document.project, of="projects", **named)


def test_of_twenty_patches_for_one_version_one_is_made_and_nineteen_are_told(mine: Document) -> None:
    before = mine.put({"list": []})

    def add(number: int) -> tuple[int, dict[str, Any]]:
        patch = [{"op": "add", "path": "/list/-", "value": number}]
        return mine.send("PATCH", patch, "application/json-patch+json", If_Match=f'"{before}"')

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(add, range(20)))
    assert sorted(status for status, _ in answers) == [200] + [412] * 19
    refused = [told["error"] for status, told in answers if status == 412]
    assert {each["code"] for each in refused} == {"version_conflict"}
    assert {each["fields"]["version"][0] for each in refused} == {str(before + 1)}
    assert len(mine.now()["list"]) == 1


def test_twenty_first_changes_at_once_are_all_made(mine: Document) -> None:
    def add(number: int) -> int:
        return mine.send("PATCH", {f"n{number}": number}, "application/merge-patch+json")[0]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(add, range(20))) == {200}
    assert mine.now() == {f"n{number}": number for number in range(20)}
    versions = mine.person.get(mine.path + "versions/")["results"]
    assert [each["version"] for each in versions] == list(range(20, 0, -1))


def test_an_agent_changes_it_and_everybody_hears_of_it(mine: Document, alice: Client, upstream: Upstream) -> None:
    mine.put({"pages": [{"name": "home"}]})
    mark = key()
    patch = [
        {"op": "test", "path": "/pages/0/name", "value": "home"},
        {"op": "replace", "path": "/pages/0/name", "value": "start"},
        {"op": "add", "path": "/pages/-", "value": {"name": "shop"}},
    ]
    upstream.script(
        Turn(tool_calls=[ScriptedCall("read_document", {"path": "/pages"})]),
        Turn(tool_calls=[ScriptedCall("patch_document", {"patch": patch, "version": 1})]),
        Turn(text="The pages are start and shop."),
        key=mark,
    )
    body = {"projectId": mine.project, "message": f"[[key={mark}]] Rename it.", "archetype": "project_navigator"}
    with watching(mine) as project_feed:
        assert project_feed.until("welcome")["document"] == {"version": 1}
        begun = data(alice.server.call("POST", "/trpc/chat.initiateChat", body, token=alice.token))
        with Feed(alice.server, begun["chatId"], Authorization=f"Bearer {alice.token}") as chat_feed:
            chat_feed.until("welcome")
            asked = {"assistantMessageId": begun["assistantMessageId"], "projectId": mine.project}
            stream = get(alice, "chat.streamResponse", asked)
            assert alice.wait(begun["runId"])["status"] == "succeeded"
            project_feed.until("document.changed", project=mine.project, version=2)
            chat_feed.send(type="ping")  # it may have come before the socket was there
            chat_feed.until("pong")
    frames = [json.loads(line[6:]) for line in str(stream.body).splitlines() if line.startswith("data: {")]
    told = [each for each in frames if each.get("type") in ("tool_start", "tool_result", "finalized")]
    assert [(each["type"], each.get("name"), each.get("success")) for each in told] == [
        ("tool_start", "read_document", None), ("tool_result", "read_document", True),
        ("tool_start", "patch_document", None), ("tool_result", "patch_document", True),
        ("finalized", None, None),
    ]  # fmt: skip
    assert told[-1] == {"type": "finalized", "status": "success"}
    assert mine.now() == {"pages": [{"name": "start"}, {"name": "shop"}]}
    found = data(get(alice, "chat.getMessage", {"messageId": begun["assistantMessageId"]}))
    assert (found["kind"], found["status"]) == ("patch", "success")
    message = alice.get(f"/api/messages/{begun['assistantMessageId']}/")
    results = [each["result"] for each in message["parts"] if each["type"] == "tool_result"]
    assert message["kind"] == "patch"
    assert results[1] == {"version": 2, "changed": ["/pages/0/name", "/pages/1"], "bytes": 44}
    newest = alice.get(mine.path + "versions/")["results"][0]
    assert newest["run"] == begun["runId"] and newest["call"]


def test_sockets_of_the_project_hear_of_each_change_and_charlie_of_none(mine: Document, server: Server) -> None:
    chat = mine.person.chat(project=mine.project)
    charlie = newcomer(server)
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        watching(mine, Authorization=f"Bearer {charlie.token}").next()
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        watching(mine, Origin="https://elsewhere.example").next()
    with watching(mine) as project_feed, Feed(server, chat, Authorization=f"Bearer {mine.person.token}") as chat_feed:
        welcome = project_feed.until("welcome")
        assert (welcome["project"], welcome["document"]) == (mine.project, {"version": 0})
        assert "write" in welcome["permissions"]
        chat_feed.until("welcome")
        mine.put({"a": 1})
        for each in (project_feed, chat_feed):
            told = each.until("document.changed")
            assert told == {"type": "document.changed", "project": mine.project, "version": 1}
        project_feed.send(type="ping")
        project_feed.until("pong")
        project_feed.send(type="typing")
        assert project_feed.until("error")["error"]["fields"] == {"type": ["Expected ping, and nothing else."]}
