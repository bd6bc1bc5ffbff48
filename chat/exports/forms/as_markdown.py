"""A chat as Markdown. Whatever reads it shows of a text what the page shows: chat.exports.forms.harmless."""

from typing import Any

from django.utils.translation import gettext as _

from chat.exports.conversation import Head, Said
from chat.exports.forms.as_text import as_text
from chat.exports.forms.form import Form, time_of
from chat.exports.forms.harmless import escaped, fenced, harmless
from chat.markdown.links import place_of


def _head(head: Head) -> str:
    told = _("Exported at %(time)s, %(count)s messages") % {"time": time_of(head.at), "count": len(head.ids)}
    return f"# {_line(head.title)}\n\n*{told}*\n"


def _message(said: Said, is_first: bool) -> str:
    head = f"\n---\n\n## {_line(said.name)}\n\n*{time_of(said.at)}*\n"
    pieces = [_piece(each) for each in said.parts if each["type"] != "citation"]
    sources = "\n".join(f"- {_source(each)}" for each in said.sources)
    return "\n".join(filter(None, [head, *pieces, sources and f"{sources}\n", *_behind(said)]))


def _piece(part: dict[str, Any]) -> str:
    match part["type"]:
        case "text":
            return harmless(part["text"].strip("\n")) + "\n"
        case "reasoning":
            text = harmless(part["text"].strip("\n"))
            return f"**{_('Reasoning')}**\n\n" + "\n".join(f"> {line}".rstrip() for line in text.split("\n")) + "\n"
        case "tool_call":
            return f"**{_('Tool')}: {_line(part['name'])}**\n\n{fenced(as_text(part.get('arguments')))}\n"
        case _:
            told = as_text(part.get("error", part.get("result")))
            return f"**{_('Result')}: {_line(part['name'])}**\n\n{fenced(told)}\n"


def _source(part: dict[str, Any]) -> str:
    name = _line(str(part.get("title") or part.get("url") or ""))
    url = str(part.get("url", ""))
    return f"\\[{part['n']}\\] " + (f"[{name}](<{url}>)" if place_of(url) and not set(url) & set("<>\n") else name)


def _behind(said: Said) -> list[str]:
    names = ", ".join(_line(each.get("name", each["type"])) for each in said.files)
    return [
        *([f"*{_('Files')}: {names}*\n"] if names else []),
        *([f"*{said.state}*\n"] if said.state else []),
    ]


def _line(text: str) -> str:
    """In one line, and no markup."""
    return escaped(" ".join(text.split()))


form = Form("text/markdown; charset=utf-8", "md", _head, _message)
