"""PROJECT_NAVIGATOR at work on a real repository: this project's own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream


def git(path: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(path), *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The files of this checkout as a repository with one commit, whatever state the checkout is in."""
    copy = tmp_path / "source"
    names = git(ROOT, "ls-files", "manage.py", "README.md", "agents", "tools").split()
    for name in names:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    git(copy, "init", "-q", "-b", "main")
    git(copy, "add", ".")
    git(copy, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "All of it")
    return copy


def test_it_lists_searches_reads_and_answers_and_what_it_writes_is_one_commit_on_the_chats_branch(
    new_server: Callable[..., Server], upstream: Upstream, source: Path
) -> None:
    server = new_server().start()
    alice, mark = client(server), key()
    project = alice.get("/api/projects/")["results"][0]["id"]
    server.manage("import_repository", project, str(source), "--replace")
    (repository,) = (server.data / "repositories").glob("*.git")
    main = git(repository, "rev-parse", "HEAD")
    upstream.script(
        Turn(tool_calls=[ScriptedCall("list_files", {"path": "agents"})]),
        Turn(tool_calls=[ScriptedCall("search_project_files", {"query": "class Archetype", "fileTypes": ["py"]})]),
        Turn(tool_calls=[ScriptedCall("read_file", {"path": "manage.py"})]),
        Turn(tool_calls=[ScriptedCall("write_file", {"path": "notes/found.md", "content": "# Found\n"})]),
        Turn(text="An archetype is made in agents/archetypes/base.py."),
        key=mark,
    )
    chat = alice.chat(archetype="PROJECT_NAVIGATOR")
    run = alice.start(chat, f"[[key={mark}]] Where is an archetype made? Note it down.")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"

    answer = alice.answer(chat)
    results = [json.dumps(part["result"]) for part in answer["parts"] if part["type"] == "tool_result"]
    assert "agents/loop/agent.py" in results[0]
    assert "agents/archetypes/base.py" in results[1]
    assert "Django's entry" in results[2]
    assert answer["content"] == "An archetype is made in agents/archetypes/base.py."
    told = [message["content"] for message in upstream.requests(mark)[-1].messages if message["role"] == "tool"]
    assert "agents/archetypes/base.py" in told[1]

    branches = [line.strip("* ").strip() for line in git(repository, "branch").splitlines()]
    (mine,) = [each for each in branches if each != "main"]
    assert git(repository, "rev-parse", "HEAD") == main
    assert git(repository, "rev-list", "--count", f"main..{mine}").strip() == "1"
    assert git(repository, "diff", "--stat", "--name-only", "main", mine).strip() == "notes/found.md"
    assert git(repository, "show", f"{mine}:notes/found.md") == "# Found\n"
    assert git(repository, "log", "-1", "--format=%an <%ae>", mine).strip().endswith("<alice@example.com>")
    git(repository, "fsck", "--strict")
    assert not (ROOT / "notes").exists()
