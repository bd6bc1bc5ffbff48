"""/title: what this chat is called."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.commands.words import plain
from chat.runner.commands import Command, Says, text
from chat.runner.kinds.command import Asked
from chat.services.chats import change_chat
from chat.services.rules import TITLE_MAX_CHARS


async def run(asked: Asked) -> Says:
    """Call it so."""
    yield await asked.told(_named)


def _named(asked: Asked) -> str:
    chat = change_chat(user=asked.user, chat=asked.chat, title=asked.text)
    return _("This chat is called %(title)s.") % {"title": plain(chat.title)}


title = Command(
    "title",
    gettext_noop("Give this chat a title"),
    run,
    text("title", "What the chat is called from now on", TITLE_MAX_CHARS),
)
