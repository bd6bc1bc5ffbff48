"""Chats, and who may see them."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.folding import FoldedField, SavesFolded
from accounts.models import Membership, Organization, Project, ProjectMember, Role, Seer, User
from chat.models import owners
from chat.models.characters import Character
from chat.models.tasks import Task
from tools.knowledge.levels import level_of
from tools.models import KnowledgeDocument, McpTool, Preferences


class ChatStatus(models.TextChoices):
    ACTIVE = "active"
    ARCHIVED = "archived"


class TitledBy(models.TextChoices):
    """Whose words a chat's title is. What a person wrote is never changed by itself."""

    NOBODY = "", "the first words of its first message"
    PERSON = "person"
    MODEL = "model"


class Sharing(models.TextChoices):
    """Who sees a chat besides its owner and the people named in its shares."""

    PRIVATE = "private"
    PROJECT = "project"


class Access(models.TextChoices):
    """What a share gives; never more than the person's role gives anyway."""

    READ = "read"
    WRITE = "write"


class ChatQuerySet(models.QuerySet["Chat"]):
    def visible_to(self, user: Seer) -> "ChatQuerySet":
        """Chats of the user's organizations that are theirs, shared with their project, or shared with them.

        But none that was deleted, none with a character of its organization that the user may not use, and none that
        holds something more confidential than their role reads.
        """
        mine = Q(user=user.pk)
        named = Q(pk__in=ChatShare.objects.filter(user=user.pk).values("chat"))
        project = Q(sharing=Sharing.PROJECT, project__isnull=False)
        here = Character.objects.filter(organization=OuterRef("organization")).numbered(OuterRef("character"))
        closed = Exists(here.exclude(pk__in=Character.objects.usable_by(user)))
        is_open = Q(character__isnull=True) | ~closed
        reads = Q(level__lte=level_of(Role.VIEWER)) | Exists(_readers_of_level(user, OuterRef("level")))
        places = Organization.objects.visible_to(user)
        return self.filter(mine | named | project, is_open, reads, deleted_at=None, organization__in=places)

    def with_fallbacks(self) -> "ChatQuerySet":
        """Each with what its organization says of fallbacks, as `organization_fallbacks`."""
        theirs = Organization.objects.filter(pk=OuterRef("organization")).order_by().values("fallbacks")
        return self.annotate(organization_fallbacks=Subquery(theirs))

    def with_plan(self) -> "ChatQuerySet":
        """Each with the name of its organization's plan, as `organization_plan`."""
        theirs = Organization.objects.filter(pk=OuterRef("organization")).order_by().values("plan")
        return self.annotate(organization_plan=Subquery(theirs))

    def with_knowledge(self) -> "ChatQuerySet":
        """Each with whether its project has a document that can be searched, as `has_knowledge`."""
        found = KnowledgeDocument.objects.filter(project=OuterRef("project")).searchable()
        return self.annotate(has_knowledge=Exists(found))

    def briefed_for(self, user_id: uuid.UUID) -> "ChatQuerySet":
        """Each with whether that person has preferences in use, as `is_briefed`; and who that is, as `asked_by`."""
        in_use = Preferences.objects.in_use().filter(user=user_id)
        return self.annotate(asked_by=Value(user_id, models.UUIDField()), is_briefed=Exists(in_use))

    def with_mcp_tools(self) -> "ChatQuerySet":
        """Each with whether its project has an approved tool of another house, as `has_mcp_tools`."""
        found = McpTool.objects.offered().filter(server__project=OuterRef("project"))
        return self.annotate(has_mcp_tools=Exists(found))

    def leaving(self) -> "ChatQuerySet":
        """Those that hold nothing but what every member reads: as `audience.may_leave`, in a query."""
        return self.filter(level__lte=level_of(Role.VIEWER))

    def listed(self) -> "ChatQuerySet":
        """Without those that a front door made for itself."""
        return self.filter(is_listed=True)


def _readers_of_level(user: Seer, level: OuterRef) -> "models.QuerySet[Membership]":
    """The user's membership where a chat is, if by their role there they read what has this level."""
    inside = ProjectMember.objects.filter(user=user.pk, project=OuterRef(OuterRef("project"))).values("role")[:1]
    role = Coalesce(Subquery(inside), F("role"))
    levels = Case(*(When(role_there=each.value, then=Value(level_of(each))) for each in Role), default=Value(0))
    theirs = Membership.objects.filter(user=user.pk, organization=OuterRef("organization"))
    return theirs.order_by().annotate(role_there=role).alias(reads=levels).filter(reads__gte=level)


