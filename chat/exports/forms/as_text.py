"""A chat as plain text: who, when, and what they said as they wrote it."""

import json
from typing import Any

from django.utils.translation import gettext as _

from chat.exports.conversation import Head, Said
from chat.exports.forms.form import Form, time_of

RULE = "-" * 72


def _head(head: Head) -> str:
    told = _("Exported at %(time)s, %(count)s messages") % {"time": time_of(head.at), "count": len(head.ids)}
    return f"{head.title}\n{told}\n"


def _message(said: Said, is_first: bool) -> str:
    lines = [RULE, f"{said.name}, {time_of(said.at)}", RULE]
    pieces = [_piece(each) for each in said.parts if each["type"] != "citation"]
    sources = [f"[{each['n']}] {each.get('title', '')} {each.get('url', '')}".rstrip() for each in said.sources]
    return "\n" + "\n".join([*lines, *pieces, *sources, *_behind(said)]) + "\n"


def _piece(part: dict[str, Any]) -> str:
    match part["type"]:
        case "text":
            return str(part["text"]).rstrip()
        case "reasoning":
            return f"({_('Reasoning')})\n{str(part['text']).rstrip()}\n"
        case "tool_call":
            return f"({_('Tool')}: {part['name']})\n{as_text(part.get('arguments'))}\n"
        case _:
            return f"({_('Result')}: {part['name']})\n{as_text(part.get('error', part.get('result')))}\n"


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _behind(said: Said) -> list[str]:
    names = ", ".join(each.get("name", each["type"]) for each in said.files)
    return [
        each for each in (f"({_('Files')}: {names})" if names else "", f"({said.state})" if said.state else "") if each
    ]


form = Form("text/plain; charset=utf-8", "txt", _head, _message)
