"""`manage.py suggest_prices`: what genai-prices knows better of the models that are offered."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from agents.prices import Price
from chat.management.rows import load_rows
from chat.metering.suggestions import accept, suggestions


class Command(BaseCommand):
    help = (
        "Tells where the package genai-prices, as it is installed, has another price for a model that is offered. With "
        "--apply you accept them: they count from now on. What was counted before stays as it is. Exits with 1 where "
        "there is something to accept, and was not asked to."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("models", nargs="*", metavar="MODEL", help="These alone. Default: all that are offered.")
        parser.add_argument("--apply", action="store_true", help="Accept what is told, in your name.")

    def handle(self, *args: Any, **options: Any) -> None:
        load_rows(self.stderr)
        wanted = options["models"]
        found = [each for each in suggestions() if not wanted or each.model in wanted]
        now = timezone.now()
        for each in found:
            self.stdout.write(f"{each.model}: {_told(each.now)} -> {_told(each.found)}")
            if options["apply"]:
                accept(each, by=getpass.getuser(), valid_from=now)
        if not found:
            self.stdout.write("The package knows no other price of these models.")
        elif options["apply"]:
            self.stdout.write(f"Accepted: {len(found)}. They count from now on.")
        else:
            self.stdout.write("Nothing was changed: --apply accepts them.")
            raise SystemExit(1)


def _told(price: Price | None) -> str:
    """input / cached / output of a million tokens, and the same of longer requests."""
    if price is None:
        return "unknown"
    rates = "/".join(f"{each.normalize():f}" for each in (price.input, price.cached, price.output))
    longer = f", above {price.long_from:,} tokens {_told(price.long)}" if price.long else ""
    return f"{rates} {price.currency}{longer}"
