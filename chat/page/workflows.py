"""Where a chat's workflow stands, for the line above the composer; static/chat/workflow.js says the same while one reads."""

from agents import events as ev
from chat.eventlog import newest
from chat.models import Chat, Run, RunStatus
from chat.page.words import say


def workflow_of(chat: Chat) -> str:
    """"Step 2 of 5: Name", by the last word of the chat's newest answer that began; nothing where it has none, or where
    the workflow is over. Two queries.
    """
    begun = Run.objects.answers().filter(chat=chat).exclude(status=RunStatus.QUEUED).order_by("-position")
    run = begun.values_list("pk", flat=True).first()
    told = newest(run, ev.WorkflowChanged, ev.WorkflowCompleted) if run is not None else iter(())
    event = next((each for each in told if isinstance(each, ev.WorkflowCompleted) or each.step_id), None)
    if not isinstance(event, ev.WorkflowChanged):
        return ""
    return say("step", index=event.index, total=event.steps, name=event.step)
