"""Where a chat's workflow stands: the line above the composer, which static/chat/workflow.js keeps true."""

from chat.models import Chat, WorkflowRun
from chat.page.words import say
from chat.runner.workflows import definition_of


def workflow_of(chat: Chat) -> str:
    """In words: "Step 2 of 5: Name". Nothing where the chat goes through no workflow; then nothing is asked."""
    if not chat.has_workflow:
        return ""
    row = WorkflowRun.objects.going_on().select_related("version").filter(chat=chat).first()
    definition = definition_of(row) if row is not None else None
    step = definition.step(row.step) if row is not None and definition is not None else None
    if definition is None or step is None:
        return ""
    return say("step", index=definition.index(step.id), total=len(definition.steps), name=step.name)
