"""`manage.py set_plan ORG PLAN`: which models, features and limits an organization has."""

import json
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import plans
from accounts.models import Organization
from chat.management.rows import load_rows
from chat.services.plans import chats_without, set_plan

WRONG = 2  # the exit code of what cannot be meant


class Command(BaseCommand):
    help = (
        "Gives an organization a plan, and says how many of its chats have a model that is not in it: they stay as "
        "they are, and are answered again with another model."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", metavar="ORG", help="its name, or its id")
        parser.add_argument("plan", metavar="PLAN", help="BASIC, PRO, ENTERPRISE or one of your own")
        parser.add_argument("--dry-run", action="store_true", help="say what it would mean, and change nothing")
        parser.add_argument("--json", action="store_true", dest="as_json", help="say it as JSON")

    def handle(self, *args: Any, organization: str, plan: str, dry_run: bool, as_json: bool, **options: Any) -> None:
        load_rows(self.stderr)
        found = _organization(organization)
        terms = _plan(plan)
        before = plans.named(found.plan).name
        lost = chats_without(found, terms)
        if not dry_run:
            set_plan(found, plan)
        self.stdout.write(_told(found, before, terms.name, lost, is_done=not dry_run, as_json=as_json))


def _told(found: Organization, before: str, plan: str, lost: int, *, is_done: bool, as_json: bool) -> str:
    if as_json:
        told = {"organization": str(found.pk), "before": before, "plan": plan, "chats_without": lost, "done": is_done}
        return json.dumps(told)
    change = f"{found}: {before} -> {plan}." if is_done else f"{found} would change: {before} -> {plan}."
    return f"{change} Chats with a model that is not in it: {lost}."


def _plan(name: str) -> plans.Terms:
    known = {each.name: each for each in plans.every()}
    if name not in known:
        raise CommandError(f"There is no plan {name!r}; there are: {', '.join(known)}.", returncode=WRONG)
    return known[name]


def _organization(name: str) -> Organization:
    found = list(Organization.objects.filter(name=name)[:2])
    with suppress(ValueError):
        found = found or list(Organization.objects.filter(pk=UUID(name)))
    if len(found) != 1:
        told = f"There are {len(found)} organizations {name!r}; expected one. Say which by its id."
        raise CommandError(told, returncode=WRONG)
    return found[0]
