"""Holds: what is to be kept though somebody deletes it, for a court or an audit, until the hold is released."""

import uuid
from collections.abc import Sequence

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Organization, User
from chat.models.chats import Chat
from chat.models.messages import Message
from chat.models.runs import Run


class HoldScope(models.TextChoices):
    """What a hold is on: all chats there, or of that person with what they said elsewhere."""

    ORGANIZATION = "organization"
    USER = "user"
    PROJECT = "project"
    CHAT = "chat"


class HoldQuerySet(models.QuerySet["Hold"]):
    def live(self) -> "HoldQuerySet":
        """Those that hold now."""
        return self.filter(released_at=None)

    def shown_to(self, user: User) -> "HoldQuerySet":
        """Without those on the user and on chats of theirs: nobody is told of a hold that is on themselves."""
        theirs = Chat.objects.filter(user=user).values("pk")
        mine = Q(scope=HoldScope.USER, subject=user.pk) | Q(scope=HoldScope.CHAT, subject__in=theirs)
        return self.exclude(mine)


class Hold(models.Model):
    """One hold. While it is live nothing that it is on is erased; deleted, it is out of every answer all the same."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Whose owner placed it: it holds there alone. None: an operator's, which holds everywhere.
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="+")
    scope = models.CharField(max_length=12, choices=HoldScope.choices)
    subject = models.UUIDField()  # the id of what is held; a plain one, as that may go before the hold's row
    name = models.CharField(max_length=300, blank=True)  # what the subject was called when it was placed
    reason = models.TextField(max_length=1000)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = "retention hold"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["subject"], condition=Q(released_at__isnull=True), name="hold_live"),
            models.Index(fields=["-created_at", "-id"], name="hold_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject}"


class Kept(models.Model):
    """What a hold keeps of a message that was deleted or edited, or of a person who is gone. Nobody is shown it."""

    id = models.BigAutoField(primary_key=True)
    # No constraint in the database: a process of an older version deletes messages and knows no such table.
    message = models.ForeignKey(Message, models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False)
    person = models.UUIDField(null=True, blank=True, db_index=True)  # who said it, or who is gone; a plain id
    data = models.JSONField()  # the fields as they were
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "kept text"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Kept {self.pk}"


class KeptFile(models.Model):
    """That a kept message had this file: it stays as long, and nobody is shown it for that."""

    id = models.BigAutoField(primary_key=True)
    kept = models.ForeignKey(Kept, models.CASCADE, related_name="files")
    # No constraint, as above.
    attachment = models.ForeignKey("chat.Attachment", models.CASCADE, related_name="kept", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.attachment_id} of {self.kept_id}"


class HandedOver(models.Model):
    """That a chat was handed over while a hold was on who had it: the hold stays on it. Nobody is shown it."""

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(Hold, models.CASCADE, related_name="+")
    # No constraint, as above.
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="+", db_constraint=False)

    class Meta:
        verbose_name = "chat handed over under a hold"
        verbose_name_plural = "chats handed over under a hold"

    def __str__(self) -> str:
        return f"{self.chat_id} of {self.hold_id}"


def held(chat: str = "", people: Sequence[str] = ()) -> Exists:
    """Whether a live hold is on the chat that `chat` leads to from a row, or on one of the people there.

    Without `chat` the row is the chat. Its owner is always among the people.
    """
    at = f"{chat}__" if chat else ""
    persons = Q()
    for path in (f"{at}user", *people):
        persons |= Q(subject=OuterRef(path))
    places = (
        Q(scope=HoldScope.CHAT, subject=OuterRef(f"{at}pk"))
        | Q(scope=HoldScope.PROJECT, subject=OuterRef(f"{at}project"))
        | Q(scope=HoldScope.ORGANIZATION, subject=OuterRef(f"{at}organization"))
        | Q(persons, scope=HoldScope.USER)
        | Q(Exists(HandedOver.objects.filter(hold=OuterRef("pk"), chat=OuterRef(OuterRef(f"{at}pk")))))
    )
    return Exists(_reaching(f"{at}organization").filter(places))


def chat_is_held() -> Q:
    """Whether something keeps the chat, which the row is: a hold on it or its owner, or on somebody who spoke in it."""
    here = {"chat": OuterRef(OuterRef("pk"))}
    spoke = (
        Exists(Message.objects.filter(author=OuterRef("subject"), **here))
        | Exists(Run.objects.filter(user=OuterRef("subject"), **here))
        | Exists(Kept.objects.filter(person=OuterRef("subject"), message__chat=here["chat"]))
    )
    return Q(held()) | Q(Exists(_reaching("organization").filter(spoke, scope=HoldScope.USER)))


def _reaching(organization: str) -> HoldQuerySet:
    """Live ones that hold in the organization that the path leads to."""
    return Hold.objects.live().filter(Q(organization=None) | Q(organization=OuterRef(organization)))
