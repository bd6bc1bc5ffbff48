"""Where a chat's workflow stands: the line above the composer, which static/chat/workflow.js keeps true."""

from collections.abc import Iterator

from agents import events as ev
from chat.eventlog import newest
from chat.models import Chat, Run, RunStatus
from chat.page.words import say

Word = ev.WorkflowChanged | ev.WorkflowCompleted


def workflow_of(chat: Chat) -> str:
    """In words, by what the newest answer that began was last told: "Step 2 of 5: Name". Two queries.

    Nothing where the chat has no workflow, or that is over. Work of a tool is none.
    """
    begun = Run.objects.answers().filter(chat=chat).exclude(status=RunStatus.QUEUED).order_by("-position")
    run = begun.values_list("pk", flat=True).first()
    if run is None:
        return ""
    told: Iterator[Word] = newest(run, ev.WorkflowChanged, ev.WorkflowCompleted)
    event = next((each for each in told if isinstance(each, ev.WorkflowCompleted) or each.step_id), None)
    if not isinstance(event, ev.WorkflowChanged):
        return ""
    return say("step", index=event.index, total=event.steps, name=event.step)
