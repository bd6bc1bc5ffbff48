"""REST for a project's MCP servers, and for reading and approving their tools."""

from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read
from accounts.http.secret_fields import SecretBody, SecretShown
from accounts.models import Project
from chat.services import mcp_servers as mcp
from chat.services.mcp_servers import Approved
from chat.services.mcp_sign_ins import sign_out, tell_sign_ins
from tools.mcp.approving import Change, Terms, changes_of
from tools.models import McpAuth, McpServer, McpTool, McpToolPolicy
from tools.models.mcp import CLIENT_ID_MAX_CHARS, NAME_MAX_CHARS, URL_MAX_CHARS

DIGEST_CHARS = 64


class McpServerError(serializers.Serializer[Any]):
    """Why the newest refresh failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class McpServerSignIn(serializers.Serializer[Any]):
    """Where people sign in at it themselves, and whether whoever asks is."""

    url = serializers.URLField(help_text="Open it in a browser, to sign in there or to sign in anew.")
    since = serializers.DateTimeField(allow_null=True, help_text="null: they are not signed in.")


class McpServerSerializer(serializers.ModelSerializer[McpServer]):
    """An MCP server of a project, without its token."""

    token = SecretShown()
    client_secret = SecretShown()
    sign_in = McpServerSignIn(allow_null=True, read_only=True, help_text="null where nobody signs in.")
    error = McpServerError(allow_null=True, read_only=True)
    run = serializers.UUIDField(allow_null=True, read_only=True, help_text="That refreshes it; null where none does.")

    class Meta:
        model = McpServer
        fields = (
            *("id", "project", "name", "url", "auth", "token", "client_id", "client_secret", "sign_in"),
            *("state", "run", "protocol", "left_out", "error"),
            *("refreshed_at", "created_at", "updated_at"),
        )
        read_only_fields = fields


class McpToolSerializer(serializers.ModelSerializer[McpTool]):
    """A tool as its server describes it: its words are claims, and nobody's here."""

    class Meta:
        model = McpTool
        fields = (
            *("id", "server", "name", "offered_as", "state", "policy"),
            *("read_only_is_believed", "idempotent_is_believed"),
            *("title", "description", "schema", "annotations", "digest", "approved_digest", "approved_at"),
            *("created_at", "updated_at"),
        )
        read_only_fields = fields


class McpChange(serializers.Serializer[Change]):
    """One thing that a tool says of itself; what cannot be seen is written out, such as ⟨U+200B⟩."""

    field = serializers.CharField()
    before = serializers.CharField(help_text="As it was approved; empty where it never was.")
    after = serializers.CharField(help_text="As it is.")


class McpToolReadSerializer(serializers.Serializer[Approved]):
    """A tool, and what of it is not as it was approved before."""

    tool = McpToolSerializer()
    changes = McpChange(many=True)


class McpServerBody(Closed):
    """Where a server is, and what opens it."""

    url = Text(max_length=URL_MAX_CHARS, help_text="https, without a secret in it")
    auth = serializers.ChoiceField(
        McpAuth.choices,
        required=False,
        help_text="oauth: each person signs in there, and its tools act as them; else it follows from the token",
    )
    token = SecretBody(required=False, help_text="sent as a bearer token; stored sealed, and never shown again")
    client_id = Text(
        required=False,
        allow_blank=True,
        max_length=CLIENT_ID_MAX_CHARS,
        help_text="of oauth, where its authorization server takes no client that it does not know",
    )
    client_secret = SecretBody(required=False, help_text="of that client, where it has one")


class NewMcpServerBody(McpServerBody):
    """A new one."""

    name = Text(max_length=NAME_MAX_CHARS, help_text="a part of its tools' names, such as tracker; never changed")


class McpApprovalBody(Closed):
    """What was read, and on what terms it is approved; terms that are not named are the strictest."""

    digest = Text(max_length=DIGEST_CHARS, help_text="of the tool as you have read it")
    policy = serializers.ChoiceField(McpToolPolicy.choices, required=False, default=McpToolPolicy.ASK)
    read_only_is_believed = serializers.BooleanField(required=False, default=False)
    idempotent_is_believed = serializers.BooleanField(required=False, default=False)


class McpRefreshBegun(serializers.Serializer[Any]):
    """The run that was begun: watch it at /api/runs/{id}/events."""

    run = serializers.UUIDField()


class McpServers(APIView):
    """The MCP servers of a project."""

    @documented("list_mcp_servers", query=PageQuery, page_of=McpServerSerializer)
    def get(self, request: Request, project: UUID) -> Response:
        """List them, newest first."""
        read(PageQuery, request.query_params)
        place = mcp.project_of(caller(request), project)
        rows = mcp.servers_in(place)

        tell = partial(_tell, request)
        answer = page(request, rows, McpServerSerializer, ordering="-created_at", prepare=tell)
        for each in answer.data["results"]:
            _without_hint(request, place, each)
        return answer

    @documented("add_mcp_server", body=NewMcpServerBody, answer=McpServerSerializer, makes=True, conflicts=True)
    def post(self, request: Request, project: UUID) -> Response:
        """Add a server. It is asked for its tools by a refresh. Needs admin."""
        place = mcp.project_of(caller(request), project)
        mcp.require_admin(caller(request), place)

        def make(body: dict[str, Any]) -> McpServer:
            return _told(request, mcp.add(user=caller(request), project=place, **body))

        def find(id: Any) -> McpServer:
            return _told(request, mcp.server_in(place, id))

        return created(request, NewMcpServerBody, McpServerSerializer, make, find)


