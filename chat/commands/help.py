"""/help: which commands there are."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.commands.listing import Listed, listed
from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked


async def run(asked: Asked) -> Says:
    """Tell those that the person may use here."""
    yield await asked.told(_told)


def _told(asked: Asked) -> str:
    lines = [_line(each) for each in listed(asked.user, asked.chat) if each.available]
    return "\n".join([*lines, "", _("A second slash in front makes it a text: //help.")])


def _line(each: Listed) -> str:
    takes = f" {each.takes.upper()}" if each.takes else ""
    return f"- `/{each.name}{takes}`: {each.help}"


help_ = Command("help", gettext_noop("List the commands"), run, for_guests=True)
