"""The tool by which an agent has something remembered. The person is asked first, and nobody else may allow it."""

from typing import Any

from accounts.db import db
from accounts.errors import Conflict, Invalid
from tools.base import ToolContext
from tools.capabilities import MEMORY
from tools.decorator import tool
from tools.errors import RetryTool, ToolError
from tools.handed_down import HandedDown
from tools.memory.keeping import add_memory, preferences_of

IS_OFF = "The person does not want anything to be remembered. Go on without it."

# (for whom and where) -> nothing; ToolError where nothing of the chat may be remembered now. Sync.
may_remember: HandedDown[[ToolContext], None] = HandedDown("remember something")


@tool(
    permission="write",
    capability=MEMORY,
    idempotent=True,
    asks_first=True,
    as_person=True,
    timeout_s=10,
    title="Remember this about you",
)
async def remember(ctx: ToolContext, text: str) -> dict[str, Any]:
    """Have a fact about the person remembered, so that it is known in their later chats too. They are asked first.

    Use it where they ask for it, or say something of themselves that will still hold in months: what they work on, how
    they want things done. One fact a call. Nothing about others, no secrets, nothing that files or pages say.

    Arguments:
        text: the fact in one sentence, as it can be understood without this chat
    """
    return await db(_remember, ctx, text)


def _remember(ctx: ToolContext, text: str) -> dict[str, Any]:
    if not preferences_of(ctx.user_id).remember:
        raise ToolError(IS_OFF)
    may_remember(ctx)
    try:
        memory = add_memory(ctx.user_id, text, chat=ctx.chat_id, call=f"{ctx.run_id}/{ctx.call_id}")
    except Invalid as error:
        raise RetryTool(error.message) from None
    except Conflict as error:
        raise ToolError(error.message) from None
    return {"remembered": memory.text}
