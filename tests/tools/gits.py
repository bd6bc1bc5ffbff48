"""What git itself says of a repository, for tests. Skips where there is no git program: the product needs none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLEAN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
}


def git(folder: Path, *arguments: str) -> str:
    """What `git ARGUMENTS` prints there."""
    if shutil.which("git") is None:
        pytest.skip("no git program")
    command = ["git", "-C", str(folder), "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, env=CLEAN, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def fsck(folder: Path) -> None:
    """Fail unless every object that is reachable is there and whole."""
    git(folder, "fsck", "--full", "--strict", "--no-dangling")


def heads(folder: Path) -> dict[str, str]:
    """Each branch and its newest commit."""
    lines = git(folder, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return dict(line.split() for line in lines)
