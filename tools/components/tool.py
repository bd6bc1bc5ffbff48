"""`generate_component`: begins a build, which goes on beside the chat, and does not wait for it."""

from typing import Any

from accounts.db import db
from tools.base import ToolContext
from tools.capabilities import REPOSITORY
from tools.components.kinds import ComponentKind, path_for
from tools.decorator import tool
from tools.errors import RetryTool
from tools.files import write_file
from tools.handed_down import begin_work

KIND = "build"  # of the run
DESCRIPTION_MAX_CHARS = 8_000


# What it begins ends with a file that is written: no rule about write_file is passed by.
@tool(
    permission="write",
    capability=REPOSITORY,
    idempotent=True,
    makes="component",
    includes=(write_file,),
    timeout_s=20,
)
async def generate_component(
    ctx: ToolContext, name: str, kind: ComponentKind, description: str, path: str = ""
) -> dict[str, Any]:
    """Let a component be written: one file of code, which is parsed before it is committed on this chat's own branch.

    It is not waited for: the answer names the job that builds it, and the person sees how it goes on. Say that it is
    being built, and not that it is done. For code that is short and clear already, write_file is quicker.

    Arguments:
        name: what the component is called, such as PriceCard
        kind: react (TSX with a default export), html, svelte or python
        description: everything its builder has to know, in whole sentences: it does not see this conversation
        path: the file, from the root of the project; left out, it is components/NAME with the ending of its kind
    """
    if not description.strip() or len(description) > DESCRIPTION_MAX_CHARS:
        raise RetryTool(f"description: expected a text of 1 to {DESCRIPTION_MAX_CHARS:,} characters.")
    where = path_for(name, kind, path)
    asked = {"name": name, "kind": kind, "description": description, "path": where}
    begun = await db(begin_work, ctx, KIND, asked)
    status = "pending" if begun.waits else "building"
    return {"success": True, "jobId": str(begun.run_id), "status": status, "path": where}
