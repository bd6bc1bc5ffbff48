"""Erasure: leaving nothing of what was deleted, a row or a project a step. Sync.

What is deleted is out of every answer and every branch at once. This removes what lies where nobody looks: rows whose
erasure was cut off or waited for a hold, objects in git that no branch reaches, files of projects and chats whose
deletion was cut off, deleted words in SQLite's index, pages in its log.
"""

from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.models import Project
from chat.models import OPEN, Chat, Run
from chat.ops.released import Released
from chat.search import index as search
from tools.git import arriving, removal
from tools.knowledge import words


class Erasure:
    """One round."""

    def __init__(self) -> None:
        self._rows = Released()
        self.counts = self._rows.counts | {
            "repositories removed": 0,
            "branches removed": 0,
            "repositories rewritten": 0,
            "clones removed": 0,
        }
        self._left: list[UUID] = removal.known_projects()
        self._is_log_left = settings.IS_SQLITE

    def step(self) -> bool:
        """Look at the next row or project. False: there is none left."""
        if self._rows.step():
            self.counts |= self._rows.counts
            return True
        if self._left:
            self._erase(self._left.pop(0))
            return True
        if self._is_log_left:
            for each in (words.INDEX, search.INDEX):
                words.forget_deleted(each)
            empty_the_log()
        self.counts |= self._rows.counts
        return False

    def _erase(self, project: UUID) -> None:
        if not Project.objects.filter(pk=project).exists():
            if removal.is_old(project):
                removal.remove_repository(project)
                self.counts["repositories removed"] += 1
            return
        if gone := _gone(project, removal.chats_left(project)):
            self.counts["branches removed"] += removal.forget_chats(project, gone)
        self.counts["repositories rewritten"] += removal.rewrite(project)
        if not Run.objects.filter(kind="clone", subject=str(project), status__in=OPEN).exists():
            self.counts["clones removed"] += arriving.remove_left(project)


def _gone(project: UUID, chats: set[str]) -> set[str]:
    """Those of the chats that are there no more. The refs were read first: a chat is stored before it has one."""
    if not chats:
        return set()
    return chats - {removal.short_id(id) for id in Chat.objects.filter(project=project).values_list("pk", flat=True)}


def empty_the_log() -> None:
    """Deleted rows are overwritten in SQLite's file (secure_delete), but stand in its log until that is cut."""
    if connection.in_atomic_block:
        return  # SQLite cuts nothing while a transaction is open
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
