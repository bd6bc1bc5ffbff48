"""`manage.py quickstart`: from nothing to something one can sign in to; at once when it is there already."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.db.mutex import alone
from accounts.errors import Invalid
from accounts.sign_in.new_people import weakness
from agents.installation import default_model, has_upstream, info_of
from chat.metering import catalog
from chat.services.first import First, ensure_first


class Command(BaseCommand):
    help = "Prepares the database and, where there is none, a first owner, organization, project and chat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--serve", action="store_true", help="and then do what serve does, without loading it all again"
        )

    def handle(self, *args: Any, serve: bool, **options: Any) -> None:
        self._check_password()
        try:
            with alone("quickstart"):
                self._migrate()
                catalog.seed()  # what settings name may be new without a migration
                catalog.refresh()
                first = self._first()
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        self._tell(first)
        if serve:
            connection.close()
            call_command("serve", stdout=self.stdout)

    def _check_password(self) -> None:
        if not (given := settings.PARLEY_OWNER_PASSWORD) or not (reason := weakness(given)):
            return
        if not settings.IS_DEVELOPMENT:
            raise CommandError(f"PARLEY_OWNER_PASSWORD: {reason}")
        self.stdout.write(f"PARLEY_OWNER_PASSWORD would be refused in production: {reason}")

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            with self._step("Preparing the database"):
                call_command("migrate", interactive=False, verbosity=0)

    def _first(self) -> First:
        begin = time.monotonic()
        try:
            first = ensure_first(email=settings.PARLEY_OWNER_EMAIL, password=settings.PARLEY_OWNER_PASSWORD)
        except Invalid as error:
            raise CommandError(f"PARLEY_OWNER_EMAIL: {error.message}") from error
        if first.is_new:
            took = time.monotonic() - begin
            self.stdout.write(f"Made a first owner, organization, project and chat in {took:.1f} s.")
        return first

    @contextmanager
    def _step(self, text: str) -> Iterator[None]:
        self.stdout.write(f"{text} ... ", ending="")
        self.stdout.flush()
        begin = time.monotonic()
        yield
        self.stdout.write(f"done in {time.monotonic() - begin:.1f} s.")

    def _tell(self, first: First) -> None:
        lines = [
            ("Address", settings.PARLEY_PUBLIC_URL),
            ("Sign in as", first.owner.email),
            ("Password", _password_line(first)),
            *_owner_note(first),
            ("Model", _model_line()),
            ("Data", str(settings.PARLEY_DATA)),
        ]
        width = max(len(name) for name, _ in lines)
        self.stdout.write("\n".join(["", *(f"  {name:<{width}}  {text}" for name, text in lines), ""]))


def _password_line(first: First) -> str:
    given, another = settings.PARLEY_OWNER_PASSWORD, _command("changepassword", first.owner.email)
    if first.generated:
        return f"{first.generated}   (shown this once; for another: {another})"
    if not given or (not first.is_new and not first.owner.check_password(given)):
        note = "not the one in PARLEY_OWNER_PASSWORD, which was left unused; " if given else ""
        return f"as it was ({note}for another: {another})"
    return "the one in PARLEY_OWNER_PASSWORD"


def _owner_note(first: First) -> list[tuple[str, str]]:
    """A line for who asked for an owner where another is."""
    wanted = settings.PARLEY_OWNER_EMAIL.lower()
    if not wanted or wanted == first.owner.email:
        return []
    add = _command("create_user", wanted, "--organization", "NAME", "--role", "owner")
    return [("Note", f"there is an owner already, so PARLEY_OWNER_EMAIL was left unused; to add them: {add}")]


def _model_line() -> str:
    if has_upstream():
        model = default_model()
        return f"{model} at {info_of(model).server.shown}"
    return "demo: rules instead of a model, until a key is set, such as OPENAI_API_KEY, or OPENAI_BASE_URL"


def _command(*words: str) -> str:
    """A manage.py command as one can type it here."""
    python = os.path.relpath(sys.executable) if sys.executable.startswith(os.getcwd()) else sys.executable
    given = os.environ.get("PARLEY_DATA", "")
    is_default = settings.PARLEY_DATA == settings.BASE_DIR / ".parley"
    return " ".join(([] if is_default or not given else [f"PARLEY_DATA={given}"]) + [python, "manage.py", *words])
