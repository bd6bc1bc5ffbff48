"""REST for an organization's audit log: its admins read it, and that they did is in it."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEntry
from accounts.audit.reading import entries_of
from accounts.errors import NotAllowed
from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, documented, page, read
from accounts.models import Organization, User
from accounts.organizations.rest import Pages, found
from accounts.organizations.services import require_admin

OBJECT_MAX_CHARS = 64


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """That somebody did something. `hash`, `seq` and `chain` as docs/audit.md has them."""

    detail = serializers.DictField(help_text="ids, codes and whole numbers, by the action")

    class Meta:
        model = AuditEntry
        fields = (
            *("id", "at", "organization", "actor_kind", "actor", "action", "object_type", "object_id", "outcome"),
            *("ip", "request_id", "detail", "hash", "seq", "chain"),
        )
        read_only_fields = fields


class Asked(Closed):
    """Which entries."""

    action = serializers.ChoiceField(choices=list(ACTIONS), required=False)
    actor = Id(required=False, help_text="the id of a person, API key or identity provider")
    object_id = Text(required=False, max_length=OBJECT_MAX_CHARS)
    to = serializers.DateTimeField(required=False, help_text="before this time")

    def get_fields(self) -> dict[str, Any]:
        """With a field whose name is a word of Python."""
        since = serializers.DateTimeField(required=False, help_text="from this time on")
        return {"from": since, **super().get_fields()}


class AuditQuery(Asked, PageQuery):
    """Which entries, and of these which page."""


class AuditLog(Pages):
    """What was done in an organization, and by whom."""

    @documented("organizations_audit_list", query=AuditQuery, answer=AuditEntrySerializer(many=True))
    def get(self, request: Request, organization: UUID) -> Response:
        """The newest first. Needs admin. Each look is an entry of its own, with the names of the filters."""
        asked = read(AuditQuery, request.query_params)
        require_reader(caller(request), organization)
        answer = page(request, entries_of(organization, asked), AuditEntrySerializer, ordering="-at")
        note_reading(caller(request), organization, asked)
        return answer


def require_reader(user: User, organization: UUID) -> None:
    """Raise NotFound for who is no member; NotAllowed for who is no admin, which is written down."""
    place = found(Organization.objects.visible_to(user), organization)
    try:
        require_admin(user, place)
    except NotAllowed:
        audit.refused("audit.read", actor=user, organization_id=organization)
        raise


def note_reading(user: User, organization: UUID, asked: dict[str, Any], **more: str) -> None:
    """Write down that they read it: by which filters, not what these asked for."""
    filters = sorted(set(asked) - set(PageQuery().fields))
    audit.apart("audit.read", actor=user, organization_id=organization, detail={"filters": filters, **more})
