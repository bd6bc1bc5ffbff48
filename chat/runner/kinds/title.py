"""Titles: a chat that only bears the first words of its first message gets a name, once it has an answer."""

import re

from django.conf import settings
from django.utils import timezone

from accounts.errors import RequestError
from accounts.permissions import Permissions
from agents import events as ev
from agents.archetypes.title import title as archetype
from agents.events import AnyEvent
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import OPEN, Chat, Run, TitledBy
from chat.models.facts import RunFacts
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds.base import Kind
from chat.runner.kinds.memory import TextWork, model_for, text_work, told
from chat.runner.lease import Claimed

TASK = "Write a title for the conversation that this material is the beginning of."
READ_MESSAGES, READ_CHARS = 6, 6_000
MOST_CHARS = 60
AROUND = " \t*_`\"'“”„«»"
BEFORE = re.compile(rf"^(?:[{re.escape(AROUND)}#]+|title\s*:)+", re.IGNORECASE)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> TextWork:
    """The work of one title: the first messages are read."""
    messages = run.asked_in.messages.order_by("position")[:READ_MESSAGES]
    return text_work(run, events, permissions, archetype, TASK, told(messages, READ_CHARS))


def end(run: RunFacts, fold: Fold) -> None:
    """Give the chat its title, unless somebody has given it one meanwhile."""
    title = cleaned(fold.content)
    if not isinstance(fold.terminal, ev.RunCompleted) or not title or run.chat_id is None:
        return
    untitled = Chat.objects.filter(pk=run.chat_id, titled_by=TitledBy.NOBODY)
    if untitled.update(title=title, titled_by=TitledBy.MODEL, updated_at=timezone.now()):
        notices.tell(run.chat_id, has_changed=True)


def after_answer(run: RunFacts, fold: Fold, claims: bool) -> tuple[Run, Claimed | None] | None:
    """Begin the title of an answer's chat, if it wants one. In the transaction that ends the answer."""
    if run.chat_id is None or not (settings.MEMORY_MODEL and run.wants_title):
        return None
    if not isinstance(fold.terminal, ev.RunCompleted) or not fold.content:
        return None
    chat = Chat.objects.select_related("organization", "project").filter(pk=run.chat_id, titled_by="").first()
    if chat is None or not model_for(chat) or _is_under_way(chat):
        return None
    try:
        return begin_work(KIND, _order(run, chat), claims=claims)
    except RequestError:  # no budget, or not while versions change: a title is not worth failing an answer
        return None


def _order(run: RunFacts, chat: Chat) -> WorkOrder:
    return WorkOrder(user_id=run.user_id, chat=chat, parent_id=run.id, subject=str(chat.pk), model=model_for(chat))


def _is_under_way(chat: Chat) -> bool:
    return Run.objects.filter(kind=KIND.name, subject=str(chat.pk), status__in=OPEN).exists()


def cleaned(text: str) -> str:
    """What a model wrote as a title: its first line, without quotes, marks and a full stop, cut at a word."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    line = BEFORE.sub("", line).rstrip(AROUND).rstrip(".。")
    return line if len(line) <= MOST_CHARS else line[:MOST_CHARS].rsplit(" ", 1)[0] + "…"


KIND = Kind("title", load, end)
