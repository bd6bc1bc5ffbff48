"""Runs: the work that answers a message, its log, its tool calls and what it used."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import ApiKey, Organization, Project, Seer, User
from chat.models import owners
from chat.models.chats import Chat
from chat.models.messages import Message
from chat.models.outlived import outlived

ANSWER = "answer"  # the kind of run that answers a message; chat.runner.kinds has all of them
SCHEDULED = "schedule"  # the door of runs that schedules begin
REPLAY = "replay"  # the kind of runs, and their door, whose tools do nothing: chat.runner.kinds.replay
IMPORTED = "import"  # the door of usage that came in a chat's file: it was used elsewhere, and is in no day here
# Indexing a document of a project's knowledge. Others in the project may read less than it says: its run is seen by its
# person alone.
INDEX = "index"


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
        """Runs of the chats the user can see; those of no chat, of the projects that they can see."""
        in_chats = Q(chat__in=Chat.objects.visible_to(user))
        in_projects = Q(chat__isnull=True, project__in=Project.objects.visible_to(user))
        return self.filter(in_chats | in_projects & (~Q(kind=INDEX) | Q(user=user.pk)))

    def answers(self) -> "RunQuerySet":
        """Those that answer a message: only they keep a chat busy, and have a place in its order."""
        return self.filter(kind=ANSWER)

    def work(self) -> "RunQuerySet":
        """Those that answer nothing."""
        return self.exclude(kind=ANSWER)

    def live(self) -> "RunQuerySet":
        """Running or waiting."""
        return self.filter(status__in=LIVE)


class Run(models.Model):
    """Work, from queued to one of three ends: it answers one message, or is of another kind and answers none.

    Of an answer `chat`, `input` and `message` say what it answers, and its organization and project are its chat's. Of
    work that answers nothing `organization` is set, and `chat` or `project` where it is for one of these.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, null=True, blank=True, related_name="runs")
    kind = models.CharField(max_length=20, default=ANSWER)  # a name in chat.runner.kinds
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    user = models.ForeignKey(User, owners.refuse, related_name="runs")  # on whose behalf its tools act
    # The message that is answered, and the answer.
    input = models.ForeignKey(Message, models.CASCADE, null=True, blank=True, related_name="+")
    message = models.OneToOneField(Message, models.CASCADE, null=True, blank=True, related_name="run")
    position = models.PositiveIntegerField()  # of the answer: the lowest queued one of a chat is next; 0 of other work
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, db_index=False, related_name="+"
    )
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, db_index=False, related_name="+")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, db_index=False, related_name="begun")
    subject = models.CharField(max_length=100, blank=True, default="", db_default="")  # the id of what it works on
    archetype = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=100, blank=True)
    # The slash command that the answered message is, a name in chat.commands; empty: a model answers. With a default in
    # the table: older processes know no such column.
    command = models.CharField(max_length=31, blank=True, default="", db_default="")
    temperature = models.FloatField(null=True, blank=True)
    door = models.CharField(max_length=30, default="native")
    api_key = outlived(ApiKey)  # by which it was asked for; null: by a person
    # What its door must say back (chat.doors.base.RunInfo); of other work, what was asked.
    request = models.JSONField(default=dict, blank=True)
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
    # Of a failure by the model provider: {status, code, type, param, message} in its words, without credentials. For
    # those who operate this and for admins of the organization only.
    provider_error = models.JSONField(null=True, blank=True)
    # The first message that the model was given to read, where older ones of the chat were left out. No foreign key: it
    # is looked at by who has its chat before them, and may be gone.
    read_from = models.UUIDField(null=True, blank=True)
    turns = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)  # times that a turn was asked for again, or taken back
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    # What its turns cost whose cost is known in OPENAI_PRICES_CURRENCY, in billionths of it; and their tokens.
    cost_nanos = models.BigIntegerField(default=0, db_default=0)
    priced_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    usage_status = models.CharField(max_length=10, blank=True)  # reported, estimated, unknown
    # Of the budgets that apply to it, while it is open. Older processes know no such columns: the table has defaults.
    reserved_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    reserved_nanos = models.PositiveBigIntegerField(default=0, db_default=0)
    # The trace that its request was a part of, as W3C's traceparent; empty: its own. With a default in the table.
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(null=True, blank=True)  # from its start
    ended_at = models.DateTimeField(null=True, blank=True)
    log_state = models.CharField(max_length=6, choices=LogState.choices, default=LogState.WHOLE, editable=False)

    objects = RunQuerySet.as_manager()

    # How many turns its budgets covered when it began: known to the process that began it, and guessed by all others.
    covered_turns = 1

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chat"],
                condition=Q(status__in=["running", "waiting"], kind="answer"),
                name="run_one_live_a_chat",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(status__in=["queued", "running", "waiting"]) & ~Q(subject=""),
                name="run_one_open_a_subject",
            ),
            models.CheckConstraint(
                condition=Q(kind="answer", chat__isnull=False, input__isnull=False, message__isnull=False)
                | (~Q(kind="answer") & Q(organization__isnull=False, input__isnull=True, message__isnull=True)),
                name="run_answers_or_does_not",
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
            # Of work that answers nothing only, which is little beside the answers.
            models.Index(fields=["organization", "status"], condition=Q(organization__isnull=False), name="run_work"),
            models.Index(fields=["project"], condition=Q(project__isnull=False), name="run_project"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="run_parent"),
        ]
        permissions = [("operate_run", "Can stop, re-drive and release runs")]

    def __str__(self) -> str:
        return f"Run {self.id}: {self.status}"

    @property
    def is_answer(self) -> bool:
        """It answers a message."""
        return self.kind == ANSWER

    @property
    def asked_in(self) -> Chat:
        """The chat of an answer."""
        assert self.chat is not None
        return self.chat

    @property
    def question(self) -> Message:
        """The message that an answer is for."""
        assert self.input is not None
        return self.input

    @property
    def answer(self) -> Message:
        """The message that an answer is."""
        assert self.message is not None
        return self.message

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
    """Tokens of one turn, for whom and by what, and what they cost; never changed.

    It outlives all that it is of: what is deleted leaves its id here, and its name in UsageName.
    """

    id = models.BigAutoField(primary_key=True)
    run = outlived(Run, related_name="usage_records", db_index=True)
    organization = outlived(Organization, db_index=True)
    project = outlived(Project, db_index=True)
    user = outlived(User, db_index=True)
    # By which key its run was asked for; the door of the run; what the turn was for. Empty: from before they were kept.
    api_key = outlived(ApiKey)
    door = models.CharField(max_length=30, default="", db_default="")
    purpose = models.CharField(max_length=20, default="", db_default="")  # one of chat.metering.purposes
    # Where it is counted in UsageDay. NULL: it is not, as an older version has written it, or another installation.
    day = models.DateField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    turn = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    model = models.CharField(max_length=100)
    input_tokens = models.PositiveBigIntegerField()
    cached_tokens = models.PositiveBigIntegerField()
    output_tokens = models.PositiveBigIntegerField()
    reasoning_tokens = models.PositiveBigIntegerField()
    cache_write_tokens = models.PositiveBigIntegerField(default=0, db_default=0)  # of the input
    # What it cost when its run ended, in billionths of the currency. NULL: nobody knew, which is not nothing.
    cost_nanos = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=10, default="", db_default="")
    price = models.ForeignKey("chat.Price", models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    from_cache = models.BooleanField(default=False, db_default=False)  # answered by our own cache: nobody was asked
    # Of a correction the record that it corrects: it has no tokens of its own, and its cost is the difference.
    corrects = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=10)  # reported, estimated, unknown
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["corrects"], condition=Q(corrects__isnull=False), name="usage_record_corrections")
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.input_tokens} + {self.output_tokens}"