class OneMcpServer(APIView):
    """One of them."""

    @documented("read_mcp_server", answer=McpServerSerializer)
    def get(self, request: Request, project: UUID, id: UUID) -> Response:
        """Where it is, and what became of the newest refresh."""
        place = mcp.project_of(caller(request), project)
        return _shown(request, place, mcp.server_in(place, id))

    @documented("change_mcp_server", body=McpServerBody, answer=McpServerSerializer, conflicts=True)
    def patch(self, request: Request, project: UUID, id: UUID) -> Response:
        """Change its address or its token. At another address nothing of it is approved any more. Needs admin."""
        place = mcp.project_of(caller(request), project)
        mcp.require_admin(caller(request), place)
        body = read(McpServerBody, request.data, partial=True)
        return _shown(request, place, mcp.change(user=caller(request), project=place, id=id, **body))

    @documented("remove_mcp_server", status=204, conflicts=True)
    def delete(self, request: Request, project: UUID, id: UUID) -> Response:
        """Forget it with its tools. Needs admin."""
        mcp.remove(user=caller(request), project=mcp.project_of(caller(request), project), id=id)
        return Response(status=204)


class McpSignOut(APIView):
    """A person's own sign-in at a server. It is begun in a browser, at `sign_in.url`."""

    @documented("sign_out_at_mcp_server", status=204)
    def delete(self, request: Request, project: UUID, id: UUID) -> Response:
        """Sign out: the tokens are forgotten here, and ended there where the server takes that. No API key may."""
        mcp.project_of(caller(request), project)
        async_to_sync(sign_out)(caller(request), id)
        return Response(status=204)


class McpRefresh(APIView):
    """Asking a server."""

    @documented("refresh_mcp_server", answer=McpRefreshBegun, status=202, conflicts=True)
    def post(self, request: Request, project: UUID, id: UUID) -> Response:
        """Ask it for its tools, by a run. What is new or changed is offered to nobody before it is approved. Needs
        admin.
        """
        run = mcp.refresh(user=caller(request), project=mcp.project_of(caller(request), project), id=id)
        return Response({"run": str(run.pk)}, status=202)


class McpTools(APIView):
    """The tools of a server."""

    @documented("list_mcp_tools", query=PageQuery, page_of=McpToolSerializer)
    def get(self, request: Request, project: UUID, server: UUID) -> Response:
        """List them by name, also those that are gone."""
        read(PageQuery, request.query_params)
        place = mcp.server_in(mcp.project_of(caller(request), project), server)
        return page(request, mcp.tools_of(place), McpToolSerializer, ordering="name")


class OneMcpTool(APIView):
    """One of them."""

    @documented("read_mcp_tool", answer=McpToolReadSerializer)
    def get(self, request: Request, project: UUID, server: UUID, id: UUID) -> Response:
        """Read it, with all that is not as it was approved."""
        place = mcp.server_in(mcp.project_of(caller(request), project), server)
        tool = mcp.tool_in(place, id)
        return Response(McpToolReadSerializer(Approved(tool, changes_of(tool))).data)


class McpApproval(APIView):
    """Approving."""

    @documented("approve_mcp_tool", body=McpApprovalBody, answer=McpToolReadSerializer, conflicts=True)
    def post(self, request: Request, project: UUID, server: UUID, id: UUID) -> Response:
        """Approve the tool as you have read it: from now on agents are offered it. 409 where it is another by now.

        Its policy says what is done with a call. Needs admin.
        """
        place = mcp.project_of(caller(request), project)
        mcp.require_admin(caller(request), place)
        body = read(McpApprovalBody, request.data)
        digest, terms = body.pop("digest"), Terms(**body)
        done = mcp.approve(user=caller(request), project=place, server=server, id=id, digest=digest, terms=terms)
        return Response(McpToolReadSerializer(done).data)


def _shown(request: Request, place: Project, server: McpServer) -> Response:
    return Response(_without_hint(request, place, McpServerSerializer(_told(request, server)).data))


def _tell(request: Request, servers: list[McpServer]) -> None:
    """Write to each what is of now, and of whoever asks."""
    mcp.tell_runs(servers)
    tell_sign_ins(caller(request), servers)


def _told(request: Request, server: McpServer) -> McpServer:
    _tell(request, [server])
    return server


def _without_hint(request: Request, place: Project, told: Any) -> Any:
    """Whether there is a token is for all who read, how it ends for those who may change it."""
    if not mcp.may_change(caller(request), place):
        told["token"]["hint"] = told["client_secret"]["hint"] = ""
    return told


PLACE = "api/projects/<uuid:project>/mcp-servers/"
ONE = f"{PLACE}<uuid:id>/"
TOOLS = f"{PLACE}<uuid:server>/tools/"
urls = [
    path(PLACE, McpServers.as_view(), name="mcp-servers"),
    path(ONE, OneMcpServer.as_view(), name="mcp-server"),
    path(f"{ONE}sign-in", McpSignOut.as_view(), name="mcp-sign-out"),
    path(f"{ONE}refresh", McpRefresh.as_view(), name="mcp-refresh"),
    path(TOOLS, McpTools.as_view(), name="mcp-tools"),
    path(f"{TOOLS}<uuid:id>/", OneMcpTool.as_view(), name="mcp-tool"),
    path(f"{TOOLS}<uuid:id>/approve", McpApproval.as_view(), name="mcp-approval"),
]
