"""The archetype that chaos asks for: a tool whose effect can be counted and must not happen twice, and one that begins
work of its own."""

import os

import aiohttp

from agents.archetypes.base import Archetype, Limits
from chat.ops.chaos import drill
from tools.base import ToolContext
from tools.decorator import tool

NAME = "chaos"
EFFECTS = "CHAOS_EFFECTS_URL"  # in the environment of the processes that chaos starts, and of no others


@tool(permission="write", timeout_s=10)
async def note(ctx: ToolContext, run: int, call: str) -> dict[str, int]:
    """Leave a mark with the scripted provider.

    Arguments:
        run: the number of the run in the script
        call: the id of the call
    """
    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(os.environ[EFFECTS], json={"run": run, "call": call}, headers=headers) as answer,
    ):
        return {"count": int((await answer.json())["count"])}


script = Archetype(
    name=NAME,
    purpose="Follows a script, for manage.py chaos.",
    prompt="model.md",
    tools=(note, drill.drill),
    is_offered=False,
    limits=Limits(max_turns=8),
)
