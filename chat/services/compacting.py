"""Summing up the older part of a chat by hand. Sync."""

from django.db import transaction

from accounts.errors import Conflict
from accounts.models import User
from accounts.permissions import require
from chat import gate
from chat.access import permissions_on
from chat.models import ANSWER, OPEN, Chat, ChatStatus, Run
from chat.runner.beginning import WorkOrder
from chat.runner.kinds import compaction
from chat.services.messages import lock_chat
from chat.services.work import start_work


@transaction.atomic
def compact_chat(*, user: User, chat: Chat) -> Run:
    """Begin the compaction of the branch that ends in the newest message: a run of its own. Needs write.

    Conflict while an answer is being written, while another compaction is, and where nothing is old enough.
    """
    require(permissions_on(user, chat), "write")
    locked = lock_chat(chat)
    if locked.status == ChatStatus.ARCHIVED:
        raise Conflict("The chat is archived. Make it active to write in it.", code="chat_archived")
    _refuse_while_open(locked)
    if locked.leaf_id is None or compaction.plan_of(locked, locked.leaf_id) is None:
        raise Conflict(compaction.NOTHING, code="nothing_to_compact")
    order = WorkOrder(
        user_id=user.pk,
        chat=locked,
        subject=str(locked.pk),
        model=gate.writing_model(gate.plan_of(locked), locked.model),
        asked={"leaf": str(locked.leaf_id)},
    )
    return start_work(user=user, kind=compaction.NAME, order=order)


def _refuse_while_open(chat: Chat) -> None:
    found = Run.objects.filter(chat=chat, kind=ANSWER, status__in=OPEN).first()
    if found:
        raise Conflict(f"Run {found.pk} is not over. Wait for it or cancel it first.", code="run_open")
