"""Pictures that a tool gives back: they become attachments of the chat, which hands down how one is kept.

Nothing here fails a call: what cannot be kept is said in a sentence.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.db import db_files
from tools.base import ToolContext
from tools.errors import ToolFault
from tools.handed_down import HandedDown
from tools.results import Attached

# The picture, called so, as an attachment of the answer that the call is of. Sync. Raises ToolFault that says why it
# is none. The same picture of the same call is kept once, however often that is asked.
keep_picture: HandedDown[[ToolContext, str, bytes], Attached] = HandedDown("keep pictures")

NOT_HERE = "pictures can be shown in the answers of a chat alone."
LATE = "there was no time left to keep it."
WHY_MAX_CHARS = 200


@dataclass(frozen=True)
class Kept:
    """What came of some pictures."""

    attachments: tuple[Attached, ...] = ()
    faults: tuple[str, ...] = ()  # why each of the others was not kept


async def give_pictures(ctx: ToolContext, named: Sequence[tuple[str, bytes]]) -> Kept:
    """Keep these, each with its name, in their order and within ATTACHMENT_RESULT_TIMEOUT_S for all of them."""
    if not ctx.may_attach:
        return Kept(faults=(NOT_HERE,) * len(named))
    kept: list[Attached] = []
    faults: list[str] = []
    try:
        async with asyncio.timeout(settings.ATTACHMENT_RESULT_TIMEOUT_S):
            for name, data in named:
                await _give(ctx, name, data, kept, faults)
    except TimeoutError:
        faults += [LATE] * (len(named) - len(kept) - len(faults))
    return Kept(tuple(kept), tuple(faults))


async def _give(ctx: ToolContext, name: str, data: bytes, kept: list[Attached], faults: list[str]) -> None:
    try:
        kept.append(await db_files(keep_picture, ctx, name, data))
    except ToolFault as fault:
        faults.append(str(fault)[:WHY_MAX_CHARS])
