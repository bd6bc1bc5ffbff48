"""A compaction: a model is asked for the summary, in the midst of a run, and it is kept before anybody is told of it.

A takeover before that asks the model again; behind it, the stored one is found with the branch, and told of if that
was not done. Two that are at it at once keep one.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.db import db_write
from agents import events as ev
from agents import tokens
from agents.archetypes.compaction import compaction as archetype
from agents.errors import WorkFailed
from agents.events import AnyEvent
from agents.installation import info_of
from agents.loop.job import Job
from agents.loop.target import OUTPUT_PART, room_of
from agents.loop.writing import Writing
from agents.messages import UserMessage
from chat import gate
from chat.bus import notices
from chat.models import Chat, Compaction, Run
from chat.runner.history import marked
from chat.runner.kinds.memory import between_marks
from chat.runner.material import fitting
from chat.runner.planning import Plan, said_by

TASK = "Write down, in at most {words} words, what has happened in the conversation of which this is the older part."
AROUND_TOKENS = 600  # of the prompt and the task, and for what an estimate is wrong by
EMPTY = "The model wrote no summary."
CHANGED = "A message was edited or deleted meanwhile, so nothing was kept."
CUT = "The model broke off before it had written the summary."
REASONING_TOKENS = 8_000  # that a model may use before it writes; they count against what it is asked for


class Changed(WorkFailed):
    """What it tells of is not what there is any more."""

    def __init__(self) -> None:
        super().__init__("internal", CHANGED, retryable=True)


async def compacted(job: Job, run: Run, plan: Plan, turn: int) -> AsyncGenerator[list[AnyEvent], None]:
    """Ask for the summary and keep it. Yields what happens, at last that it is there.

    Raises what Writing raises, and WorkFailed where there is none after all.
    """
    own = gate.writing_model(gate.plan_at(run), job.archetype.model or run.model)
    writing = Writing(job, archetype, model=own, turn=turn)
    asked = UserMessage(asked_for(plan, writing.model, run.pk))
    steps = writing.work(asked, most_tokens=_most(plan, writing.model), timeout_s=settings.MEMORY_TIMEOUT_S)
    async with aclosing(steps):
        async for events in steps:
            yield events
    summary = _summary(writing, plan.most_tokens)
    made = await db_write(keep, plan, run.pk, summary, writing.model)
    if made is None:
        raise Changed
    yield [told_of(made)]


def told_of(made: Compaction) -> AnyEvent:
    """The event that says so: the summing agent's, so that it stands where the answer's own turn is taken back."""
    return ev.ContextCompacted(
        at=time.time(),
        agent=archetype.name,
        upto=str(made.upto_id),
        messages=made.messages,
        tokens_before=made.tokens_before,
        tokens_after=made.tokens_after,
    )


def asked_for(plan: Plan, model: str, run_id: UUID) -> str:
    """The task, and as much of the material as this model can read."""
    most = _most(plan, model)
    room = room_of(info_of(model), most) or plan.room - most
    before = f"What was written down before:\n{plan.before}\n\n" if plan.before else ""
    said = fitting(plan.lines, max(room - AROUND_TOKENS - tokens.of_text(before), AROUND_TOKENS))
    task = TASK.format(words=plan.most_tokens * 2 // 3)
    return f"{task}\n\n{between_marks(before + said, run_id.hex[:12])}"


def _most(plan: Plan, model: str) -> int:
    """How many tokens the model is asked for: a summary and what it thinks before, as far as there is room for it."""
    info = info_of(model)
    window = info.context_tokens if info.is_context_known else plan.room
    most = min(archetype.limits.max_output_tokens, plan.most_tokens + REASONING_TOKENS, window // OUTPUT_PART)
    return min(most, info.max_output_tokens or most)


@transaction.atomic
def keep(plan: Plan, run_id: UUID, summary: str, model: str) -> Compaction | None:
    """Store it; the one that is there already where somebody was quicker. None where what it tells of is gone."""
    chat = Chat.objects.select_for_update(no_key=True).filter(pk=plan.chat_id).first()
    if chat is None or said_by(plan.chat_id, plan.upto_position) != plan.said:
        return None
    made = Compaction(
        chat=chat,
        upto_id=plan.upto,
        branch_leaf=plan.leaf,
        whole=[str(each) for each in plan.whole],
        run=run_id,
        summary=summary,
        messages=plan.messages,
        tokens_before=plan.tokens_before,
        model=model,
    )
    made.tokens_after = plan.tokens_kept + tokens.of_message(marked(made))
    found = Compaction.objects.filter(upto=plan.upto).first()
    if found is None:
        made.save(force_insert=True)
        notices.tell(chat.pk, changed=[plan.upto])
    return found or made


def made_by(run_id: Any) -> Compaction | None:
    """The newest one that this run has made. Sync."""
    return Compaction.objects.filter(run=run_id).last()


def _summary(writing: Writing, most_tokens: int) -> str:
    """What was written, so long as it may be. Raises WorkFailed where that is nothing, or only its beginning."""
    summary = writing.text.strip()
    if not summary:
        raise WorkFailed("upstream_incomplete", EMPTY, retryable=True)
    if writing.reason == "length" and tokens.of_text(summary) < most_tokens // 2:
        raise WorkFailed("upstream_incomplete", CUT, retryable=True)
    return _within(summary, most_tokens)


def _within(text: str, most_tokens: int) -> str:
    """The text, cut where the model wrote more than it was to."""
    while (found := tokens.of_text(text)) > most_tokens:
        text = text[: len(text) * most_tokens // found * 19 // 20]
    return text
