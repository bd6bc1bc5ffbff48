"""/summarize: a model tells what this chat has come to, as it does by itself once a chat has become quiet."""

from contextlib import aclosing

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.db import db
from agents.archetypes.summary import summary as archetype
from agents.loop import Agent
from agents.messages import UserMessage
from chat.bus import notices
from chat.models import Chat, Message
from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked
from chat.runner.kinds.memory import between_marks, told
from chat.runner.kinds.summary import READ_CHARS, READ_MESSAGES, TASK, cleaned


async def run(asked: Asked) -> Says:
    """Have it written, and keep it as the chat's summary."""
    material = await db(_material, asked)
    if not material:
        yield await asked.told(_nothing)
        return
    question = UserMessage(f"{TASK}\n\n{between_marks(material, asked.run.pk.hex[:12])}")
    job = await db(asked.job, archetype, question)
    agent = Agent(job, archetype, path="", messages=job.history)
    async with aclosing(agent.work()) as steps:
        async for events in steps:
            yield events
    asked.reason = agent.reason
    await db(_keep, asked, agent.answer)


def _material(asked: Asked) -> str:
    """The newest messages of the branch, and the summary so far where there are more."""
    found: list[Message] = [each for each, _number in zip(asked.before(), range(READ_MESSAGES + 1), strict=False)]
    before = f"Summary so far: {asked.chat.summary}\n\n" if asked.chat.summary and len(found) > READ_MESSAGES else ""
    said = told(reversed(found[:READ_MESSAGES]), READ_CHARS)
    return before + said if said else ""


def _nothing(asked: Asked) -> str:
    return _("There is nothing to sum up yet.")


def _keep(asked: Asked, summary: str) -> None:
    if asked.reason == "stop" and (text := cleaned(summary)):
        changes = {"summary": text, "summary_position": asked.run.question.position}
        Chat.objects.filter(pk=asked.chat.pk).update(**changes)
        notices.tell(asked.chat.pk, has_changed=True)


summarize = Command("summarize", gettext_noop("Sum up this chat"), run, needs_model=True)
