"""/compact: older messages are summed up for the model, however short the chat is."""

from contextlib import aclosing

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.db import db
from agents.archetypes.compaction import compaction as archetype
from chat.models import Compaction
from chat.runner.commands import Command, Says
from chat.runner.compacting import compacted, made_by, told_of
from chat.runner.kinds.command import Asked
from chat.runner.kinds.compaction import plan_of
from chat.runner.planning import Plan


async def run(asked: Asked) -> Says:
    """Sum them up, unless an attempt before this one has, and tell how many they are."""
    made = await db(made_by, asked.run.pk)
    if made is not None:
        yield [told_of(made)]
    elif (plan := await db(_plan, asked)) is not None:
        job = await db(asked.job, archetype)
        async with aclosing(compacted(job, asked.run, plan, asked.run.attempt)) as steps:
            async for events in steps:
                yield events
    yield await asked.told(_told)


def _plan(asked: Asked) -> Plan | None:
    leaf = next(asked.before(), None)
    return plan_of(asked.chat, leaf.pk) if leaf is not None else None


def _told(asked: Asked) -> str:
    made: Compaction | None = made_by(asked.run.pk)
    if made is None:
        return _("There is nothing to sum up: the newest messages always stay.")
    return ngettext(
        "%(count)d message is told to the model as a summary from now on. It stays readable here.",
        "%(count)d messages are told to the model as a summary from now on. They stay readable here.",
        made.messages,
    ) % {"count": made.messages}


compact = Command("compact", gettext_noop("Sum up older messages for the model"), run, needs_model=True)
