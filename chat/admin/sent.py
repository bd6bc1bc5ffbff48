"""What was sent to models, turn by turn: when, to whom and how much; what it said is shown with its chat's content."""

from collections.abc import Iterable
from typing import Any

import msgspec
from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.admin import filters
from chat.admin.content import Gated
from chat.admin.markup import long_text, pretty_json, table, text_block
from chat.figures.words import count
from chat.models import Run
from chat.sent.models import SentRequest

SHORT_CHARS = 200  # a value that is no longer stands in the table of choices


@admin.register(SentRequest)
class SentRequestAdmin(Gated):
    chat_path = "run.chat_id"
    list_display = ("id", "run", "attempt", "agent", "turn", "model", "kept", "sent_at")
    list_filter = (filters.Model, "sent_at")
    list_select_related = ("run",)
    search_fields = ("^run__user__email",)
    search_help_text = gettext_lazy("An id (of a run, its chat or person), or the beginning of an e-mail address")
    id_fields = ("run_id", "run__chat_id", "run__user_id")
    heavy_fields = ("data", "run__request", "run__options", "run__error_message")
    spoken_by = ("model", "turn")
    ordering = ("-id",)
    fields = ("run", "attempt", "agent", "turn", "model", "server", "kept", "sent_at", "asked")

    @admin.display(description=gettext_lazy("Size"), ordering="size")
    def kept(self, row: SentRequest) -> str:
        """How much went, and whether all of it is here."""
        size = filesizeformat(row.size)
        return _("%(size)s, not kept whole") % {"size": size} if row.is_cut else size

    @admin.display(description=gettext_lazy("Request"))
    def asked(self, row: SentRequest) -> SafeString:
        """What it said, in the server's own words."""
        return row.content_gate.show(lambda: _shown(row.text))  # type: ignore[attr-defined,no-any-return]


def links(run: Run, request: HttpRequest) -> dict[tuple[int, str, int], list[str]]:
    """The addresses of what was sent, by attempt, agent and turn; none for who may not look there. One query."""
    found: dict[tuple[int, str, int], list[str]] = {}
    if request.user.has_perm("chat_sent.view_sentrequest"):
        for id, attempt, agent, turn in SentRequest.objects.filter(run=run).values_list(
            "pk", "attempt", "agent", "turn"
        ):
            found.setdefault((attempt, agent, turn), []).append(_address(id))
    return found


def _address(id: int) -> str:
    return reverse("admin:chat_sent_sentrequest_change", args=[id])


def _shown(text: str) -> SafeString:
    """A request as people read it: what was chosen in a table, then each long part folded away."""
    try:
        asked = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return text_block(text)
    chosen = [(name, value) for name, value in asked.items() if _is_short(value)]
    parts = [(name, _part(value)) for name, value in asked.items() if not _is_short(value)]
    return format_html(
        "{}{}",
        table((_("Name"), _("Value")), [(name, pretty_json(value)) for name, value in chosen]),
        format_html_join("", "<h3>{}</h3>{}", parts),
    )


def _is_short(value: Any) -> bool:
    return not isinstance(value, list) and len(pretty_json(value)) <= SHORT_CHARS


def _part(value: Any) -> SafeString:
    """A list's items one under the other; anything else as it is."""
    if not isinstance(value, list):
        return text_block(pretty_json(value))
    return format_html_join("", "{}", ((_item(number, each),) for number, each in enumerate(value, 1)))


def _item(number: int, value: Any) -> SafeString:
    """A message or a tool, folded away under what it is."""
    text = _said(value)
    chars = ngettext("%(count)s character", "%(count)s characters", len(text)) % {"count": count(len(text))}
    return long_text(text, title=" · ".join([str(number), *_names(value), chars]))


def _said(value: Any) -> str:
    """Of a message of plain text that alone; of anything else all of it."""
    is_plain = isinstance(value, dict) and set(value) == {"role", "content"} and isinstance(value["content"], str)
    return str(value["content"]) if is_plain else pretty_json(value)


def _names(value: Any) -> Iterable[str]:
    """What an item says it is: a message's role, a tool's name."""
    if isinstance(value, dict):
        inner = value.get("function")
        places = (value, inner) if isinstance(inner, dict) else (value,)
        yield from (
            each for place in places for name in ("role", "type", "name") if isinstance(each := place.get(name), str)
        )
