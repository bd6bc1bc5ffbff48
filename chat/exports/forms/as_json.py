"""A chat as JSON: one object, whose messages are written one by one. docs/exports.md describes it."""

import json
from datetime import UTC
from typing import Any

from chat.exports.conversation import Head, Said
from chat.exports.forms.form import Form

FORMAT, VERSION = "chat", 1


def _head(head: Head) -> str:
    told = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": _time(head.at),
        "chat": {"id": head.id, "title": head.title, "model": head.model, "created_at": _time(head.created_at)},
        "branch": head.branch,
    }
    return f'{_dump(told)[:-1]}, "messages": ['


def _message(said: Said, is_first: bool) -> str:
    told = {
        **{name: getattr(said, name) for name in ("id", "parent", "position", "role", "kind", "status")},
        "author": {"id": said.author, "name": said.name} if said.author else None,
        "model": said.model,
        "created_at": _time(said.at),
        "content": "".join(each["text"] for each in said.parts if each["type"] == "text"),
        "parts": said.parts,
        "attachments": said.files,
    }
    return f"{'' if is_first else ','}\n{_dump(told)}"


def _time(at: Any) -> str:
    return str(at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _dump(value: Any) -> str:
    """JSON that every reader takes: half characters are what is put in their place."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


form = Form("application/json", "json", _head, _message, "\n]}\n")
