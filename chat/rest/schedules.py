"""REST for schedules: their JSON, and the views."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, Id, PageQuery, Text
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import User
from chat.access import get_chat
from chat.models import Schedule
from chat.rest.serializers import Key, Nothing
from chat.services import scheduled, schedules

CRON = "Five fields: minute, hour, day, month, day of the week."
ZONE = "Such as Europe/Berlin: whose clock the cron expression goes by."


class MissedSerializer(serializers.Serializer[Any]):
    """Due times in a row for which no run was begun, the newest such row."""

    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class ScheduleSerializer(serializers.ModelSerializer[Schedule]):
    """A prompt that is sent at certain times: to its chat, or each time to a new one. Off: `next_at` is null."""

    serializer_related_field = Key
    owner_name = serializers.CharField(source="owner.display_name", read_only=True)
    missed = serializers.SerializerMethodField()

    class Meta:
        model = Schedule
        fields = (
            *("id", "chat", "project", "organization", "owner", "owner_name", "title", "archetype", "prompt"),
            *("cron", "time_zone", "is_on", "next_at", "last_at", "last_run", "missed", "error", "failed_at"),
            *("created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(MissedSerializer(allow_null=True))
    def get_missed(self, schedule: Schedule) -> dict[str, Any] | None:
        """How many, from when to when; null where none was."""
        if not schedule.missed:
            return None
        told = {"count": schedule.missed, "first_at": schedule.missed_first_at, "last_at": schedule.missed_last_at}
        return dict(MissedSerializer(told).data)


class ScheduleChanges(Closed):
    """What may be changed of a schedule."""

    title = Text(required=False, allow_blank=True, max_length=200, help_text="What new chats are called.")
    archetype = Text(required=False, allow_blank=True, max_length=40, help_text="Empty: the chat's.")
    prompt = Text(required=False, trim_whitespace=False)
    cron = Text(required=False, max_length=200, help_text=CRON)
    time_zone = Text(required=False, max_length=60, help_text=ZONE)
    is_on = serializers.BooleanField(required=False)


class NewSchedule(ScheduleChanges):
    """A schedule to be made: for a chat; or for a project or an organization, where each time begins a new chat."""

    chat = Id(required=False, allow_null=True)
    project = Id(required=False, allow_null=True)
    organization = Id(required=False, allow_null=True)
    prompt = Text(trim_whitespace=False)
    cron = Text(max_length=200, help_text=CRON)
    time_zone = Text(max_length=60, help_text=ZONE)


class ScheduleQuery(PageQuery):
    """Which schedules."""

    chat = serializers.UUIDField(required=False)


class Schedules(APIView):
    """One's own schedules, and those of the chats one sees."""

    @documented("list_schedules", query=ScheduleQuery, page_of=ScheduleSerializer)
    def get(self, request: Request) -> Response:
        """List schedules, newest first."""
        query = read(ScheduleQuery, request.query_params)
        return page(request, _schedules(caller(request), query), ScheduleSerializer, ordering="-created_at")

    @documented("create_schedule", body=NewSchedule, answer=ScheduleSerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make a schedule. Its runs have your rights as they are at the time. Needs write where it leads.

        409 `too_many_schedules`: you have as many as one may.
        """
        user = caller(request)
        return created(
            request,
            NewSchedule,
            ScheduleSerializer,
            make=lambda body: schedules.create_schedule(user=user, **body),
            find=lambda id: schedules.get_schedule(user, id),
        )


class OneSchedule(APIView):
    """One schedule."""

    @documented("read_schedule", answer=ScheduleSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a schedule."""
        return shown(request, ScheduleSerializer, schedules.get_schedule(caller(request), id))

    @documented("change_schedule", body=ScheduleChanges, answer=ScheduleSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change a schedule of yours, or switch it off or on; its next time is reckoned from now."""
        user = caller(request)
        schedule = schedules.get_schedule(user, id)
        changes = read(ScheduleChanges, request.data)
        return shown(request, ScheduleSerializer, scheduled.change(user=user, schedule=schedule, **changes))

    @documented("delete_schedule", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a schedule of yours; what its runs have said stays."""
        user = caller(request)
        schedules.delete_schedule(user=user, schedule=schedules.get_schedule(user, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ScheduleNow(APIView):
    """A run besides its times."""

    starts_runs = True

    @documented("run_schedule_now", body=Nothing, answer=ScheduleSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Begin a run of a schedule of yours now, its `last_run`. 409 `run_open` while the one before is not over."""
        user = caller(request)
        schedule = schedules.get_schedule(user, id)
        return created(
            request,
            Nothing,
            ScheduleSerializer,
            make=lambda body: schedules.begin_now(user=user, schedule=schedule),
            find=lambda id: schedules.get_schedule(user, id),
        )


def _schedules(user: User, query: dict[str, Any]) -> QuerySet[Schedule]:
    """Those that the query asks for. Raises NotFound for a chat that one does not see."""
    found = Schedule.objects.visible_to(user).select_related("owner")
    return found.filter(chat=get_chat(user, query["chat"])) if "chat" in query else found


urls = [
    path("api/schedules/", Schedules.as_view(), name="schedules"),
    path("api/schedules/<uuid:id>/", OneSchedule.as_view(), name="schedule"),
    path("api/schedules/<uuid:id>/run-now", ScheduleNow.as_view(), name="schedule-now"),
]
