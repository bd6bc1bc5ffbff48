"""What is replayed: a file of JSON lines, each a run that was and what is expected of its answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args
from uuid import UUID

from django.core.exceptions import ValidationError

from chat.models import OPEN, MessageStatus, Run

Calls = Literal["same", "names", "any"]
KNOWN = frozenset({"run", "message", "calls", "contains", "judge"})
EXPECTED_RUN = "expected run, or message, with the id of an answer that is over"
ERASED = "the question or the answer was deleted: what its tools gave is gone with it"
TEXT_MAX_CHARS = 10_000


class Wrong(Exception):
    """The file cannot be meant; says which line, and what was expected."""


@dataclass(frozen=True)
class Case:
    """One line."""

    line: int
    run: Run  # with its chat, its message and its person
    calls: Calls  # same: name and arguments; names alone; any: it does not matter
    contains: tuple[str, ...]  # texts that the answer must have
    judge: str  # what a model is to look for in it; empty: none is asked


def read(path: Path, limit: int | None) -> list[Case]:
    """The cases, the first `limit` of them. Raises Wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: {error}") from None
    cases = list(_cases(lines))[:limit]
    if not cases:
        raise Wrong(f"{path}: expected JSON lines, one case on each.")
    return cases


def _cases(lines: list[str]) -> Iterator[Case]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _case(number, _object(line))
            except ValueError as error:
                raise Wrong(f"line {number}: {error}.") from None


def _object(line: str) -> dict[str, Any]:
    """What the line says; a line of a data set has it in `item`, among other things that are passed over."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("expected a JSON object") from None
    if isinstance(value, dict) and isinstance(value.get("item"), dict):
        return {name: each for name, each in value["item"].items() if name in KNOWN}
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    if unknown := sorted(value.keys() - KNOWN):
        raise ValueError(f"{', '.join(unknown)}: unknown; expected some of {', '.join(sorted(KNOWN))}")
    return value


def _case(number: int, value: dict[str, Any]) -> Case:
    calls = value.get("calls", "same")
    if calls not in get_args(Calls):
        raise ValueError(f"calls: expected one of {', '.join(get_args(Calls))}")
    contains = value.get("contains", [])
    contains = [contains] if isinstance(contains, str) else contains
    if not isinstance(contains, list) or not all(_is_text(each) for each in contains):
        raise ValueError("contains: expected a text, or a list of texts")
    judge = value.get("judge", "")
    if judge and not _is_text(judge):
        raise ValueError(f"judge: expected a text of at most {TEXT_MAX_CHARS} characters")
    return Case(number, _run(value), cast(Calls, calls), tuple(contains), judge)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX_CHARS


def _run(value: dict[str, Any]) -> Run:
    by = {"pk": value["run"]} if "run" in value else {"message": value.get("message")}
    runs = Run.objects.answers().select_related("chat__project", "input", "message", "user")
    try:
        found = runs.filter(**{name: UUID(str(id)) for name, id in by.items()}, command="").first()
    except (ValueError, ValidationError):
        raise ValueError(EXPECTED_RUN) from None
    if found is None or found.status in OPEN or found.asked_in.deleted_at is not None:
        raise ValueError(EXPECTED_RUN)
    if MessageStatus.DELETED in (found.question.status, found.message.status if found.message else ""):
        raise ValueError(ERASED)
    return found
