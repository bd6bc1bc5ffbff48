"""The audit log's two tables. Plain ids in place of foreign keys: an entry outlives all that it names."""

import os
import time
import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from collections.abc import Callable

NO_CHAIN = "0" * 64  # what comes before the first entry of a chain
INSTALLATION = uuid.UUID(int=0)  # the chain of what belongs to no organization
DETAIL_MAX_BYTES = 4_096


def new_id(now: "Callable[[], int]" = time.time_ns) -> uuid.UUID:
    """A UUID that sorts by the time of its making (RFC 9562, version 7), on both databases."""
    random = int.from_bytes(os.urandom(10), "big")
    millis = now() // 1_000_000
    number = (millis & (2**48 - 1)) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


class ActorKind(models.TextChoices):
    """What somebody came as."""

    PERSON = "person"
    KEY = "key", "API key"  # a program
    OPERATOR = "operator"  # in the admin, or by a command
    SYSTEM = "system"  # by itself: a chore, a schedule, a run
    SCIM = "scim", "SCIM"
    IDP = "idp", "Identity provider"  # by its word


class Outcome(models.TextChoices):
    """What came of it."""

    OK = "ok", "OK"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(models.Model):
    """That somebody did something: ids, no names and nothing that people said. Only its place in the chain comes later.

    The database itself refuses to change or delete one (accounts.audit.triggers).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    organization = models.UUIDField(null=True)  # null: of the installation
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor = models.UUIDField(null=True)  # of a person, key or provider; null: nobody known
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=7, choices=Outcome.choices, default=Outcome.OK)
    ip = models.CharField(max_length=50, blank=True)  # as AUDIT_IP says
    request_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)  # of keys that accounts.audit.actions lists
    hash = models.CharField(max_length=64)  # SHA-256 hex of all of these; see accounts.audit.canonical
    seq = models.BigIntegerField(null=True)  # in its chain, from 1; null: not sealed yet
    chain = models.CharField(max_length=64, null=True)  # noqa: DJ001  # null with seq, which says that it is not there

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["organization", "-at", "-id"], name="audit_of_organization"),
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["object_id"], condition=~Q(object_id=""), name="audit_of_object"),
            models.Index(fields=["actor"], condition=Q(actor__isnull=False), name="audit_of_actor"),
            models.Index(fields=["id"], condition=Q(seq__isnull=True), name="audit_unsealed"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organization", "seq"], name="audit_seq_once"),
            models.UniqueConstraint(
                fields=["seq"], condition=Q(organization__isnull=True), name="audit_installation_seq_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class AuditChain(models.Model):
    """Where a chain begins and ends: of an organization, or (INSTALLATION) of what belongs to none."""

    id = models.UUIDField(primary_key=True, editable=False)  # the organization's
    seq = models.BigIntegerField(default=0)  # of the last entry
    chain = models.CharField(max_length=64, default=NO_CHAIN)
    pruned_seq = models.BigIntegerField(default=0)  # of the last entry that is no longer kept
    pruned_chain = models.CharField(max_length=64, default=NO_CHAIN)
    told_seq = models.BigIntegerField(default=0)  # up to which its head was told outside

    class Meta:
        verbose_name = "audit chain"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.id} up to {self.seq}"
