"""The tools for a project's document: reading it, and changing it by JSON Patch. They run as the caller."""

from typing import Any

from accounts.db import db
from tools.base import ToolContext
from tools.capabilities import DOCUMENT
from tools.decorator import tool
from tools.documents.errors import DocumentError
from tools.documents.limits import limits
from tools.documents.patching import OPERATIONS, Changed, patched
from tools.documents.pointers import NothingThere, PointerRefused, found, steps_of
from tools.documents.storing import Author, read, write
from tools.documents.values import decode, encode, short
from tools.errors import RetryTool
from tools.handed_down import HandedDown
from tools.places import project_of

READ_MAX_BYTES = 60_000  # below the tools' max_result_bytes, with room for the names around it
MOST_INSIDE = 200
PATCH_SCHEMA = {
    "type": "object",
    "required": ["patch"],
    "properties": {
        "patch": {
            "type": "array",
            "description": "JSON Patch (RFC 6902): all of it is applied, or nothing.",
            "items": {
                "type": "object",
                "required": ["op", "path"],
                "properties": {
                    "op": {"type": "string", "enum": list(OPERATIONS)},
                    "path": {
                        "type": "string",
                        "description": "a JSON Pointer, such as /pages/0/title; /list/- appends",
                    },
                    "from": {"type": "string", "description": "for move and copy: where it is"},
                    "value": {"description": "for add, replace and test: any JSON value"},
                },
            },
        },
        "version": {
            "type": "integer",
            "description": "the version that you read: if the document has another one by now, nothing is changed",
        },
    },
}

# (for whom and where) -> nothing; ToolError where what the chat holds is not for all who read the document. Sync.
let_out: HandedDown[[ToolContext], None] = HandedDown("change the document")


@tool(capability=DOCUMENT, idempotent=True, timeout_s=10)
async def read_document(ctx: ToolContext, path: str = "", max_bytes: int = 32_000) -> dict[str, Any]:
    """Read the project's document, one JSON value, or what lies at a place in it. The answer has the version too.

    What is larger than max_bytes is told by what is inside: read on with the path of one of those.

    Arguments:
        path: a JSON Pointer, such as /pages/0/title; empty for the whole document
        max_bytes: how much of it to read, from 100 to 60,000
    """
    return await db(_read, ctx, path, max_bytes)


@tool(
    permission="write", capability=DOCUMENT, idempotent=True, makes="patch", timeout_s=20, schema=PATCH_SCHEMA,
    title="Change the document",
)  # fmt: skip
async def patch_document(ctx: ToolContext, patch: list[Any], version: int | None = None) -> dict[str, Any]:
    """Change the project's document by a JSON Patch. Read it before, and give the version that you read.

    All operations are applied in order, or none. The answer has the new version and the places that were changed.
    """
    return await db(_patch, ctx, patch, version)


def _read(ctx: ToolContext, path: str, max_bytes: int) -> dict[str, Any]:
    if not 100 <= max_bytes <= READ_MAX_BYTES:
        raise RetryTool(f"max_bytes: expected 100 to {READ_MAX_BYTES:,}.")
    document = read(project_of(ctx, "read").pk)
    try:
        value = found(decode(document.content), steps_of(path, limits()))
    except PointerRefused as error:
        raise RetryTool(f"path: {error}.") from None
    except NothingThere as error:
        raise RetryTool(f"path: there is nothing at {path}. {error}") from None
    size = len(encode(value))
    told = {"version": document.version, "path": path, "bytes": size}
    return {**told, "value": value} if size <= max_bytes else {**told, **_outline(value, max_bytes)}


def _outline(value: Any, room: int) -> dict[str, Any]:
    """What is said of a value that is too large to be read at once."""
    if isinstance(value, str):
        return {"begins": value.encode()[:room].decode(errors="ignore"), "truncated": "This is the beginning."}
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    inside: dict[str, str] = {}
    for name, each in pairs[:MOST_INSIDE]:
        line = f"{short(each)}, {len(encode(each)):,} bytes"
        room -= len(str(name).encode()) + len(line.encode())
        if room < 0:
            break
        inside[str(name)] = line
    told = (
        f"Too large to be read at once: the first {len(inside)} of {len(pairs):,} things inside. Read one by its path."
    )
    return {"inside": inside, "truncated": told}


def _patch(ctx: ToolContext, patch: list[Any], version: int | None) -> dict[str, Any]:
    project = project_of(ctx, "write")
    let_out(ctx)
    author = Author(ctx.user_id, ctx.run_id, ctx.call_id)

    def change(document: Any) -> Changed:
        return patched(document, patch, limits())

    try:
        written = write(project.pk, change, author, version)
    except DocumentError as error:
        raise RetryTool(str(error)) from None
    return {"version": written.version, "changed": written.changed, "bytes": written.bytes}
