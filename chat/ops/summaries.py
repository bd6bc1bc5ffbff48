"""Summaries of chats that have become quiet and have grown: each is begun as work of its own. Sync."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from accounts.errors import RequestError
from chat.models import OPEN, Chat, Run
from chat.runner.beginning import WorkOrder
from chat.runner.kinds import summary
from chat.runner.kinds.memory import model_for
from chat.services.work import start_work

LOOKS_BACK = timedelta(days=1)  # a chat that was quiet for longer was looked at before
AT_ONCE = 50  # in one round: each is a request to a model
LOOKED_AT = 1_000  # in one round: those that may have none made hold up nobody


class Summaries:
    """One round: a chat a step."""

    def __init__(self) -> None:
        self.counts = {"summaries begun": 0}
        self._left = list(due().values_list("pk", flat=True)[:LOOKED_AT]) if settings.MEMORY_MODEL else []

    def step(self) -> bool:
        """Begin the next one. False: there is none left, or enough are begun."""
        if not self._left or self.counts["summaries begun"] >= AT_ONCE:
            return False
        self.counts["summaries begun"] += _begin(self._left.pop(0))
        return True


def due() -> QuerySet[Chat]:
    """Listed chats that are quiet for MEMORY_QUIET_S and have MEMORY_SUMMARY_MESSAGES more than their summary has."""
    now = timezone.now()
    until = now - timedelta(seconds=settings.MEMORY_QUIET_S)
    quiet = Chat.objects.filter(deleted_at=None, last_activity_at__gte=now - LOOKS_BACK, last_activity_at__lt=until)
    grown = quiet.filter(is_listed=True, position__gte=F("summary_position") + settings.MEMORY_SUMMARY_MESSAGES)
    at_work = Run.objects.filter(chat=OuterRef("pk"), status__in=OPEN)
    return grown.filter(~Exists(at_work)).order_by("last_activity_at")


def _begin(chat_id: UUID) -> bool:
    """For the chat's owner, by their rights: who may not write any more has none made."""
    chat = Chat.objects.select_related("user", "organization").filter(pk=chat_id).first()
    if chat is None:
        return False
    order = WorkOrder(
        user_id=chat.user_id,
        chat=chat,
        subject=str(chat.pk),
        model=model_for(chat),
        asked={"position": chat.position},
    )
    try:
        start_work(user=chat.user, kind=summary.KIND.name, order=order)
    except RequestError:  # no right, no budget, or versions are changing
        return False
    return True
