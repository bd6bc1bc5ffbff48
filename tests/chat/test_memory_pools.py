"""Threads use memory that others have freed, where malloc is glibc's."""

import itertools
import pathlib
import platform
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from tests import environment
from tests.live import Server

POOL_BYTES = 64 * 2**20  # of address space: glibc keeps so much for each thread's
IS_GLIBC = platform.libc_ver()[0] == "glibc"
NewServer = Callable[..., Server]
# Eight threads live at once and work one after the other: each takes 40 MB in small pieces and keeps every hundredth,
# so that no page can be given back.
THREADS_IN_TURN = """
import threading
from chat.ops import process_memory
is_shared, kept, step = process_memory.share_pools(), [], threading.Barrier(8)
def work(own):
    for turn in range(8):
        step.wait()
        if turn == own:
            kept.append([bytes(1000) for _ in range(40_000)][::100])
threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
[each.start() for each in threads], [each.join() for each in threads]
print("found", int(is_shared), resident_mb())
"""
# 200 MB in pieces, of which every hundredth stays.
FREED = """
from chat.ops import process_memory
pieces = [bytes(1000) for _ in range(200_000)]
said = [resident_mb()]
pieces = pieces[::100]
said.append(resident_mb())
process_memory.give_back()
print("found", *said, resident_mb())
"""
RESIDENT = """
def resident_mb():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status["VmRSS"].split()[0]) // 1024
"""


@pytest.mark.skipif(not IS_GLIBC, reason="the pools are glibc's")
def test_a_thread_uses_what_another_has_freed() -> None:
    is_shared, shared_mb = _said(THREADS_IN_TURN, MALLOC_ARENAS="1")
    is_default, each_mb = _said(THREADS_IN_TURN, MALLOC_ARENAS="0")
    assert (is_shared, is_default) == (1, 0)
    assert each_mb - shared_mb > 150, f"{shared_mb} MB with one pool, {each_mb} MB with one a thread"


@pytest.mark.skipif(not IS_GLIBC, reason="the pools are glibc's")
def test_what_is_free_between_what_is_in_use_goes_back_to_the_system() -> None:
    in_use_mb, freed_mb, given_back_mb = _said(FREED)
    assert freed_mb > in_use_mb - 20, "malloc gave it back by itself: the test shows nothing"
    assert given_back_mb < freed_mb - 100


@pytest.mark.skipif(not IS_GLIBC, reason="the pools are glibc's")
def test_who_has_told_glibc_decides() -> None:
    assert _said(THREADS_IN_TURN, MALLOC_ARENAS="1", MALLOC_ARENA_MAX="8")[0] == 0


def _said(program: str, **environ: str) -> list[int]:
    """The numbers that a process of its own finds."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", RESIDENT + program]
    settings = {**environment.settings_of_this_worker(), **environ}
    done = subprocess.run(
        command, cwd=environment.ROOT, env=settings, capture_output=True, text=True, timeout=60, check=True
    )
    said = next(line for line in done.stdout.splitlines() if line.startswith("found"))
    return [int(each) for each in said.split()[1:]]


@pytest.mark.live
@pytest.mark.skipif(not IS_GLIBC, reason="the pools are glibc's")
def test_a_server_has_one_pool(new_server: NewServer) -> None:
    one, usual = new_server().start(), new_server(MALLOC_ARENAS="0").start()
    for server in (one, usual):
        _ask_in_threads(server)
    assert _pools(one) == 0, "beside the first, which is the heap"
    assert _pools(usual) > 0


def _ask_in_threads(server: Server) -> None:
    token = server.token()
    asking = [
        threading.Thread(target=server.call, args=["GET", "/api/chats/"], kwargs={"token": token}) for _ in range(8)
    ]
    for each in asking:
        each.start()
    for each in asking:
        each.join()


def _pools(server: Server) -> int:
    """Pools of threads: what is in use of one begins at a multiple of its size, and the rest of it lies behind."""
    assert server.process is not None
    lines = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    areas = [(*(int(each, 16) for each in line.split()[0].split("-")), line.split()[1]) for line in lines]
    return sum(
        begin % POOL_BYTES == 0 and rights == "rw-p" and (end, begin + POOL_BYTES, "---p") == following
        for (begin, end, rights), following in itertools.pairwise(areas)
    )
