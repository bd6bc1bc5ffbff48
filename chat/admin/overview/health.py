"""Whether what is kept holds, and what is told arrives: the audit log's newest entries, the last check of consistency,
and webhooks.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit.models import AuditEntry
from accounts.audit.sealing import unsealed
from chat.admin.markup import link, link_to_list
from chat.figures.boxes import Box
from chat.figures.words import age, count
from chat.ops import consistency
from chat.webhooks.models import BROKEN_OFF, Webhook, WebhookDelivery

UNSEALED_AFTER = timedelta(minutes=1)  # the chore is due each second
LATE = 2  # intervals without a check
SHOWN_WEBHOOKS = 6


def audit(now: datetime) -> Box:
    """How many entries have no place in their chain yet, and for how long the oldest has none."""
    waiting = unsealed()
    oldest = AuditEntry.objects.filter(seq=None).order_by("pk").values_list("at", flat=True).first()
    return Box(
        "audit",
        _("Audit log, not sealed"),
        f"{reverse('admin:accounts_auditentry_changelist')}?seq__isnull=True",
        figure=count(waiting),
        note=_("the oldest for %(age)s") % {"age": age(oldest, now)} if oldest else "",
        is_bad=oldest is not None and now - oldest > UNSEALED_AFTER,
        empty=_("Every entry has its place in its chain.") if not waiting else "",
    )


def consistent(now: datetime) -> Box:
    """What the last check found, by what it is in."""
    checked = consistency.last()
    href = reverse("admin:chat_chore_changelist")
    if checked is None:
        return Box("consistency", _("Consistency"), href, empty=_("Nobody has checked it yet."))
    every = timedelta(seconds=settings.CONSISTENCY_EVERY_S)
    is_late = bool(every) and now - checked.at > LATE * every
    found = [(name.removeprefix("in "), many) for name, many in checked.told.items() if name.startswith("in ")]
    kinds = {"logs": _("Logs of runs"), "messages": _("Messages"), "leases": _("Leases"), "usage": _("Usage by day")}
    note = _("faults; checked %(age)s ago, %(runs)s runs read") % {
        "age": age(checked.at, now), "runs": count(checked.told.get("runs read", 0)),
    }  # fmt: skip
    return Box(
        "consistency",
        _("Consistency"),
        href,
        figure=count(checked.faults),
        note=f"{note}; {_('it could not end')}" if checked.error else note,
        is_bad=bool(checked.faults or checked.error or is_late),
        headers=(_("In"), _("Faults")),
        rows=[(kinds.get(kind, kind), count(many)) for kind, many in found],
        numbers=1,
        empty=_("What is stored agrees with itself."),
    )


def webhooks(now: datetime) -> Box:
    """Those that nothing reaches, the longest first, and why; then those that switched themselves off."""
    failing, broken = Q(is_active=True, failing_since__isnull=False), Q(is_active=False, off_reason__in=BROKEN_OFF)
    tries = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).exclude(answer_status=None, error="")
    last = tries.order_by("-created_at", "-pk")
    found = Webhook.objects.filter(failing | broken).select_related("organization").annotate(
        status=Subquery(last.values("answer_status")[:1]), why=Subquery(last.values("error")[:1])
    )  # fmt: skip
    fail, off = Webhook.objects.filter(failing).count(), Webhook.objects.filter(broken).count()
    rows: list[Any] = list(found.order_by("-is_active", F("failing_since").asc(nulls_last=True))[:SHOWN_WEBHOOKS])
    return Box(
        "webhooks",
        _("Webhooks that fail"),
        f"{reverse('admin:chat_webhooks_webhook_changelist')}?failing_since__isnull=False&is_active__exact=1",
        figure=count(fail),
        note=_("%(count)s switched off by themselves") % {"count": count(off)} if off else "",
        is_bad=fail > 0,
        headers=(_("Receiver"), _("Organization"), _("For"), _("The last try")),
        rows=[
            (
                link(row, urlsplit(row.url).hostname or str(row.pk)[:8]),
                row.organization,
                age(row.failing_since, now) if row.is_active else _("switched off"),
                link_to_list(WebhookDelivery, row.status or row.why or "-", webhook__id__exact=row.pk),
            )
            for row in rows
        ],
        empty=_("Every webhook is reached."),
    )
