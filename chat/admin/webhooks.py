"""Webhooks: which are on, what could not be delivered and why, and switching them off. Addresses may hold secrets: of
each its host is shown."""

from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin_lists import View
from chat.admin.history import History
from chat.admin.interventions import keep
from chat.webhooks.claiming import switch_off
from chat.webhooks.models import OffReason, Webhook, WebhookDelivery

MOST = 1_000  # at once


@admin.register(Webhook)
class WebhookAdmin(History):
    list_display = ("id", "organization", "host", "is_active", "off_reason", "failing_since", "delivered_at")
    list_filter = ("is_active", "off_reason")
    list_select_related = ("organization",)
    search_fields = ("^organization__name",)
    search_help_text = _("An id (of a webhook or an organization), or the beginning of an organization's name")
    id_fields = ("id", "organization_id")
    views = (
        View(_("Failing"), "failing_since__isnull=False&is_active__exact=1"),
        View(_("Switched off by itself"), "off_reason__in=gone,failing"),
    )
    spoken_by = ("id",)
    exclude = ("url", "secret", "old_secret")
    readonly_fields = ("host",)
    ordering = ("-created_at", "-id")
    actions = ("switch_off",)

    @admin.display(description=_("host"))
    def host(self, row: Webhook) -> str:
        """Where it goes, without what may be secret."""
        return urlsplit(row.url).hostname or ""

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whether they may switch webhooks off."""
        return request.user.has_perm("chat_webhooks.change_webhook")

    @admin.action(description=_("Switch off"), permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Switch off the chosen ones that are on; each is logged."""
        count = 0
        for row in queryset.filter(is_active=True).order_by()[:MOST]:
            with transaction.atomic():
                by = audit.operator(request.user)
                if switch_off(Webhook.objects.filter(pk=row.pk), OffReason.OPERATOR, by=by):
                    keep(request, row, "Switched off")
                    count += 1
        told = ngettext("%(count)s webhook was switched off.", "%(count)s webhooks were switched off.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(History):
    list_display = ("id", "type", "webhook", "status", "tries", "next_at", "answer_status", "error", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("webhook", "event")
    search_help_text = _("An id (of a delivery, its webhook or its event)")
    search_fields = ("=id",)
    id_fields = ("id", "webhook_id", "event_id")
    spoken_by = ("id",)
    exclude = ("answer",)
    heavy_fields = ("answer",)
    ordering = ("-created_at", "-id")

    @admin.display(description=_("type"))
    def type(self, row: WebhookDelivery) -> str:
        """Of its event."""
        return row.event.type
