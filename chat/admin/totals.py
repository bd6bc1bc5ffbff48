"""What /api/metrics tells, for who looks here first."""

from django.contrib import admin

from chat.admin.history import History
from chat.models import Total


@admin.register(Total)
class TotalAdmin(History):
    is_plumbing = True
    list_display = ("name", "labels", "value")
    spoken_by = ("name", "labels")
    search_fields = ("^name",)
