"""Which tools may be used, by whom and where: policies, and what a person has granted in a chat."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization, Project, Role, Seer, User
from chat.models.chats import Chat


class Decision(models.TextChoices):
    ALLOW = "allow"
    ASK = "ask"  # a person allows each call
    DENY = "deny"


class ToolPolicyQuerySet(models.QuerySet["ToolPolicy"]):
    def visible_to(self, user: Seer) -> "ToolPolicyQuerySet":
        """Those of the user's organizations, and of those projects of them that they see."""
        own = self.filter(organization__in=Organization.objects.visible_to(user))
        return own.filter(Q(project__isnull=True) | Q(project__in=Project.objects.visible_to(user)))


class ToolPolicy(models.Model):
    """One rule. Deny beats ask beats allow; a project's rule only makes its organization's stricter."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="tool_policies")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="tool_policies")
    pattern = models.CharField(max_length=100)  # a tool's name, or the beginning of names and a star
    role = models.CharField(max_length=10, choices=Role.choices, blank=True)  # of the run's person; empty: everybody's
    decision = models.CharField(max_length=5, choices=Decision.choices)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ToolPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "tool policies"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "pattern", "role"],
                condition=Q(project__isnull=True),
                name="tool_policy_once_in_organization",
            ),
            models.UniqueConstraint(
                fields=["project", "pattern", "role"],
                condition=Q(project__isnull=False),
                name="tool_policy_once_in_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.pattern}"


class ToolGrantQuerySet(models.QuerySet["ToolGrant"]):
    def visible_to(self, user: Seer) -> "ToolGrantQuerySet":
        """Those of the chats the user can see."""
        return self.filter(chat__in=Chat.objects.visible_to(user))

    def valid(self) -> "ToolGrantQuerySet":
        """Those that hold now, as far as their rows go: what whoever gave them may is another question."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class ToolGrant(models.Model):
    """A person has allowed a tool in one chat for a while, so that they are not asked at each call."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="tool_grants")
    tool = models.CharField(max_length=64)
    by = models.ForeignKey(User, models.CASCADE, related_name="+")  # their rights are asked again at each use
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ToolGrantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["chat", "tool"], name="tool_grant_of_chat")]

    def __str__(self) -> str:
        return f"{self.tool} in {self.chat_id}"
