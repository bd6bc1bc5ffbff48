"""`manage.py replay FILE`: runs that were, asked again of another model or agent, and checked. docs/replay.md."""

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents import installation
from agents.archetypes import registry
from agents.costs import text_of
from agents.errors import UnknownArchetype
from chat.management.rows import load_rows
from chat.metering.costs import currency
from chat.ops.replay.cases import Case, Wrong, read
from chat.ops.replay.playback import Result, Wanted, playback
from chat.ops.replay.playing import NobodyServes
from chat.ops.replay.telling import as_json, junit, why

NOBODY = "No process is up that executes runs. Start one: manage.py serve, or manage.py run_agents."


class Command(BaseCommand):
    help = (
        "Asks again what runs were asked, each in a hidden chat that expires after a day, with tools that do nothing "
        "and give what they gave then. It costs what answers cost, of the budgets of whom the runs were for. Exits "
        "with 1 where a case has not passed, with 2 where nothing could be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="JSON lines: run or message, calls, contains, judge"
        )
        parser.add_argument("--model", default="", help="ask this one; else the one that was asked")
        parser.add_argument("--archetype", default="", help="of this kind of agent; else as it was")
        parser.add_argument("--judge-model", default="", help="that judges; else the one that is asked")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N cases")
        parser.add_argument("--max-cost", metavar="X", help="begin no other case once they have cost so much")
        parser.add_argument("--jsonl", type=Path, metavar="FILE", help="write what came of each as a JSON line")
        parser.add_argument("--junit", type=Path, metavar="FILE", help="write it as JUnit's XML")
        parser.add_argument("--json", action="store_true", help="tell it in JSON lines, for programs")
        parser.add_argument("--dry-run", action="store_true", help="read the file, and ask nothing")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        load_rows(self.stderr)
        wanted = _wanted(**options)
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit: expected a number from 1 on.", returncode=2)
        try:
            cases = read(file, options["limit"])
        except Wrong as error:
            raise CommandError(f"{error} Nothing was asked.", returncode=2) from error
        if options["dry_run"]:
            self.stdout.write(f"{len(cases)} cases, by {wanted.model or 'the models that were asked'}.")
            return
        results: list[Result] = []
        try:
            self._play(cases, wanted, results, is_json=options["json"])
        except NobodyServes as error:
            raise CommandError(NOBODY, returncode=2) from error
        finally:  # what was asked has cost something, also where somebody breaks off
            _write(results, options["jsonl"], options["junit"])
        self._end(results, is_json=options["json"])

    def _play(self, cases: list[Case], wanted: Wanted, results: list[Result], *, is_json: bool) -> None:
        """All of them; each is told, and is among the results, as it ends."""
        for number, result in enumerate(playback(cases, wanted), 1):
            results.append(result)
            said = f"{number}/{len(cases)} {result.case.run.pk} {result.outcome} {why(result)}".rstrip()
            self.stdout.write(_line(result) if is_json else said)

    def _end(self, results: list[Result], *, is_json: bool) -> None:
        passed = sum(each.outcome == "passed" for each in results)
        spent = text_of(sum(each.nanos for each in results))
        (self.stderr if is_json else self.stdout).write(
            f"{passed} of {len(results)} passed. They cost {spent} {currency()}, as far as that is known."
        )
        if passed < len(results):
            raise SystemExit(1)


def _wanted(*, model: str, archetype: str, judge_model: str, max_cost: str | None, **more: Any) -> Wanted:
    """Raises CommandError for a name that is none."""
    for option, name in (("--model", model), ("--judge-model", judge_model)):
        if name and not installation.has_model(name):
            raise CommandError(f"{option}: expected one of {', '.join(installation.model_names())}.", returncode=2)
    try:
        known = registry.get(archetype).name if archetype else ""
    except UnknownArchetype as error:
        raise CommandError(f"--archetype: {error}", returncode=2) from error
    return Wanted(model, known, judge_model, _nanos(max_cost))


def _nanos(amount: str | None) -> int | None:
    if amount is None:
        return None
    try:
        nanos = int(Decimal(amount) * 10**9)
    except (InvalidOperation, OverflowError, ValueError):
        nanos = 0
    if nanos <= 0:
        raise CommandError(f"--max-cost: expected an amount in {currency()}, such as 2.50.", returncode=2)
    return nanos


def _line(result: Result) -> str:
    return json.dumps(as_json(result), ensure_ascii=False)


def _write(results: list[Result], lines: Path | None, suite: Path | None) -> None:
    if lines is not None:
        lines.write_text("".join(f"{_line(each)}\n" for each in results), encoding="utf-8")
    if suite is not None:
        suite.write_bytes(junit(results))
