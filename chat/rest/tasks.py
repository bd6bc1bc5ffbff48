"""REST for tasks: their JSON, and the views."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.folding import has
from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Project, User
from chat.access import get_chat
from chat.models import Task, TaskStatus
from chat.rest.serializers import Key
from chat.services import tasks


class TaskSerializer(serializers.ModelSerializer[Task]):
    """A piece of a project's work. `external_id` is its name in another tracker; empty if it has none."""

    serializer_related_field = Key

    class Meta:
        model = Task
        fields = ("id", "project", "title", "status", "external_id", "created_at", "updated_at")
        read_only_fields = fields


class TaskChanges(Closed):
    """What may be changed of a task."""

    title = Text(required=False, max_length=200)
    status = serializers.ChoiceField(TaskStatus.choices, required=False)
    external_id = Text(required=False, allow_blank=True, max_length=200)


class NewTask(TaskChanges):
    """A task to be made."""

    project = Id()
    title = Text(max_length=200)


class TaskQuery(PageQuery):
    """Which tasks."""

    project = serializers.UUIDField(required=False)
    chat = serializers.UUIDField(required=False, help_text="Those that this chat was about.")
    status = serializers.ChoiceField(TaskStatus.choices, required=False)
    external_id = serializers.CharField(required=False, max_length=200)
    search = serializers.CharField(required=False, max_length=100, help_text="Part of the title.")


class Tasks(APIView):
    """The tasks of the projects one sees."""

    @documented("list_tasks", query=TaskQuery, page_of=TaskSerializer)
    def get(self, request: Request) -> Response:
        """List tasks, newest first."""
        query = read(TaskQuery, request.query_params)
        return page(request, _tasks(caller(request), query), TaskSerializer, ordering="-created_at")

    @documented("create_task", body=NewTask, answer=TaskSerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make a task in a project. 409 where another task of it has that external id."""
        user = caller(request)
        return created(
            request,
            NewTask,
            TaskSerializer,
            make=lambda body: tasks.create_task(user=user, **body),
            find=lambda id: get_task(user, id),
        )


class OneTask(APIView):
    """One task."""

    @documented("read_task", answer=TaskSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a task."""
        return shown(request, TaskSerializer, get_task(caller(request), id))

    @documented("change_task", body=TaskChanges, answer=TaskSerializer, conflicts=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change title, status or external id."""
        user = caller(request)
        task = get_task(user, id)
        changes = read(TaskChanges, request.data)
        return shown(request, TaskSerializer, tasks.change_task(user=user, task=task, **changes))

    @documented("delete_task", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a task; what was said about it stays."""
        tasks.delete_task(user=caller(request), task=get_task(caller(request), id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def get_task(user: User, id: UUID) -> Task:
    """The task, if the user sees it. Raises NotFound."""
    found = Task.objects.visible_to(user).select_related("project").filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def _tasks(user: User, query: dict[str, Any]) -> QuerySet[Task]:
    """The tasks that the query asks for. Raises NotFound for a project that one does not see."""
    found = Task.objects.visible_to(user)
    if "project" in query:
        if not Project.objects.visible_to(user).filter(pk=query["project"]).exists():
            raise NotFound
        found = found.filter(project=query["project"])
    if "chat" in query:
        found = found.filter(chats=get_chat(user, query["chat"]))
    if "status" in query:
        found = found.filter(status=query["status"])
    if "external_id" in query:
        found = found.filter(external_id=query["external_id"])
    if "search" in query:
        found = found.filter(has("title", query["search"]))
    return found
