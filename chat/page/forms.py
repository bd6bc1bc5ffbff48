"""The forms of a call that wants something from a person, as its card on the page shows them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from chat.page.asked_words import say
from tools.base import Tool
from tools.forms import Field, Form, fields_of

TYPES = {"text": "text", "email": "email", "url": "url", "date": "date", "date-time": "datetime-local"}
MARKS = {"minLength": "minlength", "maxLength": "maxlength", "minimum": "min", "maximum": "max"}


def shown(forms: tuple[Form, ...], tool: Tool | None) -> dict[str, Any]:
    """What `_forms.html` says of them, besides who may answer. `tool` wants it; None: it is gone."""
    is_only_pages = all(each.is_page for each in forms)
    return {
        "forms": [_form(each) for each in forms],
        "sends": say("isDone") if is_only_pages else say("sends"),
        "goes": "" if is_only_pages else _goes(tool),
    }


def _goes(tool: Tool | None) -> str:
    """Where the answers go, and who reads them."""
    if tool is not None and not tool.outward:
        return say("answersStay")
    host = tool.place.partition("/")[0] if tool is not None else ""
    return say("answersGoTo", host=host) if host else say("answersGo")


def _form(form: Form) -> dict[str, Any]:
    fields = [_field(each) for each in fields_of(form)]
    return {"key": form.key, "message": form.message, "url": form.url, "host": _host(form.url), "fields": fields}


def _host(url: str) -> str:
    """Where a link leads; "" for what is made none: only https, and no name or password before the host; or our own."""
    if url.startswith(f"{settings.PARLEY_PUBLIC_URL}/"):
        return urlsplit(settings.PARLEY_PUBLIC_URL).hostname or ""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme == "https" and parts.username is None and parts.password is None
        return (parts.hostname or "") if is_plain else ""
    except ValueError:
        return ""


def _field(field: Field) -> dict[str, Any]:
    default = field.default
    is_plain = isinstance(default, str | int | float) and not isinstance(default, bool)
    return {
        **{name: getattr(field, name) for name in ("name", "kind", "title", "description", "is_required", "choices")},
        "type": TYPES.get(field.kind, "number"),
        "value": default if is_plain and field.kind != "date-time" else "",
        "default": default,
        "chosen": default if isinstance(default, list) else [],
        "marks": list(_marks(field)),
    }


def _marks(field: Field) -> Iterator[tuple[str, Any]]:
    for limit, mark in MARKS.items():
        if limit in field.limits:
            yield mark, field.limits[limit]
    if field.kind in ("number", "integer"):
        yield "step", "any" if field.kind == "number" else 1
