"""`manage.py chaos`: breaks an installation of its own in every way it knows, and says what held."""

import argparse
import asyncio
import pathlib
import random
import tempfile
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from agents.archetypes import registry
from chat.ops.chaos import archetype, drill
from chat.ops.chaos.faults import NAMES, ON_SERVERS
from chat.ops.chaos.findings.table import misses, table
from chat.ops.chaos.installation import CannotStart
from chat.ops.chaos.room import Order, run_room
from chat.runner import kinds


class Command(BaseCommand):
    help = (
        "Starts an installation of its own on this machine's loopback, drives scripted runs through its public API, "
        "kills, freezes and cuts while they run, and prints one table of what held. Your data is not touched. "
        "See docs/chaos.md."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--process", choices=("web", "agents"), help=argparse.SUPPRESS)
        add(
            "--profile",
            choices=("embedded", "scaled", "both"),
            default="embedded",
            help="embedded: one process on SQLite (default); scaled: 2 web and a run_agents, PostgreSQL, Redis",
        )
        add("--runs", type=_whole(1, 100_000), default=100, help="how many runs (100)")
        add("--readers", type=_whole(0, 20), default=2, help="readers of each run (2)")
        add("--at-once", type=_whole(1, 200), default=12, help="runs under way at a time (12)")
        add("--seed", type=int, help="of all dice; the same seed plans the same runs and faults (default: a new one)")
        add("--seconds", type=_whole(1, 86_400), default=1200, help="after so many no run begins any more (1200)")
        add("--faults", default="all", help=f"all, none, or some of {','.join(NAMES)}")
        add("--database-url", default="", help="a PostgreSQL on this machine, instead of one of its own")
        add("--redis-url", default="", help="an empty Redis database on this machine, instead of a Redis of its own")
        add("--pooler", action="store_true", help="its PostgreSQL behind a PgBouncer in transaction mode")
        add("--keep", type=pathlib.Path, help="a folder for logs and history (default: kept only after a failure)")
        add("--pace", type=_pace, default=1.0, help="how slowly the model speaks: 0.5 is twice as fast (1)")

    def handle(self, *args: Any, process: str | None, profile: str, seed: int | None, **options: Any) -> None:
        if process is not None:
            return _be(process)
        _check_pooler(profile, **options)
        chosen = random.SystemRandom().randrange(10**6) if seed is None else seed
        profiles = ["embedded", "scaled"] if profile == "both" else [profile]
        broken = [name for name in profiles if not self._room(name, chosen, **options)]
        if broken:
            raise CommandError(f"Not everything held: {', '.join(broken)}. To see it again: --seed {chosen}")

    def _room(self, profile: str, seed: int, *, keep: pathlib.Path | None, **options: Any) -> bool:
        """Run one profile and print its table; whether everything held."""
        folder = keep / profile if keep else pathlib.Path(tempfile.mkdtemp(prefix=f"chaos_{profile}_"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"--keep: {folder}: {error.strerror}") from error
        order = Order(
            profile=profile,
            seed=seed,
            folder=folder,
            faults=_faults(options["faults"], profile),
            **{
                name: options[name]
                for name in ("runs", "readers", "at_once", "seconds", "pace", "database_url", "redis_url", "pooler")
            },
        )
        behind = "; behind PgBouncer" if order.pooler else ""
        self.stdout.write(
            f"{profile}: {order.runs} runs, seed {seed}, faults: {', '.join(order.faults) or 'none'}{behind}"
        )
        try:
            outcome = asyncio.run(run_room(order, self.stderr))
        except CannotStart as error:
            raise CommandError(str(error)) from error
        self.stdout.write(table(outcome.found, outcome.outages, outcome.asked))
        missed = misses(outcome.found)
        if missed or keep:
            self.stdout.write(f"  History: {folder / 'history.jsonl'}; the processes' logs lie beside it.")
        else:
            _remove(folder)
        return not missed


def _be(kind: str) -> None:
    """One process of the installation: the product's own command, with the script's archetype and its work."""
    with registry.also(archetype.script), kinds.also(drill.KIND):
        call_command("serve" if kind == "web" else "run_agents")


def _check_pooler(profile: str, *, pooler: bool, database_url: str, **_: Any) -> None:
    if pooler and profile != "scaled":
        raise CommandError("--pooler is for --profile scaled: SQLite has no pooler.")
    if pooler and database_url:
        raise CommandError("--pooler starts a PgBouncer before a PostgreSQL of its own: leave out --database-url.")


def _faults(text: str, profile: str) -> list[str]:
    names = {"all": list(NAMES), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in NAMES:
            raise CommandError(f"--faults: {name!r} is not one of {', '.join(NAMES)}.")
    return [name for name in names if profile == "scaled" or name not in ON_SERVERS]


def _pace(text: str) -> float:
    pace = float(text)
    if not 0.01 <= pace <= 100:
        raise argparse.ArgumentTypeError("expected 0.01 to 100")
    return pace


def _whole(low: int, high: int) -> Any:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"expected {low} to {high}")
        return number

    return parse


def _remove(folder: pathlib.Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
