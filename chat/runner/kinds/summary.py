"""Summaries: what a chat has come to, in a few sentences, once it is quiet and has grown."""

from accounts.permissions import Permissions
from agents import events as ev
from agents.archetypes.summary import summary as archetype
from agents.events import AnyEvent
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import Chat, Run
from chat.models.facts import RunFacts
from chat.runner.kinds.base import Kind
from chat.runner.kinds.memory import TextWork, text_work, told

TASK = "Write the summary of the conversation that this material is from."
READ_MESSAGES, READ_CHARS = 40, 24_000
MOST_CHARS = 600


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> TextWork:
    """The work of one summary: the summary so far is read, and the newest messages of the branch."""
    chat = run.asked_in
    newest = chat.messages.filter(position__lte=run.request["position"]).order_by("-position")[:READ_MESSAGES]
    before = f"Summary so far: {chat.summary}\n\n" if chat.summary else ""
    return text_work(run, events, permissions, archetype, TASK, before + told(reversed(newest), READ_CHARS))


def end(run: RunFacts, fold: Fold) -> None:
    """Keep it with the chat. One that failed is begun again once the chat has grown further."""
    if run.chat_id is None or fold.terminal is None:
        return
    changes: dict[str, object] = {"summary_position": run.asked["position"]}
    if isinstance(fold.terminal, ev.RunCompleted) and (text := cleaned(fold.content)):
        changes["summary"] = text
    Chat.objects.filter(pk=run.chat_id).update(**changes)
    notices.tell(run.chat_id, has_changed=True)


def cleaned(text: str) -> str:
    """What a model wrote, as one paragraph of plain text, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARS else line[: MOST_CHARS - 1].rsplit(" ", 1)[0] + "…"


KIND = Kind("summary", load, end)
