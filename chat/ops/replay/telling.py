"""What came of replays, for programs: JSON lines, and JUnit's XML."""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as xml

from agents.costs import text_of
from chat.metering.costs import currency
from chat.ops.replay.playback import Result

# What XML cannot say at all.
UNSAYABLE = dict.fromkeys([*range(0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]) | {9: "\t", 10: "\n", 13: "\r"}


def as_json(result: Result) -> dict[str, Any]:
    """One line: what was replayed, by which run, and what was looked at. The answer is in that run's log."""
    return {
        "line": result.case.line,
        "run": str(result.case.run.pk),
        "replayed": [str(each.run.pk) for each in result.runs],
        "model": result.model,
        "outcome": result.outcome,
        "checks": [{"name": each.name, "passed": each.is_passed, "told": each.told} for each in result.checks],
        "error": result.error,
        "tokens": result.tokens,
        "cost": text_of(result.nanos),
        "currency": currency(),
        "seconds": round(result.seconds, 3),
    }


def junit(results: Iterable[Result]) -> bytes:
    """All of them as one suite."""
    found = list(results)
    count = {name: sum(each.outcome == name for each in found) for name in ("failed", "error", "skipped")}
    attributes = {"failures": count["failed"], "errors": count["error"], "skipped": count["skipped"]}
    suite = xml.Element("testsuite", {"name": "replay", "tests": str(len(found))})
    suite.attrib |= {name: str(number) for name, number in attributes.items()}
    for each in found:
        _add(suite, each)
    return bytes(xml.tostring(suite, encoding="utf-8", xml_declaration=True))


def why(result: Result) -> str:
    """In a line, why it has not passed."""
    return result.error or "; ".join(f"{each.name}: {each.told}" for each in result.checks if not each.is_passed)


def _add(suite: xml.Element, result: Result) -> None:
    of = {"classname": result.model, "name": f"line {result.case.line}: {result.case.run.pk}"}
    case = xml.SubElement(suite, "testcase", {**of, "time": f"{result.seconds:.3f}"})
    tag = {"failed": "failure", "error": "error", "skipped": "skipped"}.get(result.outcome)
    if tag:
        xml.SubElement(case, tag, {"message": why(result).translate(UNSAYABLE)})
