"""Servers of other houses whose tools a project's agents may be offered, and each of these tools as it was last seen.

What is offered is taken from here and not from the server: a run begins without a connection, and with nothing that
nobody has read.
"""

import uuid
from typing import Any

from django.db import models

from accounts.models import Project, Seer, User

NAME_MAX_CHARS = 24
URL_MAX_CHARS = 1_000
CLIENT_ID_MAX_CHARS = 1_000


class McpAuth(models.TextChoices):
    NONE = "none"
    BEARER = "bearer"  # the stored token, as `Authorization: Bearer`
    OAUTH = "oauth"  # each person signs in there and acts as themselves: McpSignIn


class McpServerState(models.TextChoices):
    NEW = "new"  # nobody has asked it yet
    READY = "ready"
    FAILED = "failed"  # the newest refresh; what is known of its tools stays


class McpToolState(models.TextChoices):
    NEW = "new"  # nobody has read it yet
    APPROVED = "approved"
    CHANGED = "changed"  # it is not what was approved, so it is withdrawn
    GONE = "gone"  # its server has it no more


class McpToolPolicy(models.TextChoices):
    ASK = "ask"  # a person allows each call
    ALLOW = "allow"
    DENY = "deny"  # no agent is offered it


class McpServerQuerySet(models.QuerySet["McpServer"]):
    def visible_to(self, user: Seer) -> "McpServerQuerySet":
        """Those of the projects the user can see."""
        return self.filter(project__in=Project.objects.visible_to(user))


class McpServer(models.Model):
    """A server that speaks the Model Context Protocol over HTTP."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    name = models.CharField(max_length=NAME_MAX_CHARS)  # a part of its tools' names
    url = models.CharField(max_length=URL_MAX_CHARS)  # https, without a secret in it
    auth = models.CharField(max_length=8, choices=McpAuth.choices, default=McpAuth.NONE)
    token = models.TextField(blank=True, editable=False)  # by accounts.secrets.seal; never shown
    # Of `oauth`: as which client people are sent to the authorization server, where somebody has registered one there
    # by hand, and what was found about that server (tools.mcp.oauth.authority), the client that we registered included.
    client_id = models.CharField(max_length=CLIENT_ID_MAX_CHARS, blank=True, default="", db_default="")
    client_secret = models.TextField(blank=True, editable=False, default="", db_default="")  # as `token`
    authority = models.JSONField(null=True, blank=True, editable=False)
    state = models.CharField(max_length=8, choices=McpServerState.choices, default=McpServerState.NEW)
    protocol = models.CharField(max_length=40, blank=True)  # the version that it was last asked in
    discovered = models.JSONField(null=True, blank=True, editable=False)  # what it said of itself, for the next call
    left_out = models.CharField(max_length=500, blank=True)  # what the newest refresh did not take, in a sentence
    error = models.JSONField(null=True, blank=True)  # of the newest refresh, where it failed: {code, message}
    refreshed_at = models.DateTimeField(null=True, blank=True)  # when its tools were last read
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    run: uuid.UUID | None = None  # that refreshes it now; not stored
    sign_in: dict[str, Any] | None = None  # {url, since} of who asks, where people sign in themselves; not stored

    objects = McpServerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "MCP server"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="mcp_server_name_once")]

    def __str__(self) -> str:
        return f"MCP server {self.name} of {self.project_id}"


class McpToolQuerySet(models.QuerySet["McpTool"]):
    def visible_to(self, user: Seer) -> "McpToolQuerySet":
        """Those of the servers the user can see."""
        return self.filter(server__in=McpServer.objects.visible_to(user))

    def offered(self) -> "McpToolQuerySet":
        """Those that agents may be told of."""
        return self.filter(state=McpToolState.APPROVED).exclude(policy=McpToolPolicy.DENY)


class McpTool(models.Model):
    """A tool as its server describes it, all of which are claims, and what of it an admin has read and approved."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(McpServer, models.CASCADE, related_name="tools")
    name = models.CharField(max_length=128)  # as its server has it
    offered_as = models.CharField(max_length=64)  # as models are told it
    state = models.CharField(max_length=8, choices=McpToolState.choices, default=McpToolState.NEW)
    policy = models.CharField(max_length=5, choices=McpToolPolicy.choices, default=McpToolPolicy.ASK)
    read_only_is_believed = models.BooleanField(default=False)  # that it changes nothing, as it says
    idempotent_is_believed = models.BooleanField(default=False)  # that twice is the same as once, as it says
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    schema = models.JSONField(default=dict)  # of its arguments, as the client takes it: tools.mcp.schemas
    annotations = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)  # SHA-256, hex, of all five as canonical JSON
    approved = models.JSONField(null=True, blank=True)  # {title, description, schema, annotations} as they were read
    approved_digest = models.CharField(max_length=64, blank=True)
    approved_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = McpToolQuerySet.as_manager()

    class Meta:
        ordering = ["server", "name"]
        verbose_name = "MCP tool"
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="mcp_tool_name_once"),
            models.UniqueConstraint(fields=["server", "offered_as"], name="mcp_tool_offered_once"),
        ]

    def __str__(self) -> str:
        return f"MCP tool {self.offered_as}"


class McpSignInQuerySet(models.QuerySet["McpSignIn"]):
    def visible_to(self, user: Seer) -> "McpSignInQuerySet":
        """The user's own: what one may do elsewhere is nobody else's business."""
        return self.filter(user=user.pk)


class McpSignIn(models.Model):
    """A person at an MCP server whose tools act as them there: the tokens that it takes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(McpServer, models.CASCADE, related_name="sign_ins")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=URL_MAX_CHARS)  # of the tokens: to no other authorization server do they go
    client_id = models.CharField(max_length=CLIENT_ID_MAX_CHARS)  # that they were given to
    access_token = models.TextField(editable=False)  # the access token, by accounts.secrets.seal; never shown
    refresh_token = models.TextField(
        blank=True, editable=False
    )  # the refresh token, the same way; "" where there is none
    scope = models.CharField(max_length=1_000, blank=True)  # what it is good for there, as the server says it
    wanted = models.CharField(
        max_length=1_000, blank=True
    )  # what a call was refused for: asked for at the next sign-in
    expires_at = models.DateTimeField(null=True, blank=True)  # the access token; null where the server does not say
    version = models.PositiveIntegerField(default=0)  # counts the tokens, so that of two who renew one writes
    renewing_until = models.DateTimeField(null=True, blank=True)  # somebody renews it now; past: they have died
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = McpSignInQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "sign-in at an MCP server"
        verbose_name_plural = "sign-ins at MCP servers"
        constraints = [models.UniqueConstraint(fields=["server", "user"], name="mcp_sign_in_once")]

    def __str__(self) -> str:
        return f"sign-in of {self.user_id} at {self.server_id}"
