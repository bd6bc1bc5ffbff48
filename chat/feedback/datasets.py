"""Feedback as lines of JSON, for those who test and train models: each answer with what was said before it.

- `openai-evals`: `{"item": {...}}`, as a data source of type `jsonl` of OpenAI's evals reads it (openai 3.52, its
  `SourceFileContentContent`)
- `preference`: `{"input", "preferred_output", "non_preferred_output"}`, as preference tuning reads it: of the answers
  to one message the one that was found best and the one that was found worst, where those are not found equal
- `langsmith`: `{"inputs", "outputs", "metadata", "feedback"}`, as its `ExampleCreate` and `FeedbackBase` are

Texts only: no reasoning, tools or files, nor what the archetype was told. Chats that hold something confidential are
left out, since whoever has the file would read it. Read chat by chat. Sync.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import Organization, User
from chat.models import Chat, Feedback, Message, MessageKind, MessageRole, MessageStatus
from chat.models.feedback import Rating

Format = Literal["openai-evals", "preference", "langsmith"]
Line = dict[str, Any]
Veil = Callable[[str], str]
ANSWERS_AT_ONCE = 50
SCORES = {Rating.UP: 1, Rating.DOWN: -1}
SAID = (MessageRole.USER, MessageRole.ASSISTANT)
# From the first character of a word alone: else a long word without an @ would be read once for each of its characters.
ADDRESS = re.compile(r"(?<![^\s@<>()\"',;:])[^\s@<>()\"',;:]+@[\w.-]+\.\w+")


@dataclass
class Rated:
    """An answer, what was said before it, oldest first, and who said what of it."""

    answer: Message
    before: list[Message]
    feedback: list[Feedback] = field(default_factory=list)

    @property
    def score(self) -> int:
        """How many more found it good than bad."""
        return sum(SCORES[Rating(each.rating)] for each in self.feedback if each.rating)


def lines(organization: Organization, format: Format, without_people: bool = True) -> Iterator[str]:
    """One JSON text for each example, without a newline: chats in the order of their ids.

    `without_people`: no line names who wrote or rated, names and addresses of the organization's people are taken out
    of the texts, and so are all other addresses. What people tell of others in other words stays.
    """
    veil: Veil = _veil(organization) if without_people else str
    for id in list(_chats(organization)):
        for line in FORMATS[format](_rated(id), veil, not without_people):
            yield json.dumps(line, ensure_ascii=False)


def _chats(organization: Organization) -> QuerySet[Any, UUID]:
    """Of which there is feedback."""
    given = _given().filter(message__chat__in=_open().filter(organization=organization))
    return given.order_by("message__chat").values_list("message__chat", flat=True).distinct()


def _open() -> QuerySet[Chat]:
    """Chats that are there, and may leave as a file."""
    return Chat.objects.leaving().filter(deleted_at=None)


def _given() -> QuerySet[Feedback]:
    """Of answers of models, by people who are there."""
    answers = Feedback.objects.filter(user__deleted_at=None).exclude(message__kind=MessageKind.COMMAND)
    return answers.exclude(message__status=MessageStatus.DELETED).exclude(message__content="")


def _rated(chat: UUID) -> Iterator[Rated]:
    """The chat's answers that have feedback, and those beside them; answers to one message one after the other.

    Whether the chat may leave is asked again once each is read: something confidential may have come in meanwhile.
    """
    given: dict[UUID, list[Feedback]] = defaultdict(list)
    for each in _given().filter(message__chat=chat).select_related("user").order_by("created_at", "pk"):
        given[each.message_id].append(each)
    parents = dict(Message.objects.filter(chat=chat).values_list("pk", "parent"))
    asked = {parent for id in given if (parent := parents.get(id)) is not None}
    beside = Q(parent__in=asked, role=MessageRole.ASSISTANT, status=MessageStatus.COMPLETED)
    answers = Message.objects.filter(Q(pk__in=list(given)) | beside, chat=chat).exclude(content="")
    rows = answers.exclude(kind=MessageKind.COMMAND).order_by("parent__position", "position")
    for answer in rows.iterator(chunk_size=ANSWERS_AT_ONCE):
        rated = Rated(answer, _before(answer, parents), given[answer.pk])
        if not _open().filter(pk=chat).exists():
            return
        yield rated


def _before(answer: Message, parents: dict[UUID, UUID | None]) -> list[Message]:
    """What people and models said on the way to it, the newest CHAT_DATASET_MESSAGES."""
    path: list[UUID] = []
    at = parents.get(answer.pk)
    while at is not None and len(path) < settings.CHAT_DATASET_MESSAGES:
        path.append(at)
        at = parents.get(at)
    said = Message.objects.filter(pk__in=path, role__in=SAID).exclude(kind=MessageKind.COMMAND).exclude(content="")
    return list(said.select_related("author").order_by("position"))


# --- Formats ----------------------------------------------------------------------------------------------------------


def _evals(rated: Iterable[Rated], veil: Veil, with_people: bool) -> Iterator[Line]:
    """One for each feedback."""
    for each in rated:
        for given in each.feedback:
            item = {
                "input": _input(each, veil, with_people),
                "output": veil(each.answer.content),
                **_facts(each, with_people),
                "rating": given.rating or None,
                "reasons": given.reasons.split(),
                "comment": veil(given.comment),
            }
            yield {"item": {**item, **(_person(given.user) if with_people else {})}}


def _preference(rated: Iterable[Rated], veil: Veil, with_people: bool) -> Iterator[Line]:
    """One for each message whose answers are not found equal; where nobody rated one, that is neither good nor bad."""
    for _, beside in groupby(rated, key=lambda each: each.answer.parent_id):
        answers = list(beside)
        best, worst = max(answers, key=_score), min(answers, key=_score)
        if best.score > worst.score:
            yield {
                "input": {"messages": _input(best, veil, with_people)},
                "preferred_output": [_said(best.answer, veil)],
                "non_preferred_output": [_said(worst.answer, veil)],
            }


def _score(rated: Rated) -> int:
    return rated.score


def _langsmith(rated: Iterable[Rated], veil: Veil, with_people: bool) -> Iterator[Line]:
    """One for each answer that has feedback."""
    for each in rated:
        if each.feedback:
            yield {
                "inputs": {"messages": _input(each, veil, with_people)},
                "outputs": {"messages": [_said(each.answer, veil)]},
                "metadata": _facts(each, with_people),
                "feedback": [_noted(given, veil, with_people) for given in each.feedback],
            }


def _noted(given: Feedback, veil: Veil, with_people: bool) -> Line:
    score = {Rating.UP: 1, Rating.DOWN: 0}.get(Rating(given.rating)) if given.rating else None
    told = {"key": "rating", "score": score, "value": " ".join([given.rating, *given.reasons.split()]).strip()}
    return {**told, "comment": veil(given.comment), **(_person(given.user) if with_people else {})}


FORMATS: dict[Format, Callable[[Iterable[Rated], Veil, bool], Iterator[Line]]] = {
    "openai-evals": _evals,
    "preference": _preference,
    "langsmith": _langsmith,
}


def _input(rated: Rated, veil: Veil, with_people: bool) -> list[Line]:
    return [_said(each, veil, with_people) for each in rated.before]


def _said(message: Message, veil: Veil, with_people: bool = False) -> Line:
    name = {"name": message.author.display_name} if with_people and message.author else {}
    return {"role": message.role, "content": veil(message.content), **name}


def _facts(rated: Rated, with_people: bool) -> Line:
    """Ids lead back to who was there, so they go with the people."""
    answer = rated.answer
    at = {"message": str(answer.pk), "chat": str(answer.chat_id)} if with_people else {}
    return {"model": answer.model, **at}


def _person(user: User) -> Line:
    return {"user": {"id": str(user.pk), "name": user.display_name}}


# --- Without people ---------------------------------------------------------------------------------------------------


def _veil(organization: Organization) -> Veil:
    """Takes addresses and the names of the organization's people out of a text."""
    known = _names(organization)
    names = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in known))

    def veiled(text: str) -> str:
        text = ADDRESS.sub("[address]", text)
        return names.sub("[person]", text) if known else text

    return veiled


def _names(organization: Organization) -> list[str]:
    """Of its members, and of those who have rated something there; the longest first.

    As they are written: Mark is somebody, mark a word.
    """
    rated = _given().filter(message__chat__organization=organization).values("user")
    people = User.objects.filter(Q(memberships__organization=organization) | Q(pk__in=rated))
    found = {name.strip() for name in people.values_list("name", flat=True)}
    return sorted((each for each in found if len(each) > 1), key=len, reverse=True)
