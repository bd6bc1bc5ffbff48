"""Schedules: when they are due, what became of it, and switching them off. What they say is not shown."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from chat.admin.history import History
from chat.admin.interventions import keep
from chat.models import Schedule
from chat.services.scheduled import switch_off_by_hand
from chat.services.schedules import note

MOST = 1_000  # at once


@admin.register(Schedule)
class ScheduleAdmin(History):
    list_display = (
        *("id", "owner", "organization", "chat_id", "is_on", "cron", "time_zone"),
        *("next_at", "last_at", "missed", "error"),
    )
    list_filter = ("is_on",)
    list_select_related = ("owner", "organization")
    search_fields = ("^owner__email",)
    search_help_text = _(
        "An id (of a schedule, its chat, project, owner or run), or the beginning of an e-mail address"
    )
    id_fields = ("id", "chat_id", "project_id", "owner_id", "last_run_id")
    spoken_by = ("id",)
    exclude = ("title", "prompt")
    heavy_fields = ("prompt",)
    ordering = ("-created_at", "-id")
    actions = ("switch_off",)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whether they may switch schedules off."""
        return request.user.has_perm("chat.change_schedule")

    @admin.action(description=_("Switch off"), permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Switch off the chosen ones that are on; each is logged."""
        count = 0
        for row in queryset.filter(is_on=True).order_by()[:MOST]:
            with transaction.atomic():
                if switch_off_by_hand(row):
                    keep(request, row, "Switched off")
                    note("schedule.switched_off", row, by=audit.operator(request.user))
                    count += 1
        told = ngettext("%(count)s schedule was switched off.", "%(count)s schedules were switched off.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS)
