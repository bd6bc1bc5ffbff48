"""Which of a person's chats say something, by their titles and messages: a plain look at the newest of them. Sync."""

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from accounts.folding import folded
from accounts.models import User
from chat.models import Chat, Message, MessageKind, MessageRole

CHATS = 200  # of the person's own that are looked through, the newest
MOST = 10  # that are found
BEFORE_CHARS, AFTER_CHARS = 60, 120  # of an excerpt, before and after where what is looked for begins
SPOKEN = (MessageRole.USER, MessageRole.ASSISTANT)


@dataclass(frozen=True)
class Found:
    """A chat that says it; the excerpt is of its newest message that does, empty where only the title does."""

    chat: Chat
    excerpt: str = ""


def find(user: User, text: str, *, besides: Chat) -> list[Found]:
    """The person's own chats that say this, at most MOST, the newest first; not `besides`."""
    own = Chat.objects.visible_to(user).listed().filter(user=user).exclude(pk=besides.pk)
    newest = list(own.order_by("-last_activity_at", "-pk").values_list("pk", flat=True)[:CHATS])
    says = Message.objects.filter(chat=OuterRef("pk"), role__in=SPOKEN, content__icontains=text)
    says = says.exclude(kind=MessageKind.COMMAND).order_by("-position")
    looked_at: Any = Chat.objects.filter(pk__in=newest).annotate(says=Subquery(says.values("pk")[:1]))
    is_found = Q(title_folded__contains=folded(text)) | Q(says__isnull=False)
    found = list(looked_at.filter(is_found).order_by("-last_activity_at", "-pk")[:MOST])
    contents = dict(Message.objects.filter(pk__in=[each.says for each in found]).values_list("pk", "content"))
    return [Found(each, _excerpt(contents.get(each.says, ""), text)) for each in found]


def _excerpt(content: str, text: str) -> str:
    """What stands around it."""
    at = max(content.lower().find(text.lower()), 0)
    begin, end = max(at - BEFORE_CHARS, 0), at + AFTER_CHARS
    return f"{'…' if begin else ''}{content[begin:end]}{'…' if end < len(content) else ''}"
