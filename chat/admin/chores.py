"""What is done now and then by itself: when it was, what it did, and when it is due again."""

from django.contrib import admin

from chat.admin.history import History
from chat.models import Chore


@admin.register(Chore)
class ChoreAdmin(History):
    list_display = ("name", "ended_at", "told", "error", "due_at", "owner", "held_until")
    search_fields = ("^name",)
