"""Whether what a builder has written is the code of its kind. It is parsed in a process of its own, and never run."""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tools.errors import ParsingError
from tools.parsing.process import parse

FENCE = re.compile(r"(`{3,}|~{3,})[\w+.#-]*[ \t]*")
MAX_FINDINGS = 20
WALL_S = 10  # beside the seconds of a processor: a child may wait for one
SIMPLER = "it takes too long, or too much, to be parsed: write less, and nest it less deeply"


@dataclass(frozen=True)
class Finding:
    """What is wrong with the code, and where; line and column from 1."""

    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.what}"


def code_of(text: str) -> str:
    """The code alone, ending with a line break: one fence that holds all of it is taken off."""
    lines = text.strip().split("\n")
    opening = FENCE.fullmatch(lines[0])
    mark = opening[1] if opening else ""
    is_fenced = bool(mark) and len(lines) > 1 and _closes(lines[-1], mark)
    if is_fenced and not any(_closes(line, mark) for line in lines[1:-1]):
        lines = lines[1:-1]
    code = "\n".join(lines).strip("\n")
    return f"{code}\n" if code.strip() else ""


async def findings_of(kind: str, code: str) -> list[Finding]:
    """What is wrong with the code, at most MAX_FINDINGS; nothing where it is right."""
    data = code.encode()
    if not data:
        return [Finding(1, 1, "there is no code")]
    if len(data) > settings.BUILD_SOURCE_MAX_BYTES:
        return [Finding(1, 1, f"it has {len(data):,} bytes; at most {settings.BUILD_SOURCE_MAX_BYTES:,} fit")]
    try:
        found: list[dict[str, Any]] = await parse(
            f"component_{kind}", data, cpu_s=settings.BUILD_PARSE_CPU_S, timeout_s=WALL_S
        )
    except ParsingError:
        return [Finding(1, 1, SIMPLER)]
    return [Finding(**each) for each in found[:MAX_FINDINGS]]


def _closes(line: str, mark: str) -> bool:
    stripped = line.rstrip()
    return len(stripped) >= len(mark) and set(stripped) == {mark[0]}
