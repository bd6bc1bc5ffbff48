"""The little HTML of these pages. Everything that comes from people or models goes through format_html."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.figures.words import breaking, count

Cells = Sequence[object]
EMPTY = "-"


def table(headers: Sequence[object], rows: Iterable[Cells], *, caption: object = "", numbers: int = 0) -> SafeString:
    """A table; a dash where there is no row. `numbers` of its last columns are numbers and stand under each other."""
    body = [(row_of(cells),) for cells in rows]
    if not body:
        return format_html("{}", EMPTY)
    return format_html(
        '<div class="wide"><table class="history numbers-{}">{}'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        numbers,
        format_html("<caption>{}</caption>", caption) if caption else "",
        format_html_join("", '<th scope="col">{}</th>', ((header,) for header in headers)),
        format_html_join("", "{}", body),
    )


def row_of(cells: Cells) -> SafeString:
    """One row of a table."""
    return format_html("<tr>{}</tr>", format_html_join("", "<td>{}</td>", ((cell,) for cell in cells)))


def long_text(text: str, *, title: object = _("Show")) -> SafeString:
    """Text as it is, line by line, folded away."""
    if not text:
        return format_html("{}", EMPTY)
    return format_html("<details><summary>{}</summary><pre>{}</pre></details>", title, text)


def text_block(text: str) -> SafeString:
    """Text as it is, line by line."""
    return format_html("<pre>{}</pre>", text) if text else format_html("{}", EMPTY)


def pretty_json(value: Any) -> str:
    """JSON that a person reads; text stays text."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def link(row: Model | None, text: object = "") -> SafeString:
    """A link to the row's own page in the admin."""
    if row is None:
        return format_html("{}", EMPTY)
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text or row)


def person(user: Any) -> SafeString:
    """Their address."""
    return breaking(str(user))


def link_to_list(model: type[Model], text: object, **filters: object) -> SafeString:
    """A link to the list of these rows."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(filters), text)


def number(value: object) -> SafeString:
    """A number of a list, where numbers stand under each other."""
    return format_html('<span class="number">{}</span>', count(value) if isinstance(value, int) else value)


def tokens(row: Any) -> tuple[str, str, str, str, str]:
    """Input, cached, output, reasoning and total of whatever counts them, with separators."""
    total = row.input_tokens + row.output_tokens
    counted = (row.input_tokens, row.cached_tokens, row.output_tokens, row.reasoning_tokens, total)
    first, second, third, fourth, fifth = map(count, counted)
    return first, second, third, fourth, fifth


TOKEN_HEADERS = (_("Input"), _("of it cached"), _("Output"), _("of it reasoning"), _("Total"))
