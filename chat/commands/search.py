"""/search: finding in one's own chats. What is found is of other chats, so nobody else may read the answer."""

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from chat import audience
from chat.commands.finding import Found, find
from chat.commands.words import plain
from chat.models import Chat
from chat.runner.commands import Command, Says, text
from chat.runner.kinds.command import Asked
from chat.services.messages import lock_chat

QUERY_MAX_CHARS = 200


async def run(asked: Asked) -> Says:
    """Tell which chats say it, the newest first."""
    yield await asked.told(_told)


@transaction.atomic
def _told(asked: Asked) -> str:
    """Under the chat's lock, which sharing it takes too: whichever is later sees what the other has done."""
    chat = lock_chat(asked.chat)
    if why := _why_not(asked.user, chat):
        return why
    found = find(asked.user, asked.text, besides=chat)
    audience.take_in(chat, [each.chat.level for each in found])
    lines = [f"- {_line(each)}" for each in found]
    return "\n".join(lines) if lines else _("Nothing was found in your chats.")


def _line(found: Found) -> str:
    title = plain(found.chat.title) or _("Untitled")
    link = f"[{title}]({settings.PARLEY_PUBLIC_URL}{reverse('page-chat', args=[found.chat.pk])})"
    return f"{link}: {plain(found.excerpt)}" if found.excerpt else link


def _why_not(user: User, chat: Chat) -> str:
    if chat.user_id == user.pk and audience.is_private(chat):
        return ""
    return _("Others would read what is found: search in a chat that you alone see.")


search = Command(
    "search",
    gettext_noop("Search your chats"),
    run,
    text("text", "What to look for", QUERY_MAX_CHARS),
    feature="search",
    why_not=_why_not,
)
