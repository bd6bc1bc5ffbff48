"""A process that dies, or a disk that is full, leaves whole commits or none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pygit2
import pytest

from tests.tools.gits import fsck, git, heads
from tools.git.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}

WRITER = """
import os
import sys
from pathlib import Path
from django.conf import settings
settings.configure(
    PARLEY_NAME="Parley", TOOLS_REPOSITORIES=Path(sys.argv[1]), TOOLS_FILE_MAX_BYTES=10**7,
    TOOLS_REPOSITORY_MAX_FILES=10**6, TOOLS_REPOSITORY_MAX_BYTES=10**10,
)
from tools.git.repository import Repository
repository = Repository(sys.argv[2])
print("ready", flush=True)
{action}
"""
FOREVER = """
number = 0
while True:
    number += 1
    repository.write("parley/chat-1", f"many/{number % 50}.txt", f"{number}", author_name="A", author_email="a@b")
"""
ONCE = """
number = 0
while True:
    number += 1
    print(number, flush=True)
    repository.write(
        "parley/chat-1", "same.txt", f"{number}", author_name="A", author_email="a@b", once=f"Call: run call_{number}"
    )
"""
TOO_LARGE = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import random
text = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=500_000))
try:
    repository.write("parley/chat-1", "large.txt", text, author_name="A", author_email="a@b")
except Exception as error:
    print("refused", type(error).__name__)
else:
    print("written")
"""


def process(repository: Repository, action: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER.format(action=action), str(repository.path.parent), repository.path.stem]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})


def test_a_kill_in_the_middle_of_writes_leaves_a_whole_history(repository: Repository) -> None:
    for round_number in range(6):
        before = int(git(repository.path, "rev-list", "--count", "--all"))
        writer = process(repository, FOREVER)
        assert writer.stdout is not None
        writer.stdout.readline()
        while int(git(repository.path, "rev-list", "--count", "--all")) < before + 3:
            assert writer.poll() is None, "it ended by itself"
            time.sleep(0.01)
        time.sleep(round_number * 0.003)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        fsck(repository.path)
        _make_locks_old(repository.path)
        assert repository.write("parley/chat-1", "after.txt", str(round_number), **ALICE).is_changed


def test_after_a_kill_a_repeated_call_finds_what_it_did_and_never_does_it_twice(repository: Repository) -> None:
    """The file changes with each call, so what a second effect would undo shows."""
    for round_number in range(6):
        writer = process(repository, ONCE)
        assert writer.stdout is not None
        while int(git(repository.path, "rev-list", "--count", "--all")) < 4:
            assert writer.poll() is None, "it ended by itself"
            time.sleep(0.01)
        time.sleep(round_number * 0.003)
        writer.send_signal(signal.SIGKILL)
        *_, last = (int(line) for line in writer.stdout if line.strip().isdigit())
        writer.wait()
        _make_locks_old(repository.path)
        again = repository.write("parley/chat-1", "same.txt", f"{last}", **ALICE, once=f"Call: run call_{last}")
        assert again.is_changed and again.is_new == (last == 1), "as it was told, or would have been, the first time"
        assert calls(repository) == [f"call_{number}" for number in range(last, 0, -1)]
        earlier = repository.write("parley/chat-1", "same.txt", "1", **ALICE, once="Call: run call_1")
        assert earlier.is_new and repository.at("parley/chat-1").read("same.txt") == f"{last}"
        fsck(repository.path)
        heads_of(repository).delete()


def calls(repository: Repository) -> list[str]:
    """The calls that the branch's commits carry, newest first."""
    lines = git(repository.path, "log", "--format=%B", "main..parley/chat-1").splitlines()
    return [line.rpartition(" ")[2] for line in lines if line.startswith("Call: ")]


def heads_of(repository: Repository) -> pygit2.Reference:
    return pygit2.Repository(str(repository.path)).references["refs/heads/parley/chat-1"]


def test_processes_at_once_lose_no_commit(repository: Repository) -> None:
    bounded = FOREVER.replace("while True", "while number < 15").replace(
        "many/{number % 50}", "many/{number}-{os.getpid()}"
    )
    writers = [process(repository, bounded) for _ in range(3)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert git(repository.path, "rev-list", "--count", "main..parley/chat-1") == "45\n"
    fsck(repository.path)


def test_a_full_disk_leaves_the_branch_as_it_was(repository: Repository) -> None:
    before = heads(repository.path)
    writer = process(repository, TOO_LARGE)
    told, _ = writer.communicate(timeout=60)
    assert "refused" in told and "written" not in told
    assert heads(repository.path) == before
    fsck(repository.path)
    assert repository.write("parley/chat-1", "large.txt", "now it fits", **ALICE).is_changed


def test_a_lock_that_a_dead_process_left_is_removed(repository: Repository) -> None:
    repository.write("parley/chat-1", "a.txt", "a", **ALICE)
    lock = repository.path / "refs/heads/parley/chat-1.lock"
    lock.touch()
    _make_locks_old(repository.path)
    assert repository.write("parley/chat-1", "a.txt", "b", **ALICE).is_changed
    assert not lock.exists()


@pytest.mark.parametrize("name", ["parley/chat-1.lock"])
def test_a_lock_that_another_program_holds_is_waited_for(repository: Repository, name: str) -> None:
    lock = repository.path / "refs/heads" / name
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    remover = subprocess.Popen(["sh", "-c", f"sleep 0.2; rm '{lock}'"])
    assert repository.write("parley/chat-1", "a.txt", "b", **ALICE).is_changed
    assert remover.wait() == 0


def _make_locks_old(path: Path) -> None:
    for lock in path.glob("refs/heads/**/*.lock"):
        os.utime(lock, (0, 0))
