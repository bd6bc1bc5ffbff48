"""The log of interventions: who changed, stopped, re-drove or looked at what, and why. Nobody edits it."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_lists import View
from chat.admin.history import History


@admin.register(LogEntry)
class InterventionAdmin(History):
    list_display = ("action_time", "user", "what", "of", "said")
    list_filter = ("action_flag", "action_time")
    list_select_related = ("user", "content_type")
    search_fields = ("=object_id", "^user__email", "^change_message")
    search_help_text = _("The whole id of a row, or the beginning of an e-mail address or of what was said")
    id_fields = ("object_id", "user_id")
    ordering = ("-id",)
    spoken_by = ("user", "action_time")  # its own text quotes what the row was called
    fields = ("action_time", "user", "content_type", "of", "said")
    views = (
        View(_("Content shown"), "q=Content+shown"),
        View(_("Stopped"), "q=Stopped"),
        View(_("Re-driven"), "q=Re-driven"),
        View(_("Handed over"), "q=Handed+over"),
        View(_("Mine"), "user__id__exact={user}"),
    )

    @admin.display(description=_("kind"))
    def what(self, entry: LogEntry) -> str:
        """What kind of row it was done to."""
        return str(entry.content_type or "-")

    @admin.display(description=_("row"))
    def of(self, entry: LogEntry) -> SafeString | str:
        """The row it was done to."""
        address, named = entry.get_admin_url(), _named(entry)
        return format_html('<a href="{}">{}</a>', address, named) if address else named

    @admin.display(description=_("what was done"))
    def said(self, entry: LogEntry) -> str:
        """In words, with the reason: what was done is kept in English, the reason as it was given."""
        done, colon, reason = entry.get_change_message().partition(": ")
        what, _as, run = done.partition(" as run ")
        return f"{gettext(what)}{_as and ' → '}{run}{colon}{reason}" if what else "-"


def _named(entry: LogEntry) -> str:
    """The row as the entry names it; of what has a title by its id, as older versions kept the title there."""
    table = entry.content_type.model if entry.content_type else ""
    return f"{table.capitalize()} {entry.object_id}" if table in ("chat", "task") else entry.object_repr
