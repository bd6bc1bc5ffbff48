"""docs/architecture.md speaks of files that are there, and of every room."""

import re

from tests.environment import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
PATH = re.compile(
    r"`((?:accounts|agents|chat|config|docs|static|templates|tests|tools)/[\w./-]+|pyproject\.toml|\.env\.example)`"
)
FOR_NEW_ONES = re.compile(r"/NAME\b")


def test_every_file_that_is_named_is_there() -> None:
    named = {path for path in PATH.findall(PAGE) if not FOR_NEW_ONES.search(path)}
    assert len(named) > 30, "the page names hardly any file: this test has lost its meaning"
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_room_is_drawn() -> None:
    drawing = PAGE[PAGE.index("## The house") : PAGE.index("## A message's way")]
    rooms = [
        folder.name
        for package in ("accounts", "agents", "chat", "config", "tools")
        for folder in (ROOT / package).iterdir()
        if folder.is_dir() and (folder / "__init__.py").exists() and folder.name not in ("migrations", "management")
    ]
    assert [room for room in rooms if f"{room}/" not in drawing] == []
