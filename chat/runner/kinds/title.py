"""Titles: a chat that only bears the first words of its first message gets a name, once it has an answer."""

import re

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import RequestError
from accounts.folding import folded
from accounts.permissions import Permissions
from agents.archetypes.title import title as archetype
from agents.events import AnyEvent
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import OPEN, Chat, MessageKind, MessageRole, Run, TitledBy
from chat.models.facts import RunFacts
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds.base import Kind
from chat.runner.kinds.memory import TextWork, is_answered, model_for, text_work, told
from chat.runner.lease import Claimed

TASK = "Write a title for the conversation that this material is the beginning of."
READ_MESSAGES, READ_CHARS = 6, 6_000
MOST_CHARS = 60
TRIES = 2  # for one chat: a model that cannot do it is not asked at every answer
AROUND = " \t*_`\"'“”„«»"
BEFORE = re.compile(rf"^(?:[{re.escape(AROUND)}#]+|title\s*:)+", re.IGNORECASE)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> TextWork:
    """The work of one title: the first messages are read."""
    messages = run.asked_in.messages.order_by("position")[:READ_MESSAGES]
    return text_work(run, events, permissions, archetype, TASK, told(messages, READ_CHARS))


def end(run: RunFacts, fold: Fold) -> None:
    """Give the chat its title, unless somebody has given it another meanwhile."""
    title = cleaned(fold.content)
    if run.chat_id is None or not title or not is_answered(fold):
        return
    # An older process that renames a chat says nothing of whose words its title is.
    unnamed = Chat.objects.filter(pk=run.chat_id, titled_by=TitledBy.NOBODY, title=run.asked["title"])
    changes = {"title": title, "title_folded": folded(title), "titled_by": TitledBy.MODEL}
    if unnamed.update(**changes, updated_at=timezone.now()):
        notices.tell(run.chat_id, run=run.id, has_changed=True)


def after_answer(run: RunFacts, fold: Fold, claims: bool) -> tuple[Run, Claimed | None] | None:
    """Begin the title of an answer's chat, if it wants one. In the transaction that ends the answer."""
    if run.chat_id is None or not (settings.MEMORY_MODEL and run.wants_title):
        return None
    if not is_answered(fold) or not fold.content:
        return None
    chat = Chat.objects.select_related("organization", "project").filter(pk=run.chat_id, titled_by="").first()
    if chat is None or not _is_unnamed(chat) or not _may_try(chat):
        return None
    try:
        with transaction.atomic():  # whatever fails here fails alone
            return begin_work(KIND, _order(run, chat), claims=claims)
    except RequestError:  # no budget, or not while versions change
        return None


def first_words(text: str) -> str:
    """The first line of a chat's first message, cut at a word: what a chat is called by itself."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= 60 else line[:60].rsplit(" ", 1)[0] + "…"


def cleaned(text: str) -> str:
    """What a model wrote as a title: its first line, without quotes, marks and a full stop, cut at a word."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    line = BEFORE.sub("", line).rstrip(AROUND).rstrip(".。")
    return line if len(line) <= MOST_CHARS else line[:MOST_CHARS].rsplit(" ", 1)[0] + "…"


def _order(run: RunFacts, chat: Chat) -> WorkOrder:
    return WorkOrder(
        user_id=run.user_id,
        chat=chat,
        parent_id=run.id,
        door=run.door,
        subject=str(chat.pk),
        api_key_id=run.api_key_id,
        model=model_for(chat),
        asked={"title": chat.title},
    )


def _is_unnamed(chat: Chat) -> bool:
    """Whether its title is what it was called by itself."""
    said = chat.messages.filter(role=MessageRole.USER).exclude(kind=MessageKind.COMMAND).order_by("position")
    first = said.values_list("content", flat=True).first()
    return chat.title == first_words(first or "")


def _may_try(chat: Chat) -> bool:
    tried = Run.objects.filter(kind=KIND.name, subject=str(chat.pk))
    return tried.count() < TRIES and not tried.filter(status__in=OPEN).exists()


KIND = Kind("title", load, end)
