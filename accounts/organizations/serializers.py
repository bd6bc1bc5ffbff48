"""What the API shows of people, organizations and projects, and what it takes."""

from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework import serializers

from accounts.http.fields import Closed, Email, Id, ModelNames, PageQuery, Text
from accounts.models import Invitation, Membership, Organization, Project, ProjectMember, Role, User

# --- Out --------------------------------------------------------------------------------------------------------------


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person as fellow members see them."""

    name = serializers.CharField(source="display_name", read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name")
        read_only_fields = fields


class ManagedPersonSerializer(serializers.ModelSerializer[User]):
    """A person as those see them who may make and deactivate people."""

    active = serializers.BooleanField(source="is_active", read_only=True)
    has_password = serializers.BooleanField(source="has_usable_password", read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name", "language", "active", "has_password", "created_at", "last_login")
        read_only_fields = fields


class ResetLinkSerializer(serializers.Serializer[Any]):
    """How the link for a new password gets to the person."""

    link = serializers.URLField(allow_null=True, help_text="to hand on; null: it was mailed to them")
    mailed = serializers.BooleanField()


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """An organization."""

    fallbacks = ModelNames(read_only=True, allow_null=True)

    class Meta:
        model = Organization
        fields = ("id", "name", "plan", "fallbacks", "timezone", "created_at")
        read_only_fields = fields


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """A member of an organization."""

    user = PersonSerializer(read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "organization", "user", "role", "created_at")
        read_only_fields = fields


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An offer of a role in an organization, as its admins see it."""

    invited_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Invitation
        fields = (
            "id", "organization", "email", "role", "invited_by",
            "created_at", "expires_at", "accepted_at", "revoked_at",
        )  # fmt: skip
        read_only_fields = fields


class NewInvitationSerializer(InvitationSerializer):
    """The same, with how its link gets to the person."""

    link = serializers.URLField(allow_null=True, read_only=True, help_text="to hand on; null: it was mailed")
    mailed = serializers.BooleanField(read_only=True)

    class Meta:
        model = Invitation
        fields = (*InvitationSerializer.Meta.fields, "link", "mailed")
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
    organization = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "name", "language", "created_at", "organization", "memberships")
        read_only_fields = fields

    def get_organization(self, user: User) -> UUID | None:
        """Where their chats go that name none; nothing where they are no member, or an API key does not reach."""
        id = user.organization_id
        is_member = any(each.organization_id == id for each in user.memberships.all())
        return id if id and is_member and user.reaches(id) else None


# --- In ---------------------------------------------------------------------------------------------------------------


class OrganizationBody(Closed):
    name = Text(max_length=150)


class OrganizationChanges(OrganizationBody):
    fallbacks = ModelNames(allow_null=True, help_text="models that answer where the chosen one cannot, in order")
    timezone = Text(
        max_length=64, help_text="where its days begin, of what was used: an IANA name such as Europe/Berlin"
    )


class NewMemberBody(Closed):
    email = Email(max_length=254, help_text="of somebody who has an account here")
    role = serializers.ChoiceField(Role.choices, default=Role.EDITOR)


class NewInvitationBody(Closed):
    email = Email(max_length=254, help_text="of whom to invite, with an account here or not")
    role = serializers.ChoiceField(Role.choices, default=Role.EDITOR)


class AcceptBody(Closed):
    token = Text(max_length=200, help_text="from the invitation's link")


class RoleBody(Closed):
    role = serializers.ChoiceField(Role.choices)


class ProjectBody(Closed):
    name = Text(max_length=150)
    description = Text(max_length=10_000, allow_blank=True, required=False)


class NewProjectBody(ProjectBody):
    organization = Id()


class MeBody(Closed):
    name = Text(max_length=150, allow_blank=True)
    language = serializers.ChoiceField(
        settings.LANGUAGES, allow_blank=True, help_text="of mail to them; empty: what the browser asks for"
    )
    organization = Id(allow_null=True, help_text="where chats go that name none; null: to the only one")


class NewPersonBody(Closed):
    email = Email(max_length=254, help_text="it names the person: one address is one person")
    name = Text(max_length=150, allow_blank=True, default="")
    organization = Id(required=False, help_text="to be a member of; an admin names one of their own")
    role = serializers.ChoiceField(Role.choices, default=Role.EDITOR)
    language = serializers.ChoiceField(settings.LANGUAGES, allow_blank=True, default="")


class PersonBody(Closed):
    name = Text(max_length=150, allow_blank=True)
    active = serializers.BooleanField(help_text="false: they cannot sign in, and whatever they are signed in to ends")


class ProjectsQuery(PageQuery):
    organization = Id(required=False)
