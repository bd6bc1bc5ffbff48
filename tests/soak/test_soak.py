"""A short run of `make soak` comes to its table. In a minute caches still grow, so nobody is asked whether they did."""

import json
import pathlib
import subprocess
import sys

import pytest

from tests import environment
from tests.environment import ROOT
from tests.soak.verdict import FIGURES

KINDS = {
    "answers", "readers that came back", "cancels", "tool runs", "reads", "admin pages", "WebSockets",
    "deflated WebSockets",
}  # fmt: skip


def soak(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.soak", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400)


@pytest.mark.live
@pytest.mark.faults
@pytest.mark.smoke
@pytest.mark.skipif(environment.profile() != "embedded", reason="the scaled one is make soak")
def test_a_minute_comes_to_its_table_and_nothing_of_the_load_fails(tmp_path: pathlib.Path) -> None:
    done = soak("--minutes", "1", "--profile", "embedded", "--out", str(tmp_path))
    told = json.loads((tmp_path / "embedded.json").read_text())
    assert told["faults"] == [] and told["failed"] == {}, done.stdout
    assert set(told["done"]) == KINDS
    assert [row["figure"]["name"] for row in told["rows"]] == [each.name for each in FIGURES.values()]
    assert all(row["settled"] > 0 for row in told["rows"])
    assert len(told["samples"]) == 60
    assert (tmp_path / "embedded.svg").read_text().count("<polyline") == 2 * len(FIGURES)
    assert "| figure | after 10 seconds | at the end | change | |" in done.stdout
    assert done.returncode == any(row["grew"] for row in told["rows"])


@pytest.mark.parametrize("minutes", ["0", "0.5", "nan", "inf", "x", "100000"])
def test_a_time_that_cannot_be_meant_is_refused(minutes: str) -> None:
    done = soak("--minutes", minutes)
    assert done.returncode == 2
    assert "expected minutes from 1 to 10080" in done.stderr
