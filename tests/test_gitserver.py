"""The git server of the tests serves git itself: so what others fail by it is theirs."""

import subprocess
from pathlib import Path

from tests.gitserver import GitServer, names_of
from tests.tools.gits import CLEAN, fsck, git


def run(server: GitServer, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**CLEAN, "GIT_SSL_CAINFO": str(server.ca), "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=20)


def test_git_clones_and_pushes_with_the_token_alone(tmp_path: Path) -> None:
    with GitServer(tmp_path / "server") as server:
        origin = server.add("team/site", {"a.txt": "a"}, token="s3cret")
        first = git(origin, "rev-parse", "main").strip()
        assert run(server, tmp_path, "clone", "-q", server.url("team/site"), "refused").returncode != 0
        url = server.url("team/site").replace("https://", "https://alice:s3cret@")
        assert run(server, tmp_path, "clone", "-q", url, "copy").returncode == 0
        (tmp_path / "copy" / "b.txt").write_text("b")
        for words in (["add", "."], ["commit", "-qm", "Add b"], ["push", "-q", "origin", "main"]):
            done = run(server, tmp_path / "copy", *words)
            assert done.returncode == 0, done.stderr
        assert names_of(origin) == ["a.txt", "b.txt"]
        assert server.commit("team/site", {"c.txt": "c"}, branch="other", parent=first)
        assert server.credentials() == {"alice:s3cret"}
        fsck(origin)


def test_it_misbehaves_as_it_is_told(tmp_path: Path) -> None:
    with GitServer(tmp_path / "server") as server, GitServer(tmp_path / "other") as other:
        other.add("there")
        server.redirect("moved", other.url("there").removesuffix(".git") + ".git")
        server.status("down", 503)
        refused = run(server, tmp_path, "ls-remote", server.url("down"))
        assert refused.returncode != 0 and "503" in refused.stderr
        assert "certificate" in run(server, tmp_path, "ls-remote", server.url("moved")).stderr
        assert "moved" in server.seen[-1].path and other.seen == []
