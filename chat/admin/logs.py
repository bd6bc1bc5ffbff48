"""The stored batches of runs' logs, for who must see the bytes. A run's own page reads better."""

from django.contrib import admin
from django.utils.safestring import SafeString

from chat.admin.history import History
from chat.admin.markup import text_block
from chat.models import RunEvent


@admin.register(RunEvent)
class RunEventAdmin(History):
    list_display = ("id", "run", "attempt", "first_seq", "last_seq", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("run",)
    search_fields = ("=run__error_code",)
    search_help_text = "The id of a run, or the whole error code that runs failed with"
    id_fields = ("run_id",)
    heavy_fields = ("events",)
    ordering = ("-id",)
    fields = ("run", "attempt", "first_seq", "last_seq", "created_at", "stored_events")

    @admin.display(description="Events")
    def stored_events(self, batch: RunEvent) -> SafeString:
        """One event a line."""
        return text_block(batch.events.replace('},{"type"', '},\n{"type"'))
