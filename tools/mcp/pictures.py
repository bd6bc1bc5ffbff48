"""The pictures of a result: kept in the chat, and said in the result's text, whatever came of them."""

from collections import Counter
from collections.abc import Sequence

from tools.base import ToolContext
from tools.giving import Kept, give_pictures
from tools.mcp.spec import CalledImage
from tools.results import ToolResult

NAME_MAX_CHARS = 60


async def with_pictures(ctx: ToolContext, tool: str, images: Sequence[CalledImage], said: str) -> str | ToolResult:
    """What was said, and behind it which pictures came with it; `tool`: by what they are called."""
    if not images:
        return said
    kept = await give_pictures(ctx, [(f"{tool[:NAME_MAX_CHARS]} {at}", each.data) for at, each in enumerate(images, 1)])
    return ToolResult("\n\n".join([said, *_lines(kept)]), kept.attachments)


def _lines(kept: Kept) -> list[str]:
    names = ", ".join(each.name or "picture" for each in kept.attachments)
    shown = [f"[Pictures that came with it, and that the person is shown: {names}]"] if names else []
    return shown + [_left_out(why, count) for why, count in Counter(kept.faults).items()]


def _left_out(why: str, count: int) -> str:
    if count == 1:
        return f"[A picture that came with it was left out: {why}]"
    return f"[{count} pictures that came with it were left out: {why}]"
