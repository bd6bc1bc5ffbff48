"""/usage: what this chat has used."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.commands.words import number
from chat.metering import costs
from chat.models import Chat
from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked

PLACES = Decimal("0.0001")


async def run(asked: Asked) -> Says:
    """Tell its tokens, and what they cost as far as that is known."""
    yield await asked.told(_told)


def _told(asked: Asked) -> str:
    chat = Chat.objects.get(pk=asked.chat.pk)  # as it is after the runs before this one
    counts = {
        _("Input tokens"): chat.input_tokens,
        _("of these cached"): chat.cached_tokens,
        _("Output tokens"): chat.output_tokens,
        _("of these reasoning"): chat.reasoning_tokens,
    }
    return "\n".join([*(f"- {name}: {number(count)}" for name, count in counts.items()), f"- {_cost(chat)}"])


def _cost(chat: Chat) -> str:
    """What it has cost as far as that is known, and how sure that is."""
    cost = costs.of_chat(chat)
    if cost.amount is None:
        return _("What it costs is not known.")
    amount = f"{Decimal(cost.amount).quantize(PLACES)}"
    match cost.status:
        case "unknown":
            amount = _("at least %(amount)s") % {"amount": amount}
        case "estimated":
            amount = _("about %(amount)s") % {"amount": amount}
    return _("Cost: %(amount)s %(currency)s") % {"amount": amount, "currency": cost.currency}


usage = Command("usage", gettext_noop("Tell what this chat has used"), run)
