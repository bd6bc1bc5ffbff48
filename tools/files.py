"""The files of the run's project, for the model: list, read, search, write. They run as the caller."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.db import db
from accounts.models import Project, User
from accounts.permissions import permissions_in
from tools.base import Permission, ToolContext
from tools.capabilities import REPOSITORY
from tools.cleaning import clean
from tools.decorator import tool
from tools.errors import ParsingError, RetryTool, ToolError
from tools.git import changes
from tools.git.repository import Committed, Repository
from tools.git.snapshot import Bounds, Entry, Snapshot
from tools.parsing.process import parse

MAX_ENTRIES = 1_000
PARSE_TIMEOUT_S = 5.0
MAX_LINES = 2_000
MAX_LINE_CHARS = 2_000
MAX_QUERY_CHARS = 500
MAX_FILE_TYPES = 20
MAX_MATCHES = 100
# Of a result: below the tools' max_result_bytes, with room for names and marks, so that it is cut between two lines.
ROOM_BYTES = 48_000
NO_PROJECT = "There is no project here that the person you act for can see."


@tool(capability=REPOSITORY, reads="repository", idempotent=True, timeout_s=10)
async def list_files(ctx: ToolContext, path: str = "", recursive: bool = True) -> dict[str, Any]:
    """List the files of the project, with their sizes in bytes.

    Arguments:
        path: a folder, from the root of the project; empty for the whole project
        recursive: false for only what lies directly in the folder; folders then end with /
    """
    return await db(_list, ctx, path, recursive)


@tool(capability=REPOSITORY, reads="repository", idempotent=True, timeout_s=10)
async def read_file(ctx: ToolContext, path: str, start_line: int = 1, lines: int = 200) -> str:
    """Read part of one project file as numbered lines. Ask list_files for the paths.

    Arguments:
        path: the file, from the root of the project
        start_line: the first line to read, from 1
        lines: how many lines to read, at most 2,000
    """
    return await db(_read, ctx, path, start_line, lines)


@tool(capability=REPOSITORY, reads="repository", idempotent=True, timeout_s=15)
async def search_project_files(ctx: ToolContext, query: str, fileTypes: list[str] | None = None) -> dict[str, Any]:
    """Find the lines of the project's files that contain a text, and the files whose path contains it.

    The text is taken as it is (no patterns); upper and lower case are the same.

    Arguments:
        query: the text to find, on one line
        fileTypes: only files that end so, such as ["py", "md"]; leave it out for all files
    """
    return await db(_search, ctx, query, fileTypes or [])


@tool(permission="write", capability=REPOSITORY, idempotent=True, timeout_s=30)
async def write_file(ctx: ToolContext, path: str, content: str) -> dict[str, Any]:
    """Write a whole file of the project, new or in place of the old one. It becomes a commit on this chat's own branch.

    A Python file that cannot be parsed is written too, and the answer says where its first error is.

    Arguments:
        path: the file, from the root of the project; folders are made as needed
        content: everything the file shall contain
    """
    written = await db(_write, ctx, path, content)
    error = await first_error(path, content)
    return {**written, "syntax_error": error} if error else written


async def first_error(path: str, content: str) -> dict[str, Any] | None:
    """What `tools.parsing.python` finds in a Python file, if it finds it soon. The file is written already."""
    if not path.endswith(".py"):
        return None
    try:
        async with asyncio.timeout(PARSE_TIMEOUT_S):
            found: dict[str, Any] | None = await parse("python", clean(content).encode())
            return found
    except (ParsingError, TimeoutError):
        return None


def _list(ctx: ToolContext, path: str, recursive: bool) -> dict[str, Any]:
    snapshot = _snapshot(ctx)
    rows, is_whole = _fitting(snapshot.list(path, recursive=recursive))
    told: dict[str, Any] = {"branch": snapshot.branch, "path": path, "files": rows}
    if not is_whole:
        told["truncated"] = f"Only the first {len(rows)}. Ask for a folder inside, or with recursive false."
    return told


def _fitting(entries: Iterable[Entry]) -> tuple[list[dict[str, Any]], bool]:
    """The entries as the model gets them, as many as fit, and whether those are all."""
    rows: list[dict[str, Any]] = []
    room = ROOM_BYTES
    for entry in entries:
        row = _row(entry)
        room -= len(row["path"].encode(errors="replace")) + 30
        if room < 0 or len(rows) == MAX_ENTRIES:
            return rows, False
        rows.append(row)
    return rows, True


def _row(entry: Entry) -> dict[str, Any]:
    if entry.is_folder:
        return {"path": f"{entry.path}/"}
    return {"path": entry.path, "bytes": entry.bytes} | ({"symbolic_link": True} if entry.is_link else {})


def _read(ctx: ToolContext, path: str, start_line: int, lines: int) -> str:
    if start_line < 1:
        raise RetryTool("start_line: expected a line number from 1.")
    if not 1 <= lines <= MAX_LINES:
        raise RetryTool(f"lines: expected 1 to {MAX_LINES:,}.")
    text = _snapshot(ctx).read(path)
    whole = text.removesuffix("\n").split("\n") if text else []
    if not whole:
        return f"{path} is empty."
    if start_line > len(whole):
        raise RetryTool(f"start_line: {path} has {len(whole):,} lines.")
    shown = _numbered(whole[start_line - 1 : start_line - 1 + lines], start_line)
    last = start_line + len(shown) - 1
    more = f" Read on with start_line={last + 1}." if last < len(whole) else ""
    return "\n".join([f"{path}: lines {start_line} to {last} of {len(whole)}.{more}", *shown])


def _numbered(lines: list[str], first: int) -> list[str]:
    """The lines with their numbers, as many as there is room for; at least one."""
    shown: list[str] = []
    room = ROOM_BYTES
    for number, line in enumerate(lines, start=first):
        text = line.rstrip("\r")
        cut = "" if len(text) <= MAX_LINE_CHARS else f" [cut: the line has {len(text):,} characters]"
        shown.append(f"{number:>6}\t{text[:MAX_LINE_CHARS]}{cut}")
        room -= len(shown[-1].encode(errors="replace"))
        if room < 0 and len(shown) > 1:
            return shown[:-1]
    return shown


def _search(ctx: ToolContext, query: str, file_types: list[str]) -> dict[str, Any]:
    endings = _endings(file_types)
    if not query.strip() or len(query) > MAX_QUERY_CHARS or "\n" in query:
        raise RetryTool(f"query: expected a text of 1 to {MAX_QUERY_CHARS} characters on one line.")
    snapshot = _snapshot(ctx)
    found = snapshot.search(query, endings, _bounds())
    told: dict[str, Any] = {
        "branch": snapshot.branch,
        "matches": [asdict(each) for each in found.matches],
        "files_named_so": found.named,
        "files_searched": found.searched,
    }
    if found.stopped:
        told["truncated"] = f"The search stopped at its limit of {found.stopped}. Ask for something rarer."
    return told


def _endings(file_types: list[str]) -> tuple[str, ...]:
    """py, .py and *.py all mean files that end in .py."""
    endings = [f".{each.strip().removeprefix('*').lstrip('.').lower()}" for each in file_types]
    if len(endings) > MAX_FILE_TYPES or any(not 2 <= len(each) <= 50 or "/" in each for each in endings):
        raise RetryTool(f'fileTypes: expected at most {MAX_FILE_TYPES} endings of file names, such as ["py", "md"].')
    return tuple(endings)


def _bounds() -> Bounds:
    return Bounds(
        files=settings.TOOLS_REPOSITORY_MAX_FILES,
        bytes=settings.TOOLS_SEARCH_MAX_BYTES,
        matches=MAX_MATCHES,
        seconds=settings.TOOLS_SEARCH_TIMEOUT_S,
    )


def _write(ctx: ToolContext, path: str, content: str) -> dict[str, Any]:
    written = committed(repository_of(ctx, "write"), ctx, changes.written([(path, content)]))
    is_new = bool(written.effect.created)
    done = ("created" if is_new else "changed") if written.effect else "held this already, nothing changed"
    return {"path": path, "branch": ctx.branch, "commit": written.commit, "done": done}


def committed(repository: Repository, ctx: ToolContext, change: changes.Change) -> Committed:
    """The change as a commit of this call on the chat's branch; repeated, what the call did. Raises ToolFault."""
    return repository.commit(
        ctx.branch,
        change,
        author_name=ctx.author_name,
        author_email=ctx.author_email,
        note=f"Chat: {ctx.chat_id}\nRun: {ctx.run_id}",
        once=mark_of(ctx.run_id, ctx.call_id) if ctx.call_id else "",
    )


def mark_of(run_id: UUID, call_id: str) -> str:
    """The line of a commit's message by which what that call has done is found."""
    return f"Call: {run_id} {call_id}"


def _snapshot(ctx: ToolContext) -> Snapshot:
    return repository_of(ctx, "read").at(ctx.branch)


def repository_of(ctx: ToolContext, needs: Permission) -> Repository:
    """The repository of the caller's project, if their role there, now, includes this. Raises ToolError."""
    user = User.objects.filter(pk=ctx.user_id, is_active=True).first()
    if user is None or ctx.project_id is None:
        raise ToolError(NO_PROJECT)
    project = Project.objects.visible_to(user).filter(pk=ctx.project_id).first()
    if project is None:
        raise ToolError(NO_PROJECT)
    if needs not in permissions_in(user, organization=project.organization_id, project=project):
        raise ToolError(f"The person you act for may not do this in the project: it needs the permission {needs!r}.")
    return Repository(project.pk)
