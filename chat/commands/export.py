"""/export: an address at which its owner has this chat as a file, and nobody else."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from chat import audience
from chat.models import Chat
from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked


async def run(asked: Asked) -> Says:
    """Tell the address. Whoever opens it is asked who they are, and what they may, then."""
    yield await asked.told(_told)


def _told(asked: Asked) -> str:
    audience.require_exportable(asked.chat)
    path = reverse("chat-export", args=[asked.chat.pk])
    link = f"[chat-{asked.chat.pk}.jsonl]({settings.PARLEY_PUBLIC_URL}{path})"
    return _("This chat as a file: %(link)s. It opens for you alone, where you are signed in.") % {"link": link}


def _why_not(user: User, chat: Chat) -> str:
    return "" if chat.user_id == user.pk else _("Only the owner of a chat has it as a file.")


export = Command("export", gettext_noop("Get this chat as a file"), run, why_not=_why_not)
