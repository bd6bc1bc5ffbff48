"""`manage.py import_knowledge PROJECT_ID FOLDER`: the files of a folder become documents of a project's knowledge."""

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Project
from tools.knowledge.importing import Imported, files_in, import_files
from tools.models import KnowledgeLevel

BAR = 30  # characters


class Command(BaseCommand):
    help = (
        "Brings the files of a folder into a project's knowledge, and indexes them. What is there already, by what is "
        "in it, is left as it is, but for a level that is raised; so it can be done again, and goes on where it was "
        "broken off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", type=UUID, metavar="PROJECT_ID")
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument(
            "--level",
            type=int,
            choices=KnowledgeLevel.values,
            help="who may read them: 0 public, 1 internal (as new ones are without), 2 confidential, 3 restricted. "
            "Files that are there already are raised to it, never lowered",
        )
        parser.add_argument("--language", default="", help="such as de: how words are stemmed by PostgreSQL")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(pk=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        folder: Path = options["folder"].resolve()
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        files, done = files_in(folder), list[Imported]()
        what = {"level": options["level"], "language": options["language"]}
        for each in import_files(project, folder, files, **what):
            done.append(each)
            self._progress(len(done), len(files))
        self._tell(project, done)

    def _progress(self, done: int, total: int) -> None:
        """On a terminal alone: a log needs no bar."""
        if sys.stderr.isatty():
            bar = "#" * (BAR * done // total)
            self.stderr.write(f"\r[{bar:<{BAR}}] {done} of {total}", ending="\n" if done == total else "")

    def _tell(self, project: Project, done: list[Imported]) -> None:
        new = sum(each.is_new for each in done)
        self.stdout.write(f"{project.name}: {new} of {len(done)} files were brought in.")
        for each in done:
            if each.why:
                self.stdout.write(f"Skipped {each.path}: {each.why}")
