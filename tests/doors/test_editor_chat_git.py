"""System 1's get-diff and create-pr: what a chat wrote in its project, and putting it forward."""

import pytest

from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def write_file(alice: Client, chat: str, upstream: Upstream) -> str:
    """Let the chat write a file: its name."""
    mark, path = key(), f"notes/{key()}.md"
    call = ScriptedCall(name="write_file", arguments={"path": path, "content": "Green door.\n"})
    upstream.script(Turn(tool_calls=[call]), Turn(text=["Written."]), key=mark)
    alice.post(f"/api/editorChat/stream/{chat}", {"content": f"[[key={mark}]] go", "enableStreaming": False})
    return path


def test_a_chat_without_changes_has_an_empty_diff_and_nothing_to_propose(alice: Client) -> None:
    chat = alice.chat()
    told = alice.post(f"/api/editorChat/{chat}/get-diff", {})
    assert (told["success"], told["files"], told["diff"], told["truncated"]) == (True, [], "", False)
    refused = alice.server.call("POST", f"/api/editorChat/{chat}/create-pr", {}, token=alice.token)
    assert (refused.status, refused.body["error"]["code"]) == (409, "nothing_to_propose")


def test_what_a_chat_wrote_is_its_diff_and_its_pull_request(alice: Client, upstream: Upstream) -> None:
    chat = alice.chat()
    path = write_file(alice, chat, upstream)
    told = alice.post(f"/api/editorChat/{chat}/get-diff", {})
    brief = {"path": path, "status": "A", "additions": 1, "deletions": 0}
    assert [{name: each[name] for name in brief} for each in told["files"]] == [brief]
    assert told["files"][0]["patch"] == told["diff"] and told["base"] == told["baseCommit"]
    assert "+Green door." in told["diff"]
    made = alice.post(f"/api/editorChat/{chat}/create-pr", {"title": "A note"})["pullRequest"]
    assert (made["title"], made["base"], made["mergeable"]) == ("A note", "main", True)
    assert made["url"].endswith(f"/pulls/{made['number']}/")
    assert made["branch"] == told["branch"] and made["head"]["commit"] == told["commit"]
    assert made["merge"]["ref"].startswith("refs/pull/") and made["files"] == [brief]


def test_a_chat_in_no_project_has_no_files(alice: Client) -> None:
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    chat = alice.post("/api/chats/", {"organization": organization})["id"]
    for name in ("get-diff", "create-pr"):
        refused = alice.server.call("POST", f"/api/editorChat/{chat}/{name}", {}, token=alice.token)
        assert (refused.status, refused.body["error"]["code"]) == (409, "no_project")


def test_charlie_finds_neither_and_unknown_fields_are_named(alice: Client, server: Server) -> None:
    chat, charlie = alice.chat(), newcomer(server)
    for name in ("get-diff", "create-pr"):
        address = f"/api/editorChat/{chat}/{name}"
        assert server.call("POST", address, {}, token=charlie.token).status == 404
        refused = server.call("POST", address, {"branch": "x"}, token=alice.token)
        assert (refused.status, list(refused.body["error"]["fields"])) == (400, ["branch"])
