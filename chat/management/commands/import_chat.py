"""`manage.py import_chat FILE --organization NAME --owner EMAIL`: a chat that export_chat has written."""

import gzip
import zlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from accounts.errors import RequestError
from accounts.models import Organization, Project, User
from chat.transfer.reading import Package, read
from chat.transfer.storing import Place, store
from tools.errors import ToolFault


class Command(BaseCommand):
    help = "Reads a chat from a file and stores it, whole or not at all. Ids are kept unless they are taken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="as export_chat wrote it")
        parser.add_argument("--organization", required=True, metavar="NAME", help="its name, or its id")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="whose chat it becomes")
        parser.add_argument("--project", type=UUID, metavar="ID", help="the project it goes to; else into none")
        parser.add_argument("--model", default="", help="instead of the file's")
        parser.add_argument("--archetype", default="", help="instead of the file's")
        parser.add_argument("--copy", action="store_true", help="once more, with new ids, where it is here already")

    def handle(
        self, *args: Any, file: Path, owner: str, organization: str, project: UUID | None, **options: Any
    ) -> None:
        person = User.objects.filter(email=owner.lower(), is_active=True).first()
        if person is None:
            raise CommandError(f"--owner: nobody signs in as {owner!r}.")
        where = _organization(person, organization)
        inside = _project(where, project) if project else None
        place = Place(person, where, inside, options["model"], options["archetype"], options["copy"])
        package = _read(file)
        try:
            chat = store(package, place)
        except (RequestError, ToolFault) as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except IntegrityError as error:
            raise CommandError("Somebody stores the same chat right now. Nothing was changed.") from error
        self.stdout.write(f"Chat {chat.pk}: {len(package.messages)} messages, {len(package.runs)} runs.")
        if package.files and inside is None:
            self.stdout.write(f"{len(package.files)} files of its branch were left out: --project says where they go.")


def _read(file: Path) -> Package:
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
            return read(lines)
    except RequestError as error:
        raise CommandError(f"{file}, {error.message} Nothing was changed.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{file}: {error}. Nothing was changed.") from error


def _organization(user: User, name: str) -> Organization:
    found = [each for each in Organization.objects.visible_to(user) if name in (each.name, str(each.pk))]
    if len(found) != 1:
        raise CommandError(f"--organization: {user.email} is in {len(found)} organizations {name!r}; expected one.")
    return found[0]


def _project(organization: Organization, id: UUID) -> Project:
    found = Project.objects.filter(pk=id, organization=organization).first()
    if found is None:
        raise CommandError(f"--project: there is no project {id} in {organization}.")
    return found
