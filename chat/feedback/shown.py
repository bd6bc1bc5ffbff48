"""What people said of messages, as the messages' JSON and the page show it: counted, and the reader's own. Sync."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, F, Q, QuerySet, Value

from chat.feedback.models import EMOJI, Annotation, Reaction
from chat.models import Feedback, Message, MessageStatus
from chat.models.feedback import Rating

ANNOTATED = "annotated"
COLUMNS = ("message", "what", "count", "own")


@dataclass
class Said:
    """What was said of one message."""

    counts: dict[str, int] = field(default_factory=dict)  # by rating, by emoji, and ANNOTATED
    own: set[str] = field(default_factory=set)  # which of them the reader has said too
    mine: dict[str, Any] | None = None  # the reader's feedback

    @property
    def feedback(self) -> dict[str, Any]:
        """{up, down, mine}."""
        return {**{each: self.counts.get(each, 0) for each in Rating.values}, "mine": self.mine}

    @property
    def reactions(self) -> list[dict[str, Any]]:
        """Those that there are, in the order of EMOJI."""
        there = [each for each in EMOJI if each in self.counts]
        return [{"emoji": each, "count": self.counts[each], "mine": each in self.own} for each in there]

    @property
    def annotations(self) -> int:
        """How many."""
        return self.counts.get(ANNOTATED, 0)

    @property
    def json(self) -> dict[str, Any]:
        """As the message's JSON has it."""
        return {"feedback": self.feedback, "reactions": self.reactions, "annotations": self.annotations}


def of(message: Message) -> Said:
    """What was said of it, as it was attached; of a message for which nobody did, nothing."""
    said: Said = vars(message).get("said") or Said()
    return said


def is_attached(message: Message) -> bool:
    """Whether somebody did."""
    return "said" in vars(message)


def attach(messages: Sequence[Message], reader: UUID) -> None:
    """Put it on the messages. One query for all of them, and one more where feedback is the reader's own."""
    by_id = {message.pk: Said() for message in messages if message.status != MessageStatus.DELETED}
    for id, what, count, own in _counted(list(by_id), reader):
        by_id[id].counts[what] = count
        by_id[id].own |= {what} if own else set()
    asked = [id for id, said in by_id.items() if said.own & {"", *Rating.values}]
    for row in Feedback.objects.filter(message__in=asked, user=reader) if asked else ():
        by_id[row.message_id].mine = mine(row)
    for message in messages:
        vars(message)["said"] = by_id.get(message.pk) or Said()


def mine(row: Feedback) -> dict[str, Any]:
    """One's own feedback as JSON."""
    return {"rating": row.rating or None, "reasons": row.reasons.split(), "comment": row.comment}


def _counted(ids: Sequence[UUID], reader: UUID) -> Iterable[tuple[UUID, str, int, int]]:
    if not ids:
        return ()
    annotated = Value(ANNOTATED, output_field=CharField())
    given = _by(Feedback.objects.order_by(), F("rating"), ids, reader)
    reacted = _by(Reaction.objects.all(), F("emoji"), ids, reader)
    noted = _by(Annotation.objects.order_by(), annotated, ids, reader)
    counted: Iterable[tuple[UUID, str, int, int]] = given.union(reacted, noted, all=True)
    return counted


def _by(rows: QuerySet[Any], what: Any, ids: Sequence[UUID], reader: UUID) -> Any:
    """How often each is said of each message, and whether by the reader; those who are gone do not count."""
    there = rows.filter(message__in=ids, user__deleted_at=None).annotate(what=what).values("message", "what")
    return there.annotate(count=Count("pk"), own=Count("pk", filter=Q(user=reader))).values_list(*COLUMNS)
