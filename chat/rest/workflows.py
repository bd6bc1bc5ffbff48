"""REST for workflows, and for where a chat stands in its own: their JSON, and the views."""

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from chat.access import get_chat
from chat.models import Workflow, WorkflowRun, WorkflowStatus, WorkflowVersion
from chat.rest.serializers import Key, Nothing
from chat.services import going_through, workflows
from chat.services.approvals import DECISIONS


@extend_schema_field({"type": "object", "additionalProperties": True})
class Definition(serializers.JSONField):
    """A workflow's steps: docs/workflows.md says what stands in one."""


class WorkflowVersionSerializer(serializers.ModelSerializer[WorkflowVersion]):
    """One version. `published_at` is null of the draft."""

    serializer_related_field = Key
    definition = Definition(read_only=True)

    class Meta:
        model = WorkflowVersion
        fields = ("number", "definition", "published_at", "created_by", "created_at")
        read_only_fields = fields


class WorkflowSerializer(serializers.ModelSerializer[Workflow]):
    """A workflow. `published` and `draft` are numbers of versions, `definition` is of the newest version.

    `faults` are what keeps that one from being published, each with the step that it is in.
    """

    serializer_related_field = Key
    published = serializers.SerializerMethodField()
    draft = serializers.SerializerMethodField()
    definition = serializers.SerializerMethodField()
    faults = serializers.SerializerMethodField()

    class Meta:
        model = Workflow
        fields = (
            *("id", "organization", "project", "name", "is_default", "is_archived", "published", "draft"),
            *("definition", "faults", "created_by", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_published(self, workflow: Workflow) -> int | None:
        """The newest version that is published."""
        found = workflows.newest_published(workflow)
        return found.number if found else None

    def get_draft(self, workflow: Workflow) -> int | None:
        """The version that is not published."""
        newest = self._newest(workflow)
        return newest.number if newest and newest.published_at is None else None

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_definition(self, workflow: Workflow) -> Any:
        """Of the newest version, the draft where there is one."""
        newest = self._newest(workflow)
        return newest.definition if newest else {}

    def get_faults(self, workflow: Workflow) -> list[str]:
        """Of the same."""
        return [str(each) for each in workflows.faults_of(self.get_definition(workflow))]

    def _newest(self, workflow: Workflow) -> WorkflowVersion | None:
        return workflows.versions_of(workflow).order_by("-number").first()


class WorkflowNameSerializer(serializers.ModelSerializer[Workflow]):
    """A workflow in a list."""

    serializer_related_field = Key

    class Meta:
        model = Workflow
        fields = ("id", "organization", "project", "name", "is_default", "created_at", "updated_at")
        read_only_fields = fields


class WorkflowChanges(Closed):
    """A workflow's next draft, and what it is called."""

    name = Text(required=False, max_length=100)
    is_default = serializers.BooleanField(required=False, help_text="New chats of its place go through it.")
    definition = Definition()


class NewWorkflow(WorkflowChanges):
    """A workflow to be made, of an organization or of one of its projects."""

    organization = Id(required=False, allow_null=True)
    project = Id(required=False, allow_null=True)
    name = Text(max_length=100)


class WorkflowQuery(PageQuery):
    """Of which organization or project."""

    organization = serializers.UUIDField(required=False)
    project = serializers.UUIDField(required=False)


class WorkflowStepSerializer(serializers.Serializer[Any]):
    """The step that a chat is at."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(["chat", "tool", "approval", "wait"])
    index = serializers.IntegerField(help_text="from 1")
    total = serializers.IntegerField()


class StandingSerializer(serializers.Serializer[WorkflowRun]):
    """Where a chat stands in its workflow; `step` is null once that is over. `answers` by their names."""

    id = serializers.UUIDField()
    workflow = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(WorkflowStatus.choices)
    seq = serializers.IntegerField(help_text="raised by each move")
    step = WorkflowStepSerializer(allow_null=True)
    answers = serializers.DictField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: WorkflowRun) -> dict[str, Any]:
        """In words."""
        return super().to_representation(going_through.shown(instance))  # type: ignore[arg-type]


class WorkflowDecision(Closed):
    """Whether what the workflow waits for is allowed. `seq`: of the step as it was shown."""

    decision = serializers.ChoiceField(list(DECISIONS))
    seq = serializers.IntegerField(required=False, min_value=1)


class Workflows(APIView):
    """The workflows of the places one sees."""

    @documented("list_workflows", query=WorkflowQuery, page_of=WorkflowNameSerializer)
    def get(self, request: Request) -> Response:
        """List workflows that are not archived, newest first."""
        query = read(WorkflowQuery, request.query_params)
        rows = workflows.workflows_of(caller(request), query.get("organization"), query.get("project"))
        return page(request, rows, WorkflowNameSerializer, ordering="-created_at")

    @documented("create_workflow", body=NewWorkflow, answer=WorkflowSerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make a workflow with its first draft. Needs admin."""
        user = caller(request)
        return created(
            request,
            NewWorkflow,
            WorkflowSerializer,
            make=lambda body: workflows.create_workflow(user=user, **body),
            find=lambda id: workflows.get_workflow(user, id),
        )


class OneWorkflow(APIView):
    """One workflow."""

    @documented("read_workflow", answer=WorkflowSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a workflow with its newest version."""
        return shown(request, WorkflowSerializer, workflows.get_workflow(caller(request), id))

    @documented("change_workflow", body=WorkflowChanges, answer=WorkflowSerializer, conflicts=True)
    def put(self, request: Request, id: UUID) -> Response:
        """Write its draft. What is published stays until this is. Needs admin."""
        user = caller(request)
        workflow = workflows.get_workflow(user, id, "admin")
        changes = read(WorkflowChanges, request.data)
        return shown(request, WorkflowSerializer, workflows.change_workflow(user=user, workflow=workflow, **changes))

    @documented("archive_workflow", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Archive it: no new chat goes through it, and those that do go on. Needs admin."""
        user = caller(request)
        workflows.archive_workflow(user=user, workflow=workflows.get_workflow(user, id, "admin"))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WorkflowPublishing(APIView):
    """Publishing a workflow's draft."""

    @documented("publish_workflow", body=Nothing, answer=WorkflowSerializer, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make the draft what new chats go through; 400 names the steps in which something is wrong. Needs admin."""
        user = caller(request)
        workflow = workflows.get_workflow(user, id, "admin")
        read(Nothing, request.data)
        return shown(request, WorkflowSerializer, workflows.publish_workflow(user=user, workflow=workflow))


class WorkflowVersions(APIView):
    """The versions of a workflow."""

    @documented("list_workflow_versions", query=PageQuery, page_of=WorkflowVersionSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List its versions, newest first."""
        workflow = workflows.get_workflow(caller(request), id)
        read(PageQuery, request.query_params)
        rows = workflows.versions_of(workflow)
        return page(request, rows, WorkflowVersionSerializer, ordering="-created_at")


class ChatWorkflow(APIView):
    """Where a chat stands in its workflow."""

    @documented("read_chat_workflow", answer=StandingSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read it. 404 where the chat has gone through none."""
        return shown(request, StandingSerializer, going_through.standing(get_chat(caller(request), id)))


class ChatWorkflowAnswer(APIView):
    """A person's decision."""

    @documented("answer_chat_workflow", body=WorkflowDecision, answer=StandingSerializer, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Allow or deny what the workflow waits for. Needs write in the chat, and no API key."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        body = read(WorkflowDecision, request.data)
        return shown(request, StandingSerializer, going_through.decide(user=user, chat=chat, **body))


class ChatWorkflowCancel(APIView):
    """Leaving a workflow."""

    @documented("cancel_chat_workflow", body=Nothing, answer=StandingSerializer, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """End the chat's workflow where it stands; the chat goes on without it. Needs write in the chat."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        read(Nothing, request.data)
        return shown(request, StandingSerializer, going_through.cancel(user=user, chat=chat))


urls = [
    path("api/workflows/", Workflows.as_view(), name="workflows"),
    path("api/workflows/<uuid:id>/", OneWorkflow.as_view(), name="workflow"),
    path("api/workflows/<uuid:id>/publish", WorkflowPublishing.as_view(), name="workflow-publish"),
    path("api/workflows/<uuid:id>/versions/", WorkflowVersions.as_view(), name="workflow-versions"),
    path("api/chats/<uuid:id>/workflow/", ChatWorkflow.as_view(), name="chat-workflow"),
    path("api/chats/<uuid:id>/workflow/answer", ChatWorkflowAnswer.as_view(), name="chat-workflow-answer"),
    path("api/chats/<uuid:id>/workflow/cancel", ChatWorkflowCancel.as_view(), name="chat-workflow-cancel"),
]
