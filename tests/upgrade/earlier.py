"""The code of an earlier commit, and a server that runs it: out of this repository's own history, offline."""

import functools
import io
import pathlib
import subprocess
import tarfile

from tests import environment
from tests.deploy.holding import Held


class Earlier(Held):
    """A server of an earlier commit, with the packages of today."""

    def of(self, commit: str) -> "Earlier":
        """Say which commit."""
        self.root = code_of(commit)
        return self


@functools.cache
def code_of(commit: str) -> pathlib.Path:
    """A folder with the commit's code, made once in this process."""
    folder = environment.new_folder()
    packed = _git("archive", commit, "--", ".", ":!tests", ":!docs").stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")
    return folder


def no_history() -> str:
    """Why earlier commits cannot be had, though nothing is wrong: no repository, or a shallow one. Else nothing."""
    if not (environment.ROOT / ".git").exists():
        return "this is no git repository"
    is_shallow = _git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    return "this repository is a shallow clone" if is_shallow else ""


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = ["git", "-c", f"safe.directory={environment.ROOT}", *arguments]
    done = subprocess.run(command, cwd=environment.ROOT, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0, f"git {arguments[0]} failed: {done.stderr.decode(errors='replace')}"
    return done
