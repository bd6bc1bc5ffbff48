"""The files for Prometheus and Grafana, and the page about metrics: they name what is told, and nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from chat.metering import counters, gauges
from chat.ops.tracing import sending
from tests.environment import ROOT

FOLDER = ROOT / "docs" / "deploy" / "monitoring"
NAME = re.compile(r"\b(?:parley|process)_[a-z_]+\b")
WORD = re.compile(r"`([a-z_]+)`")
MATCHED = re.compile(r"([a-z_]+)(?:=|!=|=~|!~)\"")
OF_HISTOGRAMS = ("_bucket", "_count", "_sum")
assert sending.spans_counted  # it is told once it is loaded


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [each for each in json.loads((FOLDER / "grafana.json").read_text())["panels"] if each["type"] != "row"]


def asked() -> Iterator[tuple[str, str]]:
    """Each expression, and where it stands."""
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def told() -> set[str]:
    """The families that are told, as they are asked for."""
    here = {f"{each.name}_total" if each.type == "counter" else each.name for each in gauges.HERE.collect()}
    totals = {name for name in counters.KNOWN if name.endswith("_total")}
    return {*totals, *counters.HISTOGRAMS, *gauges.SHARED, gauges.FAILED, *here}


def family(name: str) -> str:
    """What a name of a sample is of."""
    end = next((each for each in OF_HISTOGRAMS if name.endswith(each)), "")
    return name.removesuffix(end) if name.removesuffix(end) in counters.HISTOGRAMS else name


def labels() -> dict[str, set[str]]:
    """What each of ours may be asked by: those of a total, and of a gauge's samples as the page says them."""
    rows = re.findall(r"^\| (`[^|]*`) \|([^|]*)\|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    return {name: set(WORD.findall(said)) for names, said in rows for name in WORD.findall(names)}


def test_whatever_is_asked_for_is_told() -> None:
    found = {where: {family(name) for name in NAME.findall(expr)} for where, expr in asked()}
    assert len(found) > 40 and all(found.values())
    assert {where: names - told() for where, names in found.items() if names - told()} == {}


def test_the_page_has_all_that_is_told_and_nothing_else() -> None:
    assert set(labels()) == told()


def test_the_page_says_the_labels_of_each_total() -> None:
    known = labels()
    for name, each in counters.KNOWN.items():
        assert known[family(name)] == each.labels - {"le"}, name


def test_labels_that_are_asked_for_are_there() -> None:
    known, everywhere = labels(), {"le", "process"}
    for where, expr in asked():
        for name, matchers in re.findall(r"\b((?:parley|process)_[a-z_]+)\{([^}]*)\}", expr):
            assert set(MATCHED.findall(matchers)) - everywhere <= known[family(name)], where


def test_each_alert_says_what_is_and_what_to_do() -> None:
    names = [each["alert"] for each in alerts()]
    assert len(names) == len(set(names)) > 10
    for each in alerts():
        assert each["labels"]["severity"] in ("page", "ticket")
        assert each["annotations"].keys() == {"summary", "description"}


def test_the_dashboard_s_panels_lie_side_by_side() -> None:
    places = [each["gridPos"] for each in panels()]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_takes_the_rules_and_they_come_when_they_should() -> None:
    for command in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
