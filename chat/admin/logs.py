"""The stored batches of runs' logs, for who must see the bytes. A run's own page reads better."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.content import Gated
from chat.admin.markup import text_block
from chat.models import RunEvent


@admin.register(RunEvent)
class RunEventAdmin(Gated):
    is_plumbing = True
    chat_path = "run.chat_id"
    list_display = ("id", "run", "attempt", "first_seq", "last_seq", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("run",)
    search_fields = ("=run__error_code",)
    search_help_text = _("The id of a run, or the whole error code that runs failed with")
    id_fields = ("run_id",)
    heavy_fields = ("events", "run__request", "run__options", "run__error_message")
    ordering = ("-id",)
    fields = ("run", "attempt", "first_seq", "last_seq", "created_at", "stored_events")

    @admin.display(description=_("Events"))
    def stored_events(self, batch: RunEvent) -> SafeString:
        """One event a line."""
        lines = batch.events.replace('},{"type"', '},\n{"type"')
        return batch.content_gate.show(lambda: text_block(lines))  # type: ignore[attr-defined,no-any-return]
