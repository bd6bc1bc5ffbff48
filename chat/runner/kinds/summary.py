"""Summaries: what a chat has come to, in a few sentences, once it is quiet and has grown."""

from accounts.permissions import Permissions
from agents.archetypes.summary import summary as archetype
from agents.events import AnyEvent
from chat.bus import notices
from chat.eventlog.projection import Fold
from chat.models import Chat, Run
from chat.models.facts import RunFacts
from chat.runner.kinds.base import Kind
from chat.runner.kinds.memory import TextWork, is_answered, text_work, told

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
    if run.chat_id is None or _is_unwanted(run):
        return
    changes: dict[str, object] = {"summary_position": run.asked["position"]}
    if is_answered(fold) and (text := cleaned(fold.content)):
        changes["summary"] = text
    Chat.objects.filter(pk=run.chat_id).update(**changes)
    notices.tell(run.chat_id, run=run.id, has_changed=True)


def _is_unwanted(run: RunFacts) -> bool:
    """Whether somebody has asked it to stop, as who deletes a message does. The chat is locked: nobody can any more."""
    return Run.objects.filter(pk=run.id, cancel_requested_at__isnull=False).exists()


def cleaned(text: str) -> str:
    """What a model wrote, as one paragraph of plain text, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARS else line[: MOST_CHARS - 1].rsplit(" ", 1)[0] + "…"


KIND = Kind("summary", load, end)
