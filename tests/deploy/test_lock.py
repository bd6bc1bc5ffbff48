"""The locks: every package of them with its hashes, each requirement in them, and no address of an index."""

import re
from importlib.metadata import version

import pytest

from tests.environment import ROOT

PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.+!-]+)", re.MULTILINE)
LOCKED = re.compile(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def pins(*files: str) -> dict[str, str]:
    """Package -> version."""
    text = "\n".join((ROOT / each).read_text() for each in files)
    return {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in PIN.findall(text)}


def test_each_package_has_its_hashes_and_nothing_else_is_in_the_locks() -> None:
    for file in ("requirements.lock", "requirements-dev.lock"):
        first, _, text = (ROOT / file).read_text().partition("\n")
        assert first.startswith("#") and LOCKED.sub("", text) == "", LOCKED.sub("", text)[:300]


@pytest.mark.parametrize("wants", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_required_is_locked(wants: str) -> None:
    locks = ["requirements.lock"] + (["requirements-dev.lock"] if "dev" in wants else [])
    required, locked = pins(wants), pins(*locks)
    assert required and {name: locked.get(name) for name in required} == required


def test_what_runs_here_is_what_is_locked() -> None:
    locked = pins("requirements.lock")
    assert {name: version(name) for name in locked} == locked
