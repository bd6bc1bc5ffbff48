"""Two processes whose clocks are five minutes apart: nobody takes over what lives, everybody what is dead."""

import email.utils
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from tests import environment
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

NewServer = Callable[..., Server]
QUICK = {"CHAT_LEASE_S": "2", "CHAT_LEASE_RENEW_S": "0.5"}
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) { const char *text = getenv("CLOCK_SHIFT_S"); return text ? atol(text) : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(at, zone);
    if (result == 0) at->tv_sec += shift();
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that puts a process's clock wrong: the monotonic one stays right."""
    folder: pathlib.Path = tmp_path_factory.mktemp("clock")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT TRIED: no C compiler here to put a clock wrong with")
    (folder / "clock.c").write_text(SHIM)
    library = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "clock.c", "-ldl"], check=True)
    return str(library)


@pytest.mark.faults
@pytest.mark.skipif(environment.profile() != "scaled", reason="two processes need PostgreSQL")
@pytest.mark.parametrize("apart_s", [300, -300])
def test_clocks_five_minutes_apart(new_server: NewServer, upstream: Upstream, shim: str, apart_s: int) -> None:
    near = new_server(**QUICK).start()
    far = near.sibling(LD_PRELOAD=shim, CLOCK_SHIFT_S=str(apart_s))
    far.start_process()
    try:
        assert abs(clock(far) - clock(near) - apart_s) < 60, "the clock of the other process is not wrong"
        # A token is made by the clock that is behind: one from the future is refused (docs/reliability.md).
        token = client(near if apart_s > 0 else far).token
        here, there = Client(near, token), Client(far, token)
        runs = [held(each, upstream) for each in (here, there)]
        time.sleep(4)  # two leases
        for run, mark, gate in runs:
            assert here.get(f"/api/runs/{run}/")["attempt"] == 1, "taken over from a living process"
            upstream.release(gate)
            ended = there.wait(run)
            assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
            assert len(upstream.requests(mark)) == 1
        run, _, gate = held(here, upstream)
        near.kill()
        died = time.monotonic()
        upstream.release(gate)
        assert there.wait(run)["attempt"] == 2
        assert time.monotonic() - died < 25
    finally:
        far.close()


def held(alice: Client, upstream: Upstream) -> tuple[str, str, str]:
    """A run in mid-answer: its id, mark and gate."""
    mark, gate = key(), key()
    upstream.script(*[Turn(n=5, gate=gate, gate_at=2)] * 2, key=mark)
    run = alice.start(alice.chat(), f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=10)
    return run, mark, gate


def clock(server: Server) -> float:
    """What time it is there."""
    return email.utils.parsedate_to_datetime(server.call("GET", "/healthz").headers["date"]).timestamp()
