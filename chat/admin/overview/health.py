"""Whether what is kept holds: the audit log's newest entries, and what the last check of consistency found."""

from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.audit.models import AuditEntry
from accounts.audit.sealing import unsealed
from chat.figures.boxes import Box
from chat.figures.words import age, count
from chat.ops import consistency

UNSEALED_AFTER = timedelta(minutes=1)  # the chore is due each second
LATE = 2  # intervals without a check


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
