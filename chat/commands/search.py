"""/search: finding in one's own chats of this organization. The titles are of other chats, so nobody else may read the
answer.
"""

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.db.bounded import TookTooLong
from accounts.errors import Invalid
from accounts.models import User
from chat import audience
from chat.commands import finding
from chat.commands.words import plain
from chat.models import Chat
from chat.runner.commands import Command, Says, text
from chat.runner.kinds.command import Asked
from chat.search.query import MOST_CHARS, MOST_WORDS
from chat.services.messages import lock_chat


async def run(asked: Asked) -> Says:
    """Tell which chats say it, the newest first."""
    yield await asked.told(_told)


def _told(asked: Asked) -> str:
    """Looked for first, as that may take a while: nobody waits for the chat then."""
    if why := _why_not(asked.user, asked.chat):
        return why
    try:
        found = finding.find(asked.user, asked.text, besides=asked.chat)
    except Invalid:
        return _("Search for words, at most %(count)d. Words in quotes count as one.") % {"count": MOST_WORDS}
    except TookTooLong:
        return _("That took too long. Search for more words, or for rarer ones.")
    return _told_of(asked, found)


@transaction.atomic
def _told_of(asked: Asked, found: list[Chat]) -> str:
    """Under the chat's lock, which sharing it takes too: whichever is later sees what the other has done."""
    chat = lock_chat(asked.chat)
    if why := _why_not(asked.user, chat):
        return why
    found = finding.as_they_are(asked.user, found, besides=chat)
    audience.take_in(chat, [each.level for each in found])
    return "\n".join(map(_line, found)) or _("Nothing was found in your chats.")


def _line(found: Chat) -> str:
    """Its title and address. No words of its messages: they would stay here when they are deleted there."""
    title = plain(found.title) or _("Untitled")
    return f"- [{title}]({settings.PARLEY_PUBLIC_URL}{reverse('page-chat', args=[found.pk])})"


def _why_not(user: User, chat: Chat) -> str:
    if chat.user_id == user.pk and audience.is_private(chat):
        return ""
    return _("Others would read what is found: search in a chat that you alone see.")


search = Command(
    "search",
    gettext_noop("Search your chats"),
    run,
    text("text", "What to look for", MOST_CHARS),
    feature="search",
    why_not=_why_not,
)