class Chat(SavesFolded):
    """A sequence (a tree, after edits) of messages, in an organization and perhaps a project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="chats")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="chats")
    user = models.ForeignKey(User, owners.refuse, related_name="chats")  # the owner
    tasks = models.ManyToManyField(Task, blank=True, related_name="chats")  # of its project: what it was about so far
    title = models.CharField(max_length=200, blank=True)
    title_folded = FoldedField("title")
    # Whose words the title is; what older processes make is left as it is.
    titled_by = models.CharField(
        max_length=10, choices=TitledBy.choices, blank=True, default=TitledBy.NOBODY, db_default=TitledBy.PERSON
    )
    summary = models.TextField(blank=True)
    summary_position = models.PositiveIntegerField(default=0, db_default=0)  # the summary says what came up to here
    model = models.CharField(max_length=100)
    # None: nobody has chosen one, and none is sent. Many models take no other than their own.
    temperature = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)])
    effort = models.CharField(
        max_length=10, blank=True, default="", db_default=""
    )  # of reasoning; empty: the model's own
    # Models that answer where the chosen one cannot, in order; None: its organization's, or the model's own.
    fallbacks = models.JSONField(null=True, blank=True)
    archetype = models.CharField(max_length=40)  # a name in agents.archetypes.registry
    branch = models.CharField(max_length=100, blank=True)  # in the project's repository; made at the first write
    metadata = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=ChatStatus.choices, default=ChatStatus.ACTIVE)
    sharing = models.CharField(max_length=10, choices=Sharing.choices, default=Sharing.PRIVATE)
    project_access = models.CharField(max_length=5, choices=Access.choices, default=Access.READ)
    # The agent door's number of who is talked to; a plain one until its organization registers a Character of it.
    character = models.PositiveBigIntegerField(null=True, blank=True, db_index=True)
    # Of the most confidential passage that ever came in: tools.knowledge.levels. Who may not read it sees no such chat.
    level = models.PositiveSmallIntegerField(default=0, db_default=0)
    has_workflow = models.BooleanField(default=False, db_default=False)  # one that is not over: see WorkflowRun
    origin = models.CharField(max_length=30, default="native")  # the front door that made it
    is_listed = models.BooleanField(default=True)  # a chat that a front door made for itself is not
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)
    # Somebody has deleted it: it is out of every answer, and a hold keeps it or its erasure is under way.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    position = models.PositiveIntegerField(default=0)  # of the newest message; taken under a lock on this row
    leaf = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    # What its runs cost as far as it is known, in billionths of OPENAI_PRICES_CURRENCY; of how many tokens that is; how
    # many of all no provider has counted.
    cost_nanos = models.BigIntegerField(default=0, db_default=0)
    priced_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    estimated_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_activity_at = models.DateTimeField(auto_now_add=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-last_activity_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-last_activity_at"]),
            models.Index(fields=["project", "-last_activity_at"]),
            models.Index(fields=["organization", "-last_activity_at"]),
            models.Index(fields=["-last_activity_at", "-id"]),
            models.Index(fields=["id"], condition=Q(title_folded__isnull=True), name="chat_title_to_fold"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(temperature__gte=0.0) & Q(temperature__lte=2.0), name="chat_temperature_0_to_2"
            )
        ]

    def __str__(self) -> str:
        return f"Chat {self.id}"  # its title is what somebody wrote

    @property
    def total_tokens(self) -> int:
        """Input and output of all its runs."""
        return self.input_tokens + self.output_tokens

    def branch_name(self) -> str:
        """The branch its files are written to."""
        return self.branch or f"parley/chat-{self.id.hex[:12]}"


class ChatAlias(models.Model):
    """A name that a client chose for a chat, at one door: its own, so two people may use the same."""

    id = models.BigAutoField(primary_key=True)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="aliases")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    door = models.CharField(max_length=30)
    external_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "chat aliases"
        constraints = [models.UniqueConstraint(fields=["user", "door", "external_id"], name="chat_alias_once")]

    def __str__(self) -> str:
        return f"{self.door}: {self.external_id}"


class ChatShare(models.Model):
    """One person, besides the owner, who may see a chat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="shares")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    access = models.CharField(max_length=5, choices=Access.choices, default=Access.READ)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"])]
        constraints = [models.UniqueConstraint(fields=["chat", "user"], name="chat_share_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.access}"
