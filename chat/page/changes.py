"""Two pages of a chat: what it changed in its project's files, and the files that its branch holds. Without scripts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from chat.access import find_project, get_chat, permissions_on
from chat.models import Chat, ChatStatus
from chat.page import diffs
from chat.page.views import fresh
from chat.page.words import REFUSALS
from chat.services.changes import diff_of, entries_of, entry_of, place_of, snapshot_of
from tools.errors import ToolFault
from tools.git.diffs import Diff, FileDiff
from tools.git.snapshot import Entry, Snapshot

FOLDED_LINES = 400  # a file with more is shown folded
SHOWN_LINES = 4_000  # of all files; those behind them are shown alone
SPLIT = "split"


@dataclass(frozen=True)
class Changed:
    """One file of a diff, as `changes.html` shows it."""

    number: int
    path: str
    name: SafeString
    old_name: SafeString | str  # "" unless it was moved
    what: str  # in words
    status: str
    additions: int
    deletions: int
    rows: SafeString | str
    note: str  # why there are no lines, or not all
    is_open: bool
    is_left_out: bool  # there was no room for its lines


@require_GET
@login_required
@fresh
def changes(request: HttpRequest, id: UUID) -> HttpResponse:
    """What the chat's branch changed, with `?view=split` side by side; `?path` is one file or folder."""
    chat, path = get_chat(_user(request), id), request.GET.get("path", "")
    is_split = request.GET.get("view") == SPLIT
    diff = diff_of(chat, path) if chat.project_id else None
    context = {
        **_context(request, chat, "changes"),
        "path": path,
        "is_split": is_split,
        "diff": diff,
        "said": _said(request),
        "can_propose": chat.status == ChatStatus.ACTIVE and "deploy" in permissions_on(_user(request), chat),
        "files": _files(diff, is_split=is_split, is_alone=bool(path)) if diff else [],
    }
    return render(request, "chat/changes.html", context)


@require_GET
@login_required
@fresh
def files(request: HttpRequest, id: UUID) -> HttpResponse:
    """What the chat's branch holds: a folder, `?path`, or a file's text."""
    chat, path = get_chat(_user(request), id), request.GET.get("path", "")
    context = _context(request, chat, "files")
    if chat.project_id:
        snapshot = snapshot_of(chat)
        entry = entry_of(snapshot, path)
        way = [(diffs.shown(part), upto) for part, upto in _way(entry.path)]
        context |= {"entry": entry, "way": way, "branch": snapshot.branch}
        context |= _folder(snapshot, path, request.GET.get("after", "")) if entry.is_folder else _text(snapshot, entry)
    return render(request, "chat/files.html", context)


def _context(request: HttpRequest, chat: Chat, page: str) -> dict[str, Any]:
    """`project` only where the reader sees it: a chat may be shared with others."""
    project = find_project(_user(request), chat.project_id) if chat.project_id else None
    return {"chat": chat, "page": page, "has_project": bool(chat.project_id), "project": project}


def _said(request: HttpRequest) -> Any:
    """Why there is no pull request, by the code in `?said`."""
    code = request.GET.get("said", "")
    return REFUSALS.get(code, REFUSALS["conflict"]) if code and code != "invalid" else ""


def _files(diff: Diff, *, is_split: bool, is_alone: bool) -> list[Changed]:
    """The files, with lines as long as there is room for them."""
    found: list[Changed] = []
    room = SHOWN_LINES
    for number, file in enumerate(diff.files):
        hunks = diffs.hunks_of(file.patch)
        lines = diffs.count_of(hunks)
        has_room = is_alone or lines <= room
        room -= lines if has_room else 0
        rows = diffs.rows_of(hunks, is_split=is_split) if has_room else ""
        found.append(_changed(number, file, rows, is_open=is_alone or lines <= FOLDED_LINES, is_left_out=not has_room))
    return found


def _changed(number: int, file: FileDiff, rows: SafeString | str, *, is_open: bool, is_left_out: bool) -> Changed:
    return Changed(
        number,
        file.path,
        diffs.shown(file.path),
        diffs.shown(file.old_path) if file.old_path != file.path else "",
        _what(file),
        file.status,
        file.additions,
        file.deletions,
        rows,
        _note(file),
        is_open,
        is_left_out,
    )


def _what(file: FileDiff) -> str:
    words = {"A": _("added"), "D": _("deleted"), "R": _("moved"), "T": _("of another kind now")}
    return words.get(file.status, _("changed"))


def _note(file: FileDiff) -> str:
    """What is to be known of a file besides its lines."""
    notes = []
    if modes := diffs.modes_of(file.patch):
        notes.append(_("Mode %(old)s, now %(new)s.") % {"old": modes[0], "new": modes[1]})
    if file.is_binary:
        notes.append(_("A binary file: it has no lines to show."))
    elif file.is_truncated:
        notes.append(_("Not all of it is shown: it is too long. The whole file can be downloaded."))
    elif not file.additions + file.deletions and not notes:
        notes.append(_("Its lines are the same."))
    return " ".join(notes)


def _folder(snapshot: Snapshot, path: str, after: str) -> dict[str, Any]:
    found, has_more = entries_of(snapshot, path, recursive=False, after=after)
    entries = [{"entry": each, "name": diffs.shown(each.path.rpartition("/")[2])} for each in found]
    return {"entries": entries, "next": place_of(found[-1]).decode(errors="replace") if has_more else ""}


def _text(snapshot: Snapshot, entry: Entry) -> dict[str, Any]:
    """The file's lines, numbered; or why there are none."""
    if entry.is_link:
        return {"note": _("A symbolic link. It is not followed.")}
    try:
        text = snapshot.read(entry.path)
    except ToolFault:
        return {"note": _("It cannot be shown as text: it is binary, or too large. It can be downloaded.")}
    lines = text.removesuffix("\n").split("\n") if text else []
    shown = [diffs.Line(" ", at, at, line) for at, line in enumerate(lines[:SHOWN_LINES], start=1)]
    note = _("Only its first lines are shown. The whole file can be downloaded.") if len(lines) > SHOWN_LINES else ""
    return {"note": note, "is_empty": not lines, "rows": diffs.rows_of([diffs.Hunk(0, "", shown)], is_split=False)}


def _way(path: str) -> list[tuple[str, str]]:
    """Each folder on the way, and the last part, with the path as far as it."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]


def _user(request: HttpRequest) -> User:
    """The one who signed in; `login_required` let nobody else through."""
    assert isinstance(request.user, User)
    return request.user
