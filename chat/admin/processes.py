"""Processes, as they say it themselves."""

from django.contrib import admin

from chat.admin.history import History
from chat.models import Process


@admin.register(Process)
class ProcessAdmin(History):
    list_display = ("host", "pid", "takes_runs", "started_at", "seen_at")
    search_fields = ("^host",)
