"""What is said of attachments once a model was asked. Sync.

Those that a provider could not read are marked, so that they break no later message of their chat. Of those that a
model was not shown, since it cannot take such, the person is told which model that was.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from chat.bus import notices
from chat.models import Message
from chat.models.facts import RunFacts
from chat.runner.files import unseen_by

UNSEEN_MAX = 20  # models that are named at an attachment: the newest


def origin(message_id: UUID, number: int) -> str:
    """How an attachment is named to a provider's errors: its message and its place there.

    One of a tool's result is named by its id instead of the place: chat.runner.files.given.
    """
    return f"{message_id}/{number}"


def mark_unreadable(run: RunFacts, origins: Iterable[str]) -> None:
    """Mark these attachments of the run's chat. Within the transaction that ends it: the chat is locked."""
    if run.chat_id is None:
        return
    _mark(run.chat_id, {each: {"unreadable": True} for each in origins})


def mark_unseen(run: RunFacts, unseen: Iterable[tuple[str, str]]) -> None:
    """Say at these attachments of the run's chat which model was not shown them; as above."""
    if run.chat_id is None:
        return
    models: dict[str, list[str]] = defaultdict(list)
    for place, model in unseen:
        models[place].append(model)
    _mark(run.chat_id, {place: {"unseen": names} for place, names in models.items()})


Marks = dict[str, Any]


def _mark(chat: UUID, marks: Mapping[str, Marks]) -> None:
    """Add these to the attachments, by where each is."""
    ids = {UUID(each.partition("/")[0]) for each in marks}
    for message in Message.objects.filter(chat=chat, pk__in=ids).order_by("pk"):
        before = message.attachments
        message.attachments = [
            _with(file, _marks_of(message, number, file, marks)) for number, file in enumerate(before)
        ]
        if message.attachments != before:
            message.save(update_fields=["attachments", "updated_at"])
            notices.tell(chat, changed=[message.pk])


def _marks_of(message: Message, number: int, file: dict[str, Any], marks: Mapping[str, Marks]) -> Marks:
    return marks.get(f"{message.pk}/{file.get('id', '')}") or marks.get(origin(message.pk, number), {})


def _with(file: dict[str, Any], marks: Marks) -> dict[str, Any]:
    """The file with these said of it. Texts and addresses are told as they are: nothing is ever said of them."""
    if file.get("type") != "image" and "id" not in file and not str(file.get("url", "")).startswith("data:"):
        return file
    if "unseen" in marks:
        named = [*unseen_by(file), *marks["unseen"]]
        marks = {**marks, "unseen": list(dict.fromkeys(named))[-UNSEEN_MAX:]}
    return {**file, **marks}
