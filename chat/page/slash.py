"""The product's slash commands in the composer's list, beside what the page does itself."""

from typing import Any

from accounts.models import User
from agents import commands as own
from chat.commands.listing import listed
from chat.models import Chat

IN_THE_PAGE = frozenset({"compact"})  # done by the page itself, without a message


def slash(user: User, chat: Chat | None) -> list[dict[str, Any]]:
    """Those that the reader may use, in the page's language. Those of own apps are another list: they are texts."""
    left_out = IN_THE_PAGE | {each.name for each in own.every()}
    found = (each for each in listed(user, chat) if each.available and each.name not in left_out)
    return [{"name": each.name, "help": each.help, "takes": each.takes} for each in found]
