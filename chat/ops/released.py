"""Rows that somebody has deleted and that are still there: of people whose erasure was cut off or took too long, and of
holds that were released. A step at a time; a part of the chore `erasure`. Sync."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.db import AWAY
from accounts.models import Organization, Project, User
from chat.attachments import going
from chat.models import Chat, Hold, HoldScope, Kept, KeptFile, chat_is_held
from chat.services.people import Leaving
from chat.services.removing import erase_one, free_texts, is_to_keep

log = logging.getLogger(__name__)
KEPT = 100  # in one step


class Released:
    """One round."""

    def __init__(self) -> None:
        self.counts = {"people erased": 0, "chats erased": 0, "kept texts erased": 0, "not erased in time": 0}
        self._steps = self._all()

    def step(self) -> bool:
        """Do one step. False: there is nothing left that may go now."""
        return next(self._steps, False)

    def _all(self) -> Iterator[bool]:
        for do in (self._people, self._chats, self._kept, self._places):
            yield from do()
        self.counts["not erased in time"] = sum(rows.count() for rows in late())

    def _people(self) -> Iterator[bool]:
        for id in _ids(User):
            leaving = Leaving(id)
            while self._done(leaving.step):
                yield True
            self.counts["people erased"] += not User.objects.filter(pk=id).exists()

    def _chats(self) -> Iterator[bool]:
        for id in list(_free_chats().values_list("pk", flat=True)):
            chat = Chat.objects.filter(pk=id, deleted_at__isnull=False)
            self.counts["chats erased"] += self._done(lambda chat=chat: erase_one(chat))  # type: ignore[misc]
            yield True

    def _kept(self) -> Iterator[bool]:
        while found := list(free_texts().values_list("pk", flat=True)[:KEPT]):
            files = list(KeptFile.objects.filter(kept__in=found).values_list("attachment", flat=True))
            Kept.objects.filter(pk__in=found).delete()
            going.leave(files)
            self.counts["kept texts erased"] += len(found)
            yield True

    def _places(self) -> Iterator[bool]:
        for model in (Project, Organization):
            for id in _ids(model):
                self._done(lambda model=model, id=id: _erase_place(model, id))  # type: ignore[misc]
                yield True

    def _done(self, do: Callable[[], bool]) -> bool:
        """What it gives. What fails is told in the log, and comes again in the next round: it holds up no other."""
        try:
            return do()
        except AWAY:
            raise
        except Exception:
            log.exception("something that was deleted could not be erased")
            return False


def late() -> Iterator[QuerySet[Any]]:
    """People and chats that no hold keeps, and that are still there ERASE_WITHIN_S after they were deleted."""
    until = timezone.now() - timedelta(seconds=settings.ERASE_WITHIN_S)
    yield _free_chats().filter(deleted_at__lt=until)
    on_them = Hold.objects.live().filter(scope=HoldScope.USER).values("subject")
    on_chats = Chat.objects.filter(chat_is_held()).values("user")
    yield User.objects.filter(deleted_at__lt=until).exclude(pk__in=on_them).exclude(pk__in=on_chats)


def _ids(model: type[Any]) -> list[UUID]:
    return list(model.objects.filter(deleted_at__isnull=False).order_by("pk").values_list("pk", flat=True))


def _free_chats() -> QuerySet[Chat]:
    return Chat.objects.filter(~chat_is_held(), deleted_at__isnull=False).order_by("pk")


@transaction.atomic
def _erase_place(model: type[Any], id: UUID) -> bool:
    row = model.objects.filter(pk=id, deleted_at__isnull=False).first()
    if row is None or is_to_keep(row):
        return False
    row.delete()
    return True
