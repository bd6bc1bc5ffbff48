"""Runs: the work that answers a message, its log, its tool calls and what it used."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Organization, Project, Seer, User
from chat.models.chats import Chat
from chat.models.messages import Message


class RunKind(models.TextChoices):
    ANSWER = "answer"


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for a person's approval: no lease, no task
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LogState(models.TextChoices):
    """How much an ended run's log still says: see chat.eventlog.compact."""

    WHOLE = "whole"
    MERGED = "merged"  # deltas are one per block
    ANSWER = "answer"  # only what tells the answer is left


LIVE = (RunStatus.RUNNING, RunStatus.WAITING)
OPEN = (RunStatus.QUEUED, *LIVE)


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: Seer) -> "RunQuerySet":
        """Runs of the chats the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))

    def live(self) -> "RunQuerySet":
        """Running or waiting."""
        return self.filter(status__in=LIVE)


class Run(models.Model):
    """The work that answers one message, from queued to one of three ends."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=RunKind.choices, default=RunKind.ANSWER)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    user = models.ForeignKey(User, models.CASCADE, related_name="runs")  # on whose behalf its tools act
    input = models.ForeignKey(Message, models.CASCADE, related_name="+")  # the message that is answered
    message = models.OneToOneField(Message, models.CASCADE, related_name="run")  # the answer
    position = models.PositiveIntegerField()  # of the answer: the lowest queued one of a chat is next
    archetype = models.CharField(max_length=40)
    model = models.CharField(max_length=100)
    temperature = models.FloatField()
    door = models.CharField(max_length=30, default="native")
    request = models.JSONField(default=dict, blank=True)  # what its door must say back; see dialects.base.RunInfo
    options = models.JSONField(default=dict, blank=True)  # agents.options.RunOptions: what the model is asked beyond

    # The lease: whoever holds it executes. `attempt` is the fencing number, raised by every claim.
    owner = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)  # leases that lapsed
    waits_until = models.DateTimeField(null=True, blank=True)  # while waiting: then its approvals expire
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    end_reason = models.CharField(max_length=40, blank=True)  # of a success: stop, length, max_turns ...
    error_code = models.CharField(max_length=40, blank=True)  # of a failure: one of agents.errors.CODES
    error_message = models.TextField(blank=True)
    turns = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)  # times that a turn was asked for again, or taken back
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    usage_status = models.CharField(max_length=10, blank=True)  # reported, estimated, unknown
    # Of its organization's budget, while it is open. With a default in the table: older processes know no such column.
    reserved_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)  # from its start
    ended_at = models.DateTimeField(null=True, blank=True)
    log_state = models.CharField(max_length=6, choices=LogState.choices, default=LogState.WHOLE, editable=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chat"],
                condition=Q(status__in=["running", "waiting"], kind="answer"),
                name="run_one_live_a_chat",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "lease_expires_at"]),
            models.Index(fields=["status", "waits_until"]),
            models.Index(fields=["chat", "status", "position"]),
            models.Index(fields=["log_state", "ended_at"]),
            models.Index(fields=["-created_at", "-id"]),
            # Of runs that are over only, so that renewing a lease does not touch them.
            models.Index(
                fields=["ended_at", "model", "first_token_ms"], condition=Q(ended_at__isnull=False), name="run_ended"
            ),
            models.Index(fields=["ended_at", "error_code"], condition=Q(status="failed"), name="run_failed"),
        ]
        permissions = [("operate_run", "Can stop, re-drive and release runs")]

    def __str__(self) -> str:
        return f"Run {self.id}: {self.status}"

    @property
    def is_open(self) -> bool:
        """Not at one of its ends yet."""
        return self.status in OPEN

    @property
    def total_tokens(self) -> int:
        """Input and output of all its turns."""
        return self.input_tokens + self.output_tokens


class RunEvent(models.Model):
    """A batch of a run's log. Only chat.eventlog writes and reads these."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    attempt = models.PositiveIntegerField()
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField()
    events = models.TextField()  # a JSON array; agents.events.load reads it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "first_seq"]
        constraints = [models.UniqueConstraint(fields=["run", "first_seq"], name="run_event_seq_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.first_seq}-{self.last_seq}"


class ToolCallStatus(models.TextChoices):
    CALLED = "called"
    RETURNED = "returned"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"  # the client's


class ToolCall(models.Model):
    """One tool call of a run, for the admin and for audits; written with the events it comes from."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="tool_calls")
    call = models.CharField(max_length=60)  # its id in the events
    agent = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=100)
    arguments = models.JSONField()
    status = models.CharField(max_length=10, choices=ToolCallStatus.choices, default=ToolCallStatus.CALLED)
    result = models.TextField(blank=True)  # JSON of what came back, or the error
    elapsed_ms = models.PositiveIntegerField(null=True, blank=True)
    called_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "call"], name="tool_call_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.status}"


class UsageRecord(models.Model):
    """Tokens of one turn, for whom and by what; never changed."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="usage_records")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    agent = models.CharField(max_length=300, blank=True)
    turn = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    model = models.CharField(max_length=100)
    input_tokens = models.PositiveBigIntegerField()
    cached_tokens = models.PositiveBigIntegerField()
    output_tokens = models.PositiveBigIntegerField()
    reasoning_tokens = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10)  # reported, estimated, unknown
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.model}: {self.input_tokens} + {self.output_tokens}"
