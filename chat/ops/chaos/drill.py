"""Work that chaos begins beside its answers: counted steps, for a chat or for its project."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Literal

from accounts.db import db
from accounts.models import Project, User
from accounts.permissions import Permissions
from agents import events as ev
from agents.events import AnyEvent
from chat.access import get_chat
from chat.eventlog.projection import Fold
from chat.models import Run
from chat.models.facts import RunFacts
from chat.runner.beginning import WorkOrder
from chat.runner.kinds.base import Kind
from chat.services.work import start_work
from tools.base import ToolContext
from tools.decorator import tool
from tools.errors import ToolError

NAME = "drill"
TIMEOUT_S = 300.0


class Drill:
    """So many steps with a pause in each. Whoever takes it over begins with the step that was said last."""

    input_tokens = 0
    read_from = None
    timeout_s = TIMEOUT_S
    reason = "stop"

    def __init__(self, run: Run, events: list[AnyEvent]) -> None:
        self.steps, self.pause_s = int(run.request["steps"]), run.request["pause_ms"] / 1000
        self.done = max((each.done for each in events if isinstance(each, ev.WorkProgressed)), default=0)

    @property
    def result(self) -> Any:
        """How many there were."""
        return {"steps": self.steps}

    def goes_on_from(self, fold: Fold) -> None:
        """Its steps say all."""

    def taken_back(self, at: float) -> list[AnyEvent]:
        """Nothing: a step that was begun is done again."""
        return []

    async def drive(self) -> AsyncGenerator[list[AnyEvent], None]:
        """One event a step, before it."""
        for step in range(self.done, self.steps):
            yield [_progress(step, self.steps)]
            await asyncio.sleep(self.pause_s)


def _progress(step: int, steps: int) -> ev.WorkProgressed:
    return ev.WorkProgressed(at=time.time(), text=f"step {step + 1}", done=step, total=steps)


def load(run: Run, events: list[AnyEvent], permissions: Permissions) -> Drill:
    """The steps that are left."""
    return Drill(run, events)


def end(run: RunFacts, fold: Fold) -> None:
    """It leaves nothing behind."""


KIND = Kind(NAME, load, end, asks_model=False)


@tool(permission="write", timeout_s=20)
async def drill(ctx: ToolContext, steps: int, pause_ms: int, place: Literal["chat", "project"]) -> dict[str, str]:
    """Begin a drill, and do not wait for it.

    Arguments:
        steps: how many steps it has
        pause_ms: how long each takes, in milliseconds
        place: whether it is for this chat or for its project
    """
    return {"jobId": str(await db(_begin, ctx, steps, pause_ms, place))}


def _begin(ctx: ToolContext, steps: int, pause_ms: int, place: str) -> Any:
    user = User.objects.get(pk=ctx.user_id)
    if ctx.chat_id is None or ctx.project_id is None:
        raise ToolError("A drill is begun from a chat of a project.")
    order = WorkOrder(
        user_id=user.pk,
        chat=get_chat(user, ctx.chat_id) if place == "chat" else None,
        project=Project.objects.visible_to(user).get(pk=ctx.project_id) if place == "project" else None,
        parent_id=ctx.run_id,
        asked={"steps": steps, "pause_ms": pause_ms},
    )
    return start_work(user=user, kind=NAME, order=order).pk
