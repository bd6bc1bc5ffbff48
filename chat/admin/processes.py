"""Processes, as they say it themselves."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.models import Process


@admin.register(Process)
class ProcessAdmin(History):
    list_display = ("host", "pid", "takes_runs", "started_at", "seen_at")
    spoken_by = ("host", "pid")
    list_filter = ("takes_runs",)
    search_fields = ("^host",)
    search_help_text = _("The id of a process, or the beginning of a host's name")
