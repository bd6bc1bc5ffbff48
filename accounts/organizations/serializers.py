"""What the API shows of people, organizations and projects, and what it takes."""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Membership, Organization, Project, ProjectMember, Role, User

UNKNOWN = "There is no such field."
READ_ONLY = "This field cannot be set."


class Closed(serializers.Serializer[Any]):
    """A mixin, named first: a body with fields that are unknown or read-only is refused, naming each of them."""

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError for all that is wrong, these fields included."""
        refused = self._refused(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(_merged(error.detail, refused)) from None
        if refused:
            raise serializers.ValidationError(refused)
        return values

    def _refused(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        unknown = {name[:100]: [UNKNOWN] for name in islice((name for name in data if name not in self.fields), 20)}
        return unknown | {name: [READ_ONLY] for name, field in self.fields.items() if field.read_only and name in data}


def _merged(detail: Any, refused: dict[str, list[str]]) -> Any:
    return {**detail, **refused} if isinstance(detail, Mapping) else detail


class Text(serializers.CharField):
    """Text only: the framework's own field takes numbers for text."""

    def to_internal_value(self, data: Any) -> str:
        """The text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Email(serializers.EmailField, Text):
    """An e-mail address."""


class Id(serializers.UUIDField):
    """A UUID as text: the framework's own field takes numbers for UUIDs."""

    def to_internal_value(self, data: Any) -> UUID:
        """The UUID. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return UUID(str(super().to_internal_value(data)))


# --- Out --------------------------------------------------------------------------------------------------------------


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person as fellow members see them."""

    name = serializers.CharField(source="display_name", read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name")
        read_only_fields = fields


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """An organization."""

    class Meta:
        model = Organization
        fields = ("id", "name", "plan", "created_at")
        read_only_fields = fields


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """A member of an organization."""

    user = PersonSerializer(read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "organization", "user", "role", "created_at")
        read_only_fields = fields


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project."""

    class Meta:
        model = Project
        fields = ("id", "organization", "name", "description", "created_at")
        read_only_fields = fields


class ProjectMemberSerializer(serializers.ModelSerializer[ProjectMember]):
    """Somebody who has a role of their own in a project."""

    user = PersonSerializer(read_only=True)

    class Meta:
        model = ProjectMember
        fields = ("id", "project", "user", "role", "created_at")
        read_only_fields = fields


class OwnMembershipSerializer(serializers.ModelSerializer[Membership]):
    """One of the caller's own memberships."""

    organization = OrganizationSerializer(read_only=True)

    class Meta:
        model = Membership
        fields = ("organization", "role")
        read_only_fields = fields


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller."""

    memberships = OwnMembershipSerializer(many=True, read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name", "created_at", "memberships")
        read_only_fields = fields


class TokensSerializer(serializers.Serializer[Any]):
    """A bearer token, and what to get the next one with."""

    access = serializers.CharField()
    refresh = serializers.CharField()


# --- In ---------------------------------------------------------------------------------------------------------------


class OrganizationBody(Closed):
    name = Text(max_length=150)


class NewMemberBody(Closed):
    email = Email(max_length=254, help_text="of somebody who has an account here")
    role = serializers.ChoiceField(Role.choices, default=Role.EDITOR)


class RoleBody(Closed):
    role = serializers.ChoiceField(Role.choices)


class ProjectBody(Closed):
    name = Text(max_length=150)
    description = Text(max_length=10_000, allow_blank=True, required=False)


class NewProjectBody(ProjectBody):
    organization = Id()


class MeBody(Closed):
    name = Text(max_length=150, allow_blank=True)


class PageQuery(Closed):
    """What every list takes; accounts.paging looks at the values."""

    cursor = Text(required=False, help_text="from `next` or `previous` of a page")
    page_size = Text(required=False)


class ProjectsQuery(PageQuery):
    organization = Id(required=False)


class CredentialsBody(Closed):
    email = Email(max_length=254)
    password = Text(max_length=1024, trim_whitespace=False)


class RefreshBody(Closed):
    refresh = Text(max_length=4096)


class SignOutBody(Closed):
    refresh = Text(max_length=4096, required=False)
