"""/model: which model answers in this chat."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat import gate
from chat.commands.words import code
from chat.runner.commands import Command, Says, text
from chat.runner.kinds.command import Asked
from chat.services.chats import change_chat

NAME_MAX_CHARS = 100


async def run(asked: Asked) -> Says:
    """Choose another one, or tell which there are in the plan."""
    yield await asked.told(_chosen if asked.text else _told)


def _chosen(asked: Asked) -> str:
    chat = change_chat(user=asked.user, chat=asked.chat, model=asked.text)
    return _("From now on %(model)s answers in this chat.") % {"model": code(chat.model)}


def _told(asked: Asked) -> str:
    here = asked.chat.model
    first = _("%(model)s answers in this chat. There are:") % {"model": code(here)}
    return "\n".join([first, "", *(f"- {code(each)}" for each in gate.models_of(gate.plan_of(asked.chat)))])


model = Command(
    "model",
    gettext_noop("Choose the model that answers in this chat, or list them"),
    run,
    text("name", "Of one that GET /api/models/ lists", NAME_MAX_CHARS, is_required=False),
)
