"""Files of strangers: whatever they do to their parser, the server goes on and nothing is left."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.environment import ROOT
from tests.tools import hostile_parsers
from tools.errors import ParsingError
from tools.parsing.parsers import PARSERS
from tools.parsing.process import parse

STALL_S = 0.05


@pytest.fixture(autouse=True)
def hostile(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    names = [name for name in vars(hostile_parsers) if not name.startswith("_")]
    for name in names:
        monkeypatch.setitem(PARSERS, name, f"tests.tools.hostile_parsers:{name}")
    settings.PARSING_TIMEOUT_S = 20
    settings.PARSING_CPU_S = 1
    settings.PARSING_OUTPUT_MAX_BYTES = 1_000_000
    settings.PARSING_MEMORY_BYTES = 300_000_000


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, zombie or not, no open file, no file in the folder of temporary ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others, files = children(), len(os.listdir("/proc/self/fd"))
    yield
    end = time.monotonic() + 5
    while children() - others and time.monotonic() < end:
        time.sleep(0.02)
    assert children() - others == set()
    assert len(os.listdir("/proc/self/fd")) <= files
    assert os.listdir(tmp_path) == []


def children() -> set[int]:
    """The processes, zombies too, that this one has begun and not seen the end of."""
    numbers = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return {number for number in numbers if (state := state_of(number)) and int(state[1]) == os.getpid()}


def state_of(number: int) -> list[str]:
    """What the system says of a process: its state, its parent, more. Nothing of one that is gone."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def wait_for_children(others: set[int]) -> None:
    end = time.monotonic() + 10
    while not children() - others and time.monotonic() < end:
        time.sleep(0.01)


class Pulse:
    """The longest time that the loop did not come round while it was measured."""

    longest_s = 0.0

    async def __aenter__(self) -> "Pulse":
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()

    async def _beat(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            self.longest_s = max(self.longest_s, time.monotonic() - before - 0.005)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1\n", None),
        ("", None),
        ("def f(:\n    pass\n", {"line": 1, "column": 7, "message": "invalid syntax"}),
        ("x = 1\nif x:\nprint(x)\n", {"line": 3, "column": 1, "message": "expected an indented block after"}),
        ("x = 'ä' 1\n", {"line": 1, "column": 9, "message": "invalid syntax"}),
        ("x = '\n", {"line": 1, "column": 5, "message": "unterminated string"}),
        ("# coding: nothing-known\n", {"line": 1, "column": 1, "message": "unknown encoding"}),
        ("x = 1\0", {"line": 1, "column": 1, "message": "null bytes"}),
        ("(" * 500, {"line": 1, "column": 201, "message": "too many nested parentheses"}),
    ],
)
async def test_python_tells_its_first_error(source: str, found: dict[str, Any] | None) -> None:
    told = await parse("python", source.encode())
    if found is None:
        assert told is None
    else:
        assert found.pop("message") in told.pop("message") and told == found


async def test_200_000_minus_signs_are_told_or_end_their_child_alone() -> None:
    async with Pulse() as pulse:
        try:
            told = await parse("python", b"-" * 200_000 + b"1")
        except ParsingError as error:
            told = {"message": str(error)}
    assert told is not None and told["message"]
    assert pulse.longest_s < STALL_S


# What it does, the code it ends with, and seconds that it may take.
HOSTILE = {
    "spins": ("timeout", 8),
    "sleeps": ("timeout", 3),
    "sleeps_deaf": ("timeout", 3),
    "eats": ("failed", 8),
    "floods": ("failed", 8),
    "crashes": ("failed", 8),
    "raises": ("failed", 8),
    "nests": ("failed", 8),
    "opens": ("failed", 8),
}


@pytest.mark.parametrize(("parser", "code", "longest_s"), [(name, *row) for name, row in HOSTILE.items()])
async def test_it_ends_with_its_child_and_the_loop_goes_on(
    parser: str, code: str, longest_s: float, settings: Any
) -> None:
    if parser.startswith("sleeps"):
        settings.PARSING_TIMEOUT_S = 1
    began = time.monotonic()
    async with Pulse() as pulse:
        with pytest.raises(ParsingError) as told:
            await parse(parser, b"secret words of the file")
    assert told.value.code == code and "secret" not in str(told.value)
    assert time.monotonic() - began < longest_s
    assert pulse.longest_s < STALL_S


async def test_what_a_parser_starts_ends_with_it() -> None:
    """It may start nothing; root may, on most systems, and there its group is ended."""
    try:
        started = await parse("forks", b"")
        end = time.monotonic() + 5
        while state_of(started)[:1] not in ([], ["Z"]) and time.monotonic() < end:
            await asyncio.to_thread(time.sleep, 0.02)
        assert state_of(started)[:1] in ([], ["Z"]), "dead, whether or not the machine has seen it"
    except ParsingError as error:
        assert error.code == "failed" and os.getuid() != 0


async def test_it_sees_its_file_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    told = await parse("tells_its_surroundings", b"hello")
    environment = {name for name in told["environment"] if name != "LC_CTYPE"}  # Python sets this one itself
    assert told["said"] == "hello" and environment == set()
    assert told["open"] == [0, 1, 2] and told["leader"]


async def test_leaving_early_ends_the_child(settings: Any) -> None:
    settings.PARSING_AT_ONCE = 1
    others = children()
    tasks = [asyncio.create_task(parse("sleeps", b"")) for _ in range(3)]
    await asyncio.to_thread(wait_for_children, others)
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*tasks, return_exceptions=True)
    )
    assert await parse("python", b"x = 1") is None, "the place is free again"


async def test_no_more_run_at_once_than_may(settings: Any) -> None:
    settings.PARSING_AT_ONCE, settings.PARSING_TIMEOUT_S = 3, 2
    others = children()
    tasks = [asyncio.create_task(parse("sleeps", b"")) for _ in range(6)]
    most = 0
    while not all(task.done() for task in tasks):
        most = max(most, len(children() - others))
        await asyncio.sleep(0.05)
    assert most == 3
    assert {type(task.exception()) for task in tasks} == {ParsingError}


def test_a_child_whose_server_is_gone_ends_by_itself() -> None:
    bounds = ["300000000", "1", "1", "1000"]
    command = [sys.executable, "-m", "tools.parsing.child", "tests.tools.hostile_parsers:sleeps", *bounds]
    assert subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=15).returncode < 0
