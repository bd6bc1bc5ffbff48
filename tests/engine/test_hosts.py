"""Two hosts, and the network between them is cut: one goes on, the other is fenced out, nobody is waited for."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests import environment
from tests.engine.hosts import NEAR, Cable, FarServer, Relay
from tests.live import Server
from tests.servers import Postgres, Redis
from tests.streams import Client, client, key, text_of
from tests.upstream import Turn, Upstream

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(environment.profile() != "scaled", reason="two hosts share PostgreSQL and Redis"),
]
TAKING = "from chat.models import Process; print('takes', Process.objects.filter(takes_runs=True).count())"
READ = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sock.sendall(sys.stdin.buffer.read())
print(sock.recv(1000).split(b"\\r")[0].decode(), flush=True)
while sock.recv(65536):
    pass
"""


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.close()


@pytest.fixture
def hosts(cable: Cable, upstream: Upstream) -> Iterator[tuple[Server, FarServer]]:
    """One server on the host of PostgreSQL and Redis, and one on the other host."""
    postgres = Postgres(is_durable=True, also_at=NEAR)
    redis = Redis("--save", "", "--bind", "127.0.0.1", NEAR, "--protected-mode", "no")
    relay = Relay(upstream.port)
    quick = {"CHAT_HEARTBEAT_S": "1", "WRITE_TIMEOUT_S": "3", "OPENAI_API_KEY": "none"}
    near = Server(
        DATABASE_URL=postgres.url, REDIS_URL=redis.url(), OPENAI_BASE_URL=upstream.url, HOST="0.0.0.0",
        ALLOWED_HOSTS=f"127.0.0.1,{NEAR}", **quick,
    ).start()  # fmt: skip
    far = FarServer(
        cable,
        DATABASE_URL=postgres.url.replace("127.0.0.1", NEAR), REDIS_URL=redis.url().replace("127.0.0.1", NEAR),
        OPENAI_BASE_URL=upstream.url.replace(f"127.0.0.1:{upstream.port}", f"{NEAR}:{relay.port}"),
        JWT_SIGNING_KEY=(near.data / "jwt_key").read_text(), SECRET_KEY=(near.data / "secret_key").read_text(), **quick,
    )  # fmt: skip
    far.start_process()
    wait_until_taking(near, 2)
    yield near, far
    cable.join()
    for each in (far, near, relay, redis, postgres):
        each.close()


def test_a_host_that_is_cut_off_loses_its_runs_to_the_other_and_is_fenced_out(
    hosts: tuple[Server, FarServer], cable: Cable, upstream: Upstream
) -> None:
    near, far = hosts
    here = client(near)
    there = Client(far, here.token)
    mark, gate = key(), key()
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(text="Again, whole."), Turn(text="Joined."), key=mark)
    chat = here.chat()
    run = there.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark, timeout_s=10)
    with here.events(run) as stream:
        stream.until("text.delta")
        cable.cut()
        cut = time.monotonic()
        frames = stream.frames()
    took_s = time.monotonic() - cut
    print(f"taken over and ended {took_s:.2f} s after the cut")
    upstream.release(gate)  # the other host's model goes on: nobody wants to hear it
    time.sleep(3)
    cable.join()
    wait_until_answering(there)
    second = there.start(there.chat(), f"[[key={mark}]] go on")["run"]["id"]
    assert there.wait(second)["status"] == "succeeded"
    for each in (here, there):
        ended = each.get(f"/api/runs/{run}/")
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        with each.events(run) as stream:
            late = stream.frames()
        assert text_of(late) == each.answer(chat)["content"] == "Again, whole."
        assert sum(frame.is_end for frame in late) == 1
    assert frames[-1].is_end
    assert len(upstream.requests(mark)) == 3
    near.manage("check_log")
    assert took_s < 30  # 10 s and what a busy machine adds


def wait_until_taking(near: Server, processes: int) -> None:
    """So many execute runs: one that is just up leaves to others what it is asked for."""
    begun = time.monotonic()
    while f"takes {processes}" not in near.manage("shell", "-v", "0", "-c", TAKING).stdout:
        assert time.monotonic() - begun < 60
        time.sleep(0.2)


def wait_until_answering(there: Client) -> None:
    """The host that was cut off finds its database again."""
    joined = time.monotonic()
    while there.server.call("GET", "/api/projects/", token=there.token).status != 200:
        assert time.monotonic() - joined < 60
        time.sleep(0.2)
    print(f"it answers again {time.monotonic() - joined:.2f} s after the network")


def test_a_reader_that_vanishes_without_a_word_is_let_go(cable: Cable, upstream: Upstream) -> None:
    near = Server(
        HOST="0.0.0.0", ALLOWED_HOSTS=f"127.0.0.1,{NEAR}", CHAT_HEARTBEAT_S="1", WRITE_TIMEOUT_S="3",
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none",
    ).start()  # fmt: skip
    here, mark, gate = client(near), key(), key()
    upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
    run = here.start(here.chat(), f"[[key={mark}]] go")["run"]["id"]
    head = f"GET /api/runs/{run}/events HTTP/1.1\r\nHost: {NEAR}\r\nAuthorization: Bearer {here.token}\r\n\r\n"
    reader = subprocess.Popen(
        cable.there(sys.executable, "-c", READ, NEAR, str(near.port)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert reader.stdin is not None and reader.stdout is not None
        reader.stdin.write(head.encode())
        reader.stdin.close()
        assert b" 200 " in reader.stdout.readline()
        assert readers(near) == 1
        cable.cut()
        cut = time.monotonic()
        while readers(near):
            assert time.monotonic() - cut < 20
            time.sleep(0.2)
        print(f"let go {time.monotonic() - cut:.2f} s after the cut")
        upstream.release(gate)
        assert here.wait(run)["status"] == "succeeded"
    finally:
        reader.kill()
        reader.wait()
        near.close()


def readers(server: Server) -> int:
    """How many the process counts."""
    assert server.process is not None
    before = server.log().count("holds {")
    server.process.send_signal(signal.SIGUSR1)
    end = time.monotonic() + 10
    while (log := server.log()).count("holds {") == before:
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(json.loads(re.findall(r"holds (\{.*\})", log)[-1])["readers"])
