"""`manage.py startparley NAME`: an own app that works, made of examples/shop."""

import keyword
import re
import shlex
import sys
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.archetypes import registry

EXAMPLE = settings.BASE_DIR / "examples" / "shop"
NAME_CHARS = 25  # what the app registers is named after it, and a command of the page has at most 30
NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{NAME_CHARS - 1}}}")


class Command(BaseCommand):
    help = "Makes an own app: models, REST, admin, a tool, an archetype with its prompt, and tests."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the app's name: lower case letters, digits and _, such as shop")
        default = settings.OWN_APPS_FOLDER
        parser.add_argument("--directory", type=Path, help=f"the folder in which the app's folder is made ({default})")

    def handle(self, *args: Any, name: str, directory: Path | None, **options: Any) -> None:
        folder = (directory or settings.OWN_APPS_FOLDER).resolve()
        if NAME.fullmatch(name) and (folder / name).exists():
            raise CommandError(f"{folder / name} is there already. Take another name, or --directory.")
        self._check_name(name)
        try:
            files = _write(folder / name, name)
        except OSError as error:
            raise CommandError(f"{folder / name} cannot be written: {error.strerror}.") from error
        self._tell(folder, name, files)

    def _check_name(self, name: str) -> None:
        if not NAME.fullmatch(name) or keyword.iskeyword(name):
            told = (
                f"lower case letters, digits and _, a letter first, at most {NAME_CHARS}, and no word of Python's own"
            )
            raise CommandError(f"{name!r} is no name for an app: {told}.")
        if name in sys.stdlib_module_names or find_spec(name) is not None:
            raise CommandError(f"There is a Python module named {name} already. Take another name.")
        if name in {config.label for config in apps.get_app_configs()}:
            raise CommandError(f"There is a Django app labelled {name} already. Take another name.")
        if name in {archetype.name for archetype in registry.every()}:
            raise CommandError(f"There is an archetype named {name} already. Take another name.")

    def _tell(self, folder: Path, name: str, files: int) -> None:
        setting = f"PARLEY_APPS={','.join(dict.fromkeys([*settings.PARLEY_APPS, name]))}"
        path = "" if folder == settings.OWN_APPS_FOLDER.resolve() else f"PYTHONPATH={shlex.quote(str(folder))} "
        self.stdout.write(f"Made {folder / name}, with {files} files.")
        self.stdout.write(f"Turn it on, in the environment or in .env: {setting}")
        if path:
            self.stdout.write(f"And let Python find it, in the environment: {path.strip()}")
        # A production's checks warn of the host name that Django's tests add.
        environ = f"PARLEY_ENV=development {path}{setting}"
        self.stdout.write(f"Its tests: {environ} {shlex.quote(sys.executable)} manage.py test {name}")


def _write(folder: Path, name: str) -> int:
    """Copy the example under this name and give the number of files."""
    sources = [path for path in sorted(EXAMPLE.rglob("*")) if path.is_file() and path.suffix in (".py", ".md")]
    for source in sources:
        target = folder / renamed(str(source.relative_to(EXAMPLE)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(source.read_text(encoding="utf-8"), name), encoding="utf-8")
    return len(sources)


def renamed(text: str, name: str) -> str:
    """The text with the app's name in the place of the example's."""
    return text.replace("shop", name).replace("Shop", name.title().replace("_", ""))
