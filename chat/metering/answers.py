"""How much one request may answer: so many bytes, whatever it asks for. docs/limits.md.

What is read in pages is given in shorter ones; what has no pages is refused. Messages are weighed in the database, by
the text that is stored of them, before any of them is loaded.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Func, IntegerField, TextField
from django.db.models.functions import Cast

from accounts.errors import RequestError
from chat.models import Message

ROW_BYTES = 600  # of a message without what it says: ids, times, names of fields


class Bytes(Func):
    """How many bytes a text has in UTF-8."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Older SQLites have no function for it."""
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)


class InJson(Func):
    """A text as JSON writes it: quotes and line ends are two bytes, other controls six."""

    function = "TO_JSON"
    template = "CAST(%(function)s(%(expressions)s) AS TEXT)"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same, under its name there."""
        return self.as_sql(compiler, connection, template="JSON_QUOTE(%(expressions)s)", **context)


# About how many bytes a message makes in an answer. What is JSON in its column is so already.
SAID = Bytes(InJson("content"))
WEIGHT = SAID + Bytes(Cast("parts", TextField())) + Bytes(Cast("attachments", TextField())) + ROW_BYTES


class AnswerTooLarge(RequestError):
    """There is more than one answer may hold."""

    status = 413
    code = "answer_too_large"

    def __init__(self, instead: str) -> None:
        super().__init__(f"The answer is longer than {settings.ANSWER_MAX_BYTES} bytes. {instead}")


class Room:
    """What is left for the answers of one request, which may be several."""

    def __init__(self) -> None:
        self.left = settings.ANSWER_MAX_BYTES

    def take(self, size: int) -> None:
        """Count an answer of that size. Raises AnswerTooLarge; nothing is counted then."""
        if size > self.left:
            raise AnswerTooLarge("Ask for less at a time.")
        self.left -= size


def weights(ids: Sequence[UUID]) -> dict[UUID, int]:
    """About how many bytes each of these messages makes in an answer. One query."""
    return dict(Message.objects.filter(pk__in=ids).order_by().annotate(weight=WEIGHT).values_list("pk", "weight"))


def fitting(ids: Sequence[UUID], room: int | None = None) -> list[UUID]:
    """The first of these messages, as many as one answer holds; at least one, or with `room` as many as fit in that."""
    sizes = weights(ids)
    left = settings.ANSWER_MAX_BYTES if room is None else room
    fit: list[UUID] = []
    for id in ids:
        left -= sizes.get(id, 0)
        if left < 0 and (fit or room is not None):
            break
        fit.append(id)
    return fit


def check(ids: Sequence[UUID], instead: str) -> None:
    """Raise AnswerTooLarge, with what to do instead, where these messages are more than one answer holds."""
    if sum(weights(ids).values()) > settings.ANSWER_MAX_BYTES:
        raise AnswerTooLarge(instead)
