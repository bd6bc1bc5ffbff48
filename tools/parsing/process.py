"""A file of a stranger parsed in a child process, from its start to the last trace of it.

In and out go through files without a name: no pipe can fill up, and nothing is left to be deleted. The child is the
leader of a group, and whatever it has started ends with it, also after it has ended well.
"""

import asyncio
import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from django.conf import settings

from tools.cleaning import clean_json
from tools.errors import ParsingError
from tools.parsing.parsers import PARSERS
from tools.parsing.refusing import STATUS as REFUSED

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.01  # between two looks whether the child has ended
TIMES_UP = (signal.SIGXCPU, signal.SIGALRM)


class Parsed(NamedTuple):
    """What came of a file."""

    value: Any  # JSON
    data: bytes  # behind it; empty where the parser makes none


async def parse(parser: str, data: bytes, *, cpu_s: int | None = None, timeout_s: int | None = None) -> Any:
    """The JSON value that this parser, one of PARSERS, makes of the file.

    PARSING_AT_ONCE files are parsed at once, others wait; `cpu_s` and `timeout_s` ask for less than PARSING_CPU_S and
    PARSING_TIMEOUT_S. Leaving early ends the child. Raises ParsingError.
    """
    child = Child(PARSERS[parser], data, cpu_s=cpu_s, timeout_s=timeout_s)
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads(settings.PARSING_AT_ONCE), child.run)
    except asyncio.CancelledError:
        child.leave()
        raise


def parse_now(parser: str, data: bytes, *, cpu_s: int | None = None, timeout_s: int | None = None) -> Parsed:
    """The same for a caller that is in a thread of its own and waits: the value, and the bytes behind it. Sync."""
    child = Child(PARSERS[parser], data, cpu_s=cpu_s, timeout_s=timeout_s)
    return _threads(settings.PARSING_AT_ONCE).submit(child.whole).result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="parsing")


class Child:
    """One child and its file. `run()` blocks; `leave()` makes it end, from another thread."""

    def __init__(self, parser: str, data: bytes, *, cpu_s: int | None = None, timeout_s: int | None = None) -> None:
        self.parser = parser
        self.data = data
        self.cpu_s = min(cpu_s or settings.PARSING_CPU_S, settings.PARSING_CPU_S)
        self.timeout_s = min(timeout_s or settings.PARSING_TIMEOUT_S, settings.PARSING_TIMEOUT_S)
        self._is_left = False

    def leave(self) -> None:
        """Nobody waits for it any more."""
        self._is_left = True

    def run(self) -> Any:
        """The value. Raises ParsingError."""
        return self.whole().value

    def whole(self) -> Parsed:
        """The value, and the bytes behind it. Raises ParsingError."""
        with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as told:
            file.write(self.data)
            file.seek(0)
            status = self._ended(self._start(file, told))
            if status == REFUSED:
                raise ParsingError("refused", str(_parsed(told).value))
            self._judge(status)
            return _parsed(told)

    def _start(self, file: IO[bytes], told: IO[bytes]) -> "subprocess.Popen[bytes]":
        bounds = (
            settings.PARSING_MEMORY_BYTES,
            self.cpu_s,
            self.timeout_s + 1,  # by then we have ended it
            settings.PARSING_OUTPUT_MAX_BYTES,
        )
        return subprocess.Popen(
            [sys.executable, "-sEB", "-m", "tools.parsing.child", self.parser, *map(str, bounds)],
            cwd=ROOT,
            env={},
            stdin=file,
            stdout=told,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _ended(self, child: "subprocess.Popen[bytes]") -> int:
        """The status it ended with, in time or not. Its group is ended while its id is still its own."""
        end = time.monotonic() + self.timeout_s
        look = os.WEXITED | os.WNOWAIT | os.WNOHANG
        while not self._is_left and time.monotonic() < end and os.waitid(os.P_PID, child.pid, look) is None:
            time.sleep(LOOK_S)
        is_late = os.waitid(os.P_PID, child.pid, look) is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        status = child.wait()
        return -signal.SIGALRM if is_late else status

    def _judge(self, status: int) -> None:
        if -status in TIMES_UP:
            raise ParsingError("timeout", "The file takes too long to be read.")
        if status:
            raise ParsingError(
                "failed", "The file cannot be read: it is damaged, or needs more than may be used for it."
            )


def _parsed(told: IO[bytes]) -> Parsed:
    told.seek(0)
    value, _, data = told.read().partition(b"\n")  # JSON as the child writes it has no line ends
    try:
        return Parsed(clean_json(msgspec.json.decode(value)), data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParsingError("failed", "The file cannot be read: nothing sound came of it.") from error
