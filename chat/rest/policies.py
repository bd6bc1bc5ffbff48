"""REST for tool policies and for what was granted in a chat: their JSON, and the views."""

from typing import Any
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Role
from chat.models import Decision, ToolGrant, ToolPolicy
from chat.rest.serializers import Key, Nothing
from chat.services import grants, policies


class ToolPolicySerializer(serializers.ModelSerializer[ToolPolicy]):
    """A rule for the tools whose names fit `pattern`. `role` is of the run's person; empty: everybody's."""

    serializer_related_field = Key
    role = serializers.CharField(read_only=True, help_text="viewer, editor, admin or owner; empty: everybody's.")

    class Meta:
        model = ToolPolicy
        fields = (
            "id",
            "organization",
            "project",
            "pattern",
            "role",
            "decision",
            "created_by",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ToolPolicyChanges(Closed):
    """What may be changed of a rule."""

    pattern = Text(required=False, max_length=65, help_text="A tool's name, or the beginning of names and a star.")
    role = serializers.ChoiceField(required=False, allow_blank=True, choices=Role.choices)
    decision = serializers.ChoiceField(required=False, choices=Decision.choices)


class NewToolPolicy(ToolPolicyChanges):
    """A rule to be made, of an organization or of one of its projects."""

    organization = Id(required=False, allow_null=True)
    project = Id(required=False, allow_null=True)
    pattern = Text(max_length=65, help_text="A tool's name, or the beginning of names and a star.")
    decision = serializers.ChoiceField(choices=Decision.choices)


class ToolPolicyQuery(PageQuery):
    """Of which organization or project."""

    organization = serializers.UUIDField(required=False)
    project = serializers.UUIDField(required=False)


class ToolGrantSerializer(serializers.ModelSerializer[ToolGrant]):
    """A tool that a person has allowed in a chat until `expires_at`."""

    serializer_related_field = Key
    by_name = serializers.CharField(source="by.display_name", read_only=True)
    title = serializers.SerializerMethodField()

    class Meta:
        model = ToolGrant
        fields = ("id", "chat", "tool", "title", "by", "by_name", "expires_at", "uses", "used_at", "created_at")
        read_only_fields = fields

    def get_title(self, grant: ToolGrant) -> str:
        """The tool's name for people."""
        return grants.title_of(grant)


class ToolPolicies(APIView):
    """The tool policies of the places one administers."""

    @documented("list_tool_policies", query=ToolPolicyQuery, page_of=ToolPolicySerializer)
    def get(self, request: Request) -> Response:
        """List rules, newest first. Needs admin."""
        query = read(ToolPolicyQuery, request.query_params)
        rows = policies.policies_of(caller(request), query.get("organization"), query.get("project"))
        return page(request, rows, ToolPolicySerializer, ordering="-created_at")

    @documented("create_tool_policy", body=NewToolPolicy, answer=ToolPolicySerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make a rule. Deny beats ask beats allow; a project's rule only makes stricter. Needs admin."""
        user = caller(request)
        return created(
            request,
            NewToolPolicy,
            ToolPolicySerializer,
            make=lambda body: policies.create_policy(user=user, **body),
            find=lambda id: policies.get_policy(user, id),
        )


class OneToolPolicy(APIView):
    """One tool policy."""

    @documented("read_tool_policy", answer=ToolPolicySerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a rule. Needs admin."""
        return shown(request, ToolPolicySerializer, policies.get_policy(caller(request), id))

    @documented("change_tool_policy", body=ToolPolicyChanges, answer=ToolPolicySerializer, conflicts=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change a rule; it holds for the next call. Needs admin."""
        user = caller(request)
        policy = policies.get_policy(user, id)
        changes: dict[str, Any] = read(ToolPolicyChanges, request.data)
        return shown(request, ToolPolicySerializer, policies.change_policy(user=user, policy=policy, **changes))

    @documented("delete_tool_policy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Take a rule away. Needs admin."""
        user = caller(request)
        policies.delete_policy(user=user, policy=policies.get_policy(user, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChatGrants(APIView):
    """The tools that somebody has allowed in a chat for a while."""

    @documented("list_tool_grants", query=PageQuery, page_of=ToolGrantSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the grants that hold, newest first."""
        read(PageQuery, request.query_params)
        return page(request, grants.in_chat(caller(request), id), ToolGrantSerializer, ordering="-created_at")


class OneGrant(APIView):
    """One of them."""

    @documented("revoke_tool_grant", status=204)
    def delete(self, request: Request, id: UUID, grant: UUID) -> Response:
        """Take a grant back: the next call asks again. Needs write in the chat."""
        read(Nothing, request.query_params)
        grants.revoke(user=caller(request), chat_id=id, grant_id=grant)
        return Response(status=status.HTTP_204_NO_CONTENT)
