"""Parsers of which nothing good comes. Each is run in a child only."""

import os
import signal
import socket
import sys
import time
from typing import Any


def spins(data: bytes) -> None:
    while True:
        pass


def sleeps(data: bytes) -> None:
    time.sleep(600)


def sleeps_deaf(data: bytes) -> None:
    """Hears of no signal that can be ignored."""
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(600)


def eats(data: bytes) -> None:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def forks(data: bytes) -> int:
    """Leaves somebody behind who keeps the output open, where the system lets it fork at all, and tells its id."""
    started = os.fork()
    if not started:
        time.sleep(600)
    return started


def floods(data: bytes) -> None:
    while True:
        sys.stdout.write("x" * 1_000_000)


def crashes(data: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def raises(data: bytes) -> None:
    raise ValueError(data.decode())


def nests(data: bytes) -> None:
    """A value that no reader of JSON can take."""
    sys.stdout.write("[" * 1_000_000)


def opens(data: bytes) -> int:
    kept: list[Any] = []
    while True:
        kept.append(socket.socket())


def tells_its_surroundings(data: bytes) -> dict[str, Any]:
    """What a parser could find beside its file."""
    here = {"environment": dict(os.environ), "leader": os.getpid() == os.getpgid(0)}
    return here | {"open": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1], "said": data.decode()}
