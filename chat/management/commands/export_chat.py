"""`manage.py export_chat ID --output FILE`: a chat, whole, as a file that import_chat reads elsewhere."""

import gzip
import os
from argparse import ArgumentParser
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.errors import RequestError
from chat.models import Chat
from chat.transfer.writing import written


class Command(BaseCommand):
    help = "Writes a chat with all its messages, runs, logs, tool calls, usage and the files of its branch to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("chat", type=UUID, metavar="ID", help="the chat's id")
        parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="a new file; .gz: compressed")

    def handle(self, *args: Any, chat: UUID, output: Path, **options: Any) -> None:
        found = Chat.objects.filter(pk=chat, deleted_at=None).first()
        if found is None:
            raise CommandError(f"There is no chat {chat}.")
        part = output.with_name(f"{output.name}.part")
        try:
            if output.exists():
                raise CommandError(f"{output} is there already.")
            count = _write(found, part, is_packed=output.suffix == ".gz")
            os.replace(part, output)
            audit.apart(
                "chat.exported", actor=audit.operator(), organization_id=found.organization_id, object_type="chat",
                object_id=found.pk, detail={"format": "parley"},
            )  # fmt: skip
        except RequestError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self.stdout.write(f"Wrote {output}: {count} lines, {output.stat().st_size:,} bytes.")


def _write(chat: Chat, path: Path, *, is_packed: bool) -> int:
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as plain, gzip.open(plain, "wb") if is_packed else nullcontext(plain) as file:
        for line in written(chat):
            file.write(line)
            count += 1
    return count
