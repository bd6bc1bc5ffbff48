"""A child that takes one repository in, from its start to the last trace of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from tools.cleaning import clean
from tools.errors import RemoteError
from tools.git.remote.job import Job
from tools.git.remote.proxy import Proxy

ROOT = Path(__file__).resolve().parents[3]
LINE_MAX_BYTES = 65_536
CUT = "It takes longer or needs more memory than may be used for it, or what came is damaged."

COMMAND = (sys.executable, "-sEB", "-m", "tools.git.remote.child")
OPTIONS: dict[str, Any] = {
    "cwd": ROOT,
    "env": {},
    "stdin": subprocess.PIPE,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.DEVNULL,
    "start_new_session": True,
}


@dataclass(frozen=True)
class Progress:
    """How far it is; `total` 0: nobody knows."""

    text: str
    done: int
    total: int


@dataclass(frozen=True)
class Received:
    """What is in the folder now."""

    branch: str
    commit: str  # its newest, hex
    files: int


def job(**what: Any) -> Job:
    """A job with the bounds of the settings."""
    bounds = {
        "parent": os.getpid(),
        "memory_bytes": settings.CLONE_MEMORY_BYTES,
        "disk_bytes": settings.TOOLS_REPOSITORY_MAX_BYTES,
        "max_files": settings.TOOLS_REPOSITORY_MAX_FILES,
        "timeout_s": settings.CLONE_TIMEOUT_S + 1,  # by then we have ended it
        "max_objects": settings.CLONE_MAX_OBJECTS,
        "max_file_bytes": settings.CLONE_MAX_FILE_BYTES,
        "ca": settings.CLONE_CA_FILE,
        "connect_s": int(settings.OUTWARD_CONNECT_TIMEOUT_S) + 1,
        "idle_s": settings.CLONE_IDLE_S,
        "max_unpacked_bytes": settings.UPLOAD_MAX_UNPACKED_BYTES,
        "max_entries": settings.UPLOAD_MAX_ENTRIES,
    }
    return Job(**{**bounds, **what})


async def from_remote(job: Job) -> AsyncGenerator[Progress | Received, None]:
    """How far the clone or fetch is, and last what came. Leaving early ends the child. Raises RemoteError."""
    async with Proxy(job.url, max_bytes=settings.CLONE_MAX_BYTES) as proxy:
        try:
            async with aclosing(_said(replace(job, proxy=proxy.url))) as said:
                async for each in said:
                    yield each
        except RemoteError as error:
            raise _better(proxy.fault, error) from error


def _better(fault: RemoteError | None, error: RemoteError) -> RemoteError:
    """What the proxy knows, unless all that it knows is that nothing came any more."""
    if fault is None or (fault.code == "remote_unavailable" and error.code != fault.code):
        return error
    return fault


def from_zip(job: Job) -> Received:
    """What is in the zip. Waits for it. Raises RemoteError."""
    with subprocess.Popen(COMMAND, **OPTIONS) as child:
        try:
            told, _ = child.communicate(_line(job), timeout=settings.UPLOAD_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise RemoteError("remote_too_large", CUT) from None
        finally:
            _end(child.pid)
    for line in told.splitlines():
        found = _read(line)
        if isinstance(found, Received):
            return found
    raise RemoteError("remote_too_large", CUT)


async def _said(job: Job) -> AsyncGenerator[Progress | Received, None]:
    child = await asyncio.create_subprocess_exec(*COMMAND, limit=LINE_MAX_BYTES, **OPTIONS)
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(_line(job))
        child.stdin.close()
        while line := await child.stdout.readline():
            found = _read(line)
            yield found
            if isinstance(found, Received):
                return
        raise RemoteError("remote_too_large", CUT)
    finally:
        _end(child.pid)
        await asyncio.shield(child.wait())


def _end(pid: int) -> None:
    """Its group ends; it is waited for after this, so that the id is still its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _line(job: Job) -> bytes:
    return msgspec.json.encode(asdict(job)) + b"\n"


def _read(line: bytes) -> Progress | Received:
    """One line of the child. Raises the RemoteError that it tells."""
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        raise RemoteError("remote_invalid", CUT) from None
    if "code" in said:
        raise RemoteError(said["code"], clean(said["message"]))
    if "commit" in said:
        return Received(**said)
    return Progress(**said)
