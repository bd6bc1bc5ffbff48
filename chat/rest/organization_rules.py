"""REST for what an organization has decided for all of its chats."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed
from accounts.http.rest import caller, documented, read, shown
from accounts.models import Organization
from accounts.organizations.rest import found
from chat.models import Links, Rules
from chat.rest.serializers import Nothing
from chat.services.organization_rules import DAYS_MOST, change_rules, rules_of


class Days(serializers.IntegerField):
    """A number of days, or null; the framework's own field takes texts and whole floats for numbers."""

    def __init__(self, help_text: str) -> None:
        super().__init__(allow_null=True, required=False, min_value=1, max_value=DAYS_MOST, help_text=help_text)

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError."""
        if type(data) is not int:
            self.fail("invalid")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    """True or false; the framework's own field takes texts and numbers for these."""

    def to_internal_value(self, data: Any) -> bool:
        """The flag. Raises ValidationError."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class RulesSerializer(serializers.ModelSerializer[Rules]):
    """The rules as they are."""

    updated_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="null: nobody has set any.")

    class Meta:
        model = Rules
        fields = ("chats_days", "logs_days", "files_days", "links", "cache_answers", "updated_at")
        read_only_fields = fields


class RulesChanges(Closed):
    """What may be changed; null: for ever."""

    chats_days = Days("Days that a chat is kept after its last activity.")
    logs_days = Days("Days after a run's end until its log says no more than the answer.")
    files_days = Days("Days that a file is kept after the newest message that has it.")
    links = serializers.ChoiceField(choices=Links.choices, required=False, help_text="Who may open links to chats.")
    cache_answers = Flag(required=False, help_text="Whether the same prompt may be answered by the same answer.")


class OrganizationRules(APIView):
    """The rules of an organization."""

    @documented("read_rules", answer=RulesSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read the rules. Needs admin."""
        read(Nothing, request.query_params)
        return shown(request, RulesSerializer, rules_of(caller(request), _place(request, id)))

    @documented("change_rules", body=RulesChanges, answer=RulesSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change rules. What they keep no longer is deleted within the hour. Needs admin."""
        place = _place(request, id)
        rules_of(caller(request), place)
        changes = read(RulesChanges, request.data, partial=True)
        return shown(request, RulesSerializer, change_rules(user=caller(request), organization=place, **changes))


def _place(request: Request, id: UUID) -> Organization:
    return found(Organization.objects.visible_to(caller(request)), id)
