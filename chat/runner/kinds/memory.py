"""What titles and summaries share: a model is given a piece of a chat as material, and writes one text of it."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from accounts.permissions import Permissions
from agents import events as ev
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.messages import UserMessage
from agents.options import RunOptions
from chat import gate
from chat.eventlog.projection import Fold
from chat.models import Chat, Message, MessageKind, MessageRole, Run
from chat.runner.kinds.agent import AgentWork, job_of

SPEAKERS = {MessageRole.USER: "Person", MessageRole.ASSISTANT: "Answer"}


class TextWork(AgentWork):
    """An agent whose last words are the result."""

    @property
    def result(self) -> Any:
        assert self.agent is not None
        return self.agent.answer


def model_for(chat: Chat) -> str:
    """The model that titles and summaries of this chat are written by; empty: nothing is written."""
    return gate.writing_model(gate.plan_of(chat), chat.model) if settings.MEMORY_MODEL else ""


def text_work(
    run: Run, events: list[AnyEvent], permissions: Permissions, archetype: Archetype, task: str, material: str
) -> TextWork:
    """The work of asking this agent for one text about the material."""
    asked = UserMessage(f"{task}\n\n{between_marks(material, run.pk.hex[:12])}")
    job = job_of(
        run,
        events,
        permissions,
        archetype=archetype,
        history=(asked,),
        options=RunOptions(),
        timeout_s=settings.MEMORY_TIMEOUT_S,
    )
    return TextWork(run, job)


def told(messages: Iterable[Message], most_chars: int) -> str:
    """What was said, oldest first, each message cut so that all of it fits."""
    spoken = (each for each in messages if each.role in SPEAKERS and each.kind != MessageKind.COMMAND)
    said = [each for each in spoken if each.content]  # what was deleted has none
    room = most_chars // max(1, len(said))
    return "\n\n".join(f"{SPEAKERS[MessageRole(each.role)]}: {_cut(each.content, room)}" for each in said)


def is_answered(fold: Fold) -> bool:
    """Whether the run has said all that it had to say: neither cut at a limit nor stopped."""
    return isinstance(fold.terminal, ev.RunCompleted) and fold.terminal.reason == "stop"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[:room]} [...]"


def between_marks(material: str, mark: str) -> str:
    """Between marks that the material cannot know, so that nothing in it can end it."""
    return f"--- material {mark} ---\n{material}\n--- end of material {mark} ---"
