"""This project's own repository: cloned by https, changed from a chat, looked at, and put forward at a forge."""

import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import own_certificate
from tests.environment import ROOT, new_folder
from tests.forges import Forge
from tests.live import Server
from tests.streams import Client, client, key
from tests.tools.git_http import TOKEN, GitServer
from tests.tools.gits import fsck, git, heads
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live
FILE = "chat/runner/lease.py"
ADDED = '    """Which run of the chat may be claimed next."""\n'
ASKED = "Find where runs are claimed, add a docstring, show me the diff, open a pull request."


@pytest.fixture(scope="module")
def gits() -> Iterator[GitServer]:
    folder = new_folder()
    server = GitServer(folder / "git", tls=own_certificate(folder))
    yield server
    server.close()


@pytest.fixture(scope="module")
def journey(upstream: Upstream, gits: GitServer) -> Iterator[Server]:
    ca = str(gits.root.parent / "server.pem")
    settings = {"OUTWARD_ALLOW": gits.host, "CLONE_CA_FILE": ca, "SSL_CERT_FILE": ca}
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", **settings)
    yield server.start()
    server.close()


def cloned(alice: Client, gits: GitServer, forge: Forge) -> tuple[str, Path]:
    """A project with a clone of this very repository, which the forge keeps: the project's id, and the forge's own."""
    path = forge.path = f"acme/{key()}"
    origin = gits.repository(path, of=ROOT)
    organization = alice.get("/api/organizations/")["results"][0]["id"]
    project = str(alice.post("/api/projects/", {"organization": organization, "name": path})["id"])
    address = f"/api/projects/{project}/repository/"
    run = alice.post(f"{address}clone", {"url": f"{gits.url}/{path}.git", "token": TOKEN})["run"]
    assert alice.wait(run)["status"] == "succeeded", alice.get(address)
    body = {"forge": forge.kind, "forge_path": path}
    assert alice.server.call("PATCH", address, body, token=alice.token).status == 200
    return project, origin


def line_without_docstring() -> str:
    """A function of the file that says nothing of itself."""
    lines = (ROOT / FILE).read_text().splitlines(keepends=True)
    found = [a for a, b in pairwise(lines) if re.match(r"def _\w+\(.*:$", a) and '"""' not in b]
    return found[0]


def asked_for(upstream: Upstream, line: str) -> str:
    """The prompt, with what the model will do about it."""
    mark = key()
    calls = [
        ScriptedCall("search_project_files", {"query": line.partition("(")[0], "fileTypes": ["py"]}),
        ScriptedCall("edit_file", {"path": FILE, "old": line, "new": line + ADDED}),
        ScriptedCall("open_pull_request", {"title": "Say what it finds", "body": "It had **no** docstring."}),
    ]
    upstream.script(*(Turn(tool_calls=[each]) for each in calls), Turn(text="Done."), key=mark)
    return f"[[key={mark}]] {ASKED}"


def results(alice: Client, chat: str) -> list[Any]:
    """What the tools of the last answer gave."""
    parts = alice.answer(chat)["parts"]
    return [part["result"] for part in parts if part["type"] == "tool_result" and not part["is_error"]]


def allow(alice: Client, run: str) -> None:
    """The pull request, by the very call that is shown."""
    with alice.events(run) as stream:
        asked = stream.until("approval.requested")[-1].json
    assert (asked["name"], asked["risk"]) == ("open_pull_request", "outward")
    end = time.monotonic() + 10
    while alice.get(f"/api/runs/{run}/")["status"] != "waiting":
        assert time.monotonic() < end
        time.sleep(0.02)
    alice.post(f"/api/runs/{run}/approvals/{asked['call']}", {"decision": "allow", "digest": asked["digest"]})


@pytest.mark.parametrize("kind", ["github", "gitlab", "forgejo"])
def test_a_docstring_ends_as_a_pull_request(kind: str, journey: Server, gits: GitServer, upstream: Upstream) -> None:
    alice, forge, line = client(journey), Forge(kind, gits), line_without_docstring()
    project, origin = cloned(alice, gits, forge)
    before = heads(origin)
    chat = alice.chat(project=project, archetype="project_navigator")
    run = str(alice.start(chat, asked_for(upstream, line))["run"]["id"])
    allow(alice, run)
    assert alice.wait(run)["status"] == "succeeded"
    found, edited, opened = results(alice, chat)
    assert any(each["path"] == FILE for each in found["matches"]) and edited["path"] == FILE
    diff = alice.get(f"/api/chats/{chat}/diff/")
    (file,) = diff["files"]
    assert (file["path"], file["status"], file["additions"], file["deletions"]) == (FILE, "M", 1, 0)
    assert [each for each in file["patch"].splitlines() if each[:1] == "+" and each[:3] != "+++"] == ["+" + ADDED[:-1]]
    assert diff["base"] == "main" and diff["baseCommit"] == before["main"]
    after = heads(origin)
    assert after == {**before, diff["branch"]: diff["commit"]}, "its branch, and nothing else, was pushed"
    assert line + ADDED in git(origin, "show", f"{diff['branch']}:{FILE}")
    (pull,) = forge.pulls
    assert (opened["number"], opened["done"], pull["title"]) == (pull["number"], "opened", "Say what it finds")
    again = alice.post(f"/api/chats/{chat}/pull-request/", {}, expect=(200,))
    door = alice.post(f"/api/editorChat/{chat}/create-pr", {})["pullRequest"]
    assert again["number"] == door["number"] == pull["number"] and again["url"] == door["url"]
    assert len(forge.pulls) == 1 and heads(origin) == after
    for place in (origin, journey.data / "repositories" / f"{project}.git"):
        fsck(place)
