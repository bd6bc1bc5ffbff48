"""What an organization has decided for all of its chats: read and changed by its admins. Sync."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import Organization, User
from accounts.permissions import permissions_in, require
from chat.models import Rules

DAYS_MOST = 36_500


def rules_of(user: User, organization: Organization) -> Rules:
    """The rules; without a row, those that hold by themselves. Needs admin."""
    require(permissions_in(user, organization=organization), "admin")
    return Rules.objects.filter(organization=organization).first() or Rules(organization=organization)


@transaction.atomic
def change_rules(*, user: User, organization: Organization, **changes: Any) -> Rules:
    """The rules with these changes; what is kept no longer goes with the next round of the chore `retention`."""
    rules_of(user, organization)
    row, _ = Rules.objects.select_for_update().get_or_create(organization=organization)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=[*changes, "updated_at"])
    audit.record(
        "rule.changed", actor=user, organization_id=organization.pk, object_type="rules", object_id=organization.pk,
        detail={"fields": sorted(changes)},
    )  # fmt: skip
    return row
