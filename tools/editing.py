"""Changes to the files of the run's project, for the model: edit, delete, move, write several. They run as the caller.

Each call is one commit on the chat's own branch. It carries the run and the call, so a call that is repeated after its
process died finds what it did.
"""

import asyncio
from typing import Any

from accounts.db import db
from tools.base import ToolContext
from tools.capabilities import REPOSITORY
from tools.decorator import tool
from tools.errors import RetryTool
from tools.files import committed, first_error, list_files, read_file, repository_of, search_project_files, write_file
from tools.git.changes import Change, deleted, edited, moved, written
from tools.git.repository import Committed

MAX_FILES = 50
CHECK_TIMEOUT_S = 10.0  # for all Python files of one call; those behind it are not checked
FILES_SCHEMA = {
    "type": "object",
    "properties": {
        "files": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_FILES,
            "description": f"the files, at most {MAX_FILES}, each path once",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "the file, from the root of the project"},
                    "content": {"type": "string", "description": "everything the file shall contain"},
                },
                "required": ["path", "content"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["files"],
}


@tool(permission="write", capability=REPOSITORY, idempotent=True, timeout_s=30)
async def edit_file(ctx: ToolContext, path: str, old: str, new: str, count: int = 1) -> dict[str, Any]:
    """Exchange a text in a project file for another. For a change of some lines: what else is in the file stays.

    It becomes a commit on this chat's own branch. A Python file that cannot be parsed afterwards is written too, and
    the answer says where its first error is.

    Arguments:
        path: the file, from the root of the project
        old: the text as it stands in the file, with its spaces and line breaks, without line numbers; long enough to
            stand there only once
        new: the text in its place; empty to take it out
        count: in how many places the old text stands; all of them are exchanged
    """
    done = await db(_committed, ctx, edited(path, old, new, count))
    text = await db(_text_at, ctx, path) if path.endswith(".py") else ""
    return _told(ctx, done, path=path, done="changed", replaced=count, syntax_error=await first_error(path, text))


@tool(permission="write", capability=REPOSITORY, idempotent=True, timeout_s=30)
async def delete_file(ctx: ToolContext, path: str) -> dict[str, Any]:
    """Delete a file of the project. It becomes a commit on this chat's own branch, so it can be had back.

    Arguments:
        path: the file, from the root of the project
    """
    done = await db(_committed, ctx, deleted(path))
    return _told(ctx, done, path=path, done="deleted")


@tool(permission="write", capability=REPOSITORY, idempotent=True, timeout_s=30)
async def move_file(ctx: ToolContext, old: str, new: str) -> dict[str, Any]:
    """Move or rename a file of the project, as it is. It becomes a commit on this chat's own branch.

    Arguments:
        old: the file, from the root of the project
        new: where it shall be, where no file is yet; folders are made as needed
    """
    done = await db(_committed, ctx, moved(old, new))
    return _told(ctx, done, old=old, new=new, done="moved")


@tool(permission="write", capability=REPOSITORY, idempotent=True, timeout_s=60, schema=FILES_SCHEMA)
async def write_files(ctx: ToolContext, files: list[dict[str, str]]) -> dict[str, Any]:
    """Write several whole files of the project that belong together, new or in place of old ones, as one commit.

    All of them are written, or none. The commit is on this chat's own branch. Python files that cannot be parsed are
    written too, and the answer says where their first errors are.
    """
    if not 1 <= len(files) <= MAX_FILES:
        raise RetryTool(f"files: expected 1 to {MAX_FILES} files. Send the others in another call.")
    done = await db(_committed, ctx, written([(each["path"], each["content"]) for each in files]))
    errors = await _errors(files)
    return _told(
        ctx,
        done,
        created=list(done.effect.created),
        changed=list(done.effect.changed),
        done="written" if done.effect else "all held this already, nothing changed",
        syntax_errors=errors,
    )


def _committed(ctx: ToolContext, change: Change) -> Committed:
    return committed(repository_of(ctx, "write"), ctx, change)


def _text_at(ctx: ToolContext, path: str) -> str:
    return repository_of(ctx, "read").at(ctx.branch).read(path)


async def _errors(files: list[dict[str, str]]) -> dict[str, Any]:
    """The first error of each Python file that has one, by its path."""
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            for each in files:
                if error := await first_error(each["path"], each["content"]):
                    found[each["path"]] = error
    except TimeoutError:
        return found
    return found


def _told(ctx: ToolContext, made: Committed, /, **more: Any) -> dict[str, Any]:
    """The result: what is empty is not told."""
    told = {**more, "branch": ctx.branch, "commit": made.commit}
    return {name: value for name, value in told.items() if value not in (None, [], {})}


# All that an agent may do with a project's files: find, read, change.
FILE_TOOLS = (
    list_files,
    read_file,
    search_project_files,
    edit_file,
    write_file,
    write_files,
    move_file,
    delete_file,
)
