"""/usage: what this chat has used."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.commands.words import number
from chat.models import Chat, UsageRecord
from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked

NANOS = 1_000_000_000


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
    return "\n".join([*(f"- {name}: {number(count)}" for name, count in counts.items()), *_costs(chat)])


def _costs(chat: Chat) -> Iterator[str]:
    """A line for each currency; none where no price was known."""
    priced = UsageRecord.objects.filter(run__chat=chat, cost_nanos__isnull=False)
    for currency, nanos in priced.order_by("currency").values_list("currency").annotate(Sum("cost_nanos")):
        amount = (Decimal(nanos) / NANOS).quantize(Decimal("0.0001"))
        yield "- " + _("Cost: %(amount)s %(currency)s") % {"amount": amount, "currency": currency}


usage = Command("usage", gettext_noop("Tell what this chat has used"), run)
