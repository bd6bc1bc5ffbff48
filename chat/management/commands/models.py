"""`manage.py models`: which models this installation knows; with `--check` each server is asked what it has."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents import installation
from agents.errors import ProviderError
from agents.model_info import ABILITIES, ModelInfo
from agents.providers.listing import Listed, listed
from agents.providers.server import DEMO, Server
from chat.management.rows import load_rows

HEADERS = ("Model", "Vendor", "Tier", "Offered", "Window", "Price", "Abilities", "Notes")


class Command(BaseCommand):
    help = "Shows the catalog of models. With --check it asks each configured server what it has."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="ask the servers; fails where a model is missing")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        load_rows(self.stderr)
        self._show()
        if not check:
            return
        faults = asyncio.run(self._check())
        if faults:
            raise CommandError(f"{faults} of these cannot be used as they are.")

    def _show(self) -> None:
        known = installation.the_catalog()
        found = [*known.offered.values(), *(each for id, each in known.all.items() if id not in known.offered)]
        self.stdout.write("\n".join(_lines([HEADERS, *(_row(each, each.id in known.offered) for each in found)])))

    async def _check(self) -> int:
        """Ask each server once; how many models or servers do not work out."""
        servers: dict[Server, list[ModelInfo]] = {}
        for model in installation.models():
            if model.server != DEMO:
                servers.setdefault(model.server, []).append(model)
        if not servers:
            self.stdout.write("\nNo server is configured: the demo answers. docs/models.md says what to set.")
        answers = await asyncio.gather(*(_asked(server) for server in servers))
        return sum(map(self._told, servers, servers.values(), answers))

    def _told(self, server: Server, models: Sequence[ModelInfo], answer: dict[str, Listed] | ProviderError) -> int:
        self.stdout.write(f"\n{server.vendor} at {server.shown}, by {server.api}:")
        if isinstance(answer, ProviderError):
            status = f" (status {answer.detail['status']})" if "status" in answer.detail else ""
            self.stdout.write(f"  its list cannot be had: {answer.message}{status}")
            return 1
        lines = [(model, _compared(model, answer)) for model in models]
        for model, said in lines:
            self.stdout.write(f"  {model.id}: {said or 'it is there'}")
        return sum(model.wire_name not in answer for model, _said in lines)


async def _asked(server: Server) -> dict[str, Listed] | ProviderError:
    try:
        return await listed(server, settings)
    except ProviderError as error:
        return error


def _compared(model: ModelInfo, answer: dict[str, Listed]) -> str:
    """Where the server says something else than the catalog; empty where it does not."""
    told = answer.get(model.wire_name)
    if told is None:
        return f"the server has no model {model.wire_name}; it has {len(answer)} others"
    said = []
    if told.context_tokens and told.context_tokens != model.context_tokens:
        word = "the catalog says" if model.is_context_known else "the catalog assumes"
        said.append(f"the server reads {told.context_tokens:,} tokens, {word} {model.context_tokens:,}")
    if told.ends_at:
        said.append(f"it ends on {told.ends_at}")
    return "it is there, but " + "; ".join(said) if said else ""


def _row(model: ModelInfo, is_offered: bool) -> tuple[str, ...]:
    price = model.price
    shown = f"{price.input:g}/{price.cached:g}/{price.output:g} {price.currency}" if price else "unknown"
    window = f"{model.context_tokens:,}" if model.is_context_known else f"~{model.context_tokens:,}"
    gone = f"ends {model.ends_at}" + (f", then {model.successor}" if model.successor else "") if model.ends_at else ""
    abilities = ", ".join(each for each in ABILITIES if model.has(each))
    notes = "; ".join(filter(None, (model.note, gone)))
    offered = "yes" if is_offered else "no"
    return model.id, model.provider, model.tier or "-", offered, window, shown, abilities, notes


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
