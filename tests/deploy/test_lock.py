"""The locks: every package of them with its hashes, each requirement in them, and no address of an index."""

import re
from importlib.metadata import distribution, version

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.environment import ROOT

PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.+!-]+)", re.MULTILINE)
LOCKED = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def pins(*files: str) -> dict[str, str]:
    """Package -> version."""
    text = "\n".join((ROOT / each).read_text() for each in files)
    return {plain(name): number for name, number in PIN.findall(text)}


def plain(name: str) -> str:
    """As an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_package_has_its_hashes_and_nothing_else_is_in_the_locks() -> None:
    for file in ("requirements.lock", "requirements-dev.lock"):
        first, _, text = (ROOT / file).read_text().partition("\n")
        assert first.startswith("#") and LOCKED.sub("", text) == "", LOCKED.sub("", text)[:300]


@pytest.mark.parametrize("wants", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_required_is_locked(wants: str) -> None:
    locks = ["requirements.lock"] + (["requirements-dev.lock"] if "dev" in wants else [])
    required, locked = pins(wants), pins(*locks)
    assert required and {name: locked.get(name) for name in required} == required


@pytest.mark.parametrize("python", ["3.11.0", "3.11.14", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize("locks", [["requirements.lock"], ["requirements.lock", "requirements-dev.lock"]], ids=len)
def test_the_locks_are_whole_for_other_pythons_too(python: str, locks: list[str]) -> None:
    """Nothing is resolved when they are installed, so what only another Python needs must be there by name."""
    there = {**default_environment(), "python_version": python.rpartition(".")[0], "python_full_version": python}
    locked, missing = pins(*locks), set()
    for name in locked.keys() - {"async-timeout"}:
        for each in map(Requirement, distribution(name).requires or []):
            needs = each.marker is None or each.marker.evaluate({**there, "extra": ""})
            if needs and plain(each.name) not in {*locked, "pip"}:
                missing.add(f"{name}: {each}")
    assert missing == set()


def test_what_runs_here_is_what_is_locked() -> None:
    locked = pins("requirements.lock")
    del locked["async-timeout"]  # by its marker, for the first Pythons of 3.11 only
    assert {name: version(name) for name in locked} == locked
