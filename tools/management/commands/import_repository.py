"""`manage.py import_repository PROJECT_ID PATH`: the history of a local git repository becomes a project's."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import Project
from tools.errors import ToolFault
from tools.git.arriving import figures
from tools.git.checking import HistoryRefused
from tools.git.importing import Imported, import_history
from tools.git.recording import record_arrival
from tools.git.repository import Repository
from tools.models import ProjectRepository, RepositoryState


class Command(BaseCommand):
    help = "Brings the local branches of a git repository on this machine into a project, and nothing else of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", type=UUID, metavar="PROJECT_ID")
        parser.add_argument("path", type=Path, metavar="PATH", help="the repository's folder")
        parser.add_argument(
            "--replace", action="store_true", help="put aside the repository that the project has, chats' branches too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(pk=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        if ProjectRepository.objects.filter(project=project, state=RepositoryState.CLONING).exists():
            raise CommandError("A clone is under way for the project. Wait until it has ended, or stop it.")
        try:
            done = import_history(Repository(project.pk), options["path"].resolve(), replace=options["replace"])
        except (HistoryRefused, ToolFault) as error:
            raise CommandError(str(error)) from error
        _write_down(project)
        self._tell(project, done)

    def _tell(self, project: Project, done: Imported) -> None:
        self.stdout.write(f"{project.name}: {done.objects:,} objects, branches {', '.join(done.branches)}.")
        if done.left_out:
            self.stdout.write(f"Left out for their names: {', '.join(done.left_out)}.")
        if done.aside:
            self.stdout.write(f"The repository of before is kept in {done.aside}.")


def _write_down(project: Project) -> None:
    """In the project's row: it is there, and comes from no server."""
    found = figures(project.pk)
    with transaction.atomic():
        ProjectRepository.objects.get_or_create(project=project)
        record_arrival(ProjectRepository.objects.select_for_update().get(project=project), found)
