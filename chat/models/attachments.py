"""Attachments: files that people put into their messages. A row each; the bytes lie in STORAGES["attachments"]."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Organization, Seer, User
from chat.models.chats import Chat
from chat.models.holds import KeptFile
from chat.models.messages import Message


class AttachmentType(models.TextChoices):
    IMAGE = "image"
    FILE = "file"
    AUDIO = "audio"


class AttachmentState(models.TextChoices):
    STORING = "storing"  # its bytes are on their way: nobody is told of it yet
    READY = "ready"
    GOING = "going"  # out of every answer; its bytes are removed, and then the row


class TextState(models.TextChoices):
    """Of what is to be read in it: the text of a document, the words of a recording."""

    NONE = "none"  # there is nothing to read
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, user: Seer) -> "AttachmentQuerySet":
        """The user's own, and those in messages of the chats they see."""
        seen = AttachmentUse.objects.filter(attachment=OuterRef("pk"), message__chat__in=Chat.objects.visible_to(user))
        mine = Q(user=user.pk, organization__in=Organization.objects.visible_to(user))
        return self.there().filter(mine | Exists(seen), state=AttachmentState.READY)

    def there(self) -> "AttachmentQuerySet":
        """Without those that are here only because a hold keeps a chat or a message that was deleted."""
        uses = AttachmentUse.objects.filter(attachment=OuterRef("pk"))
        is_used = Exists(uses.filter(message__chat__deleted_at=None))
        is_kept = Exists(KeptFile.objects.filter(attachment=OuterRef("pk")))
        return self.filter(is_used | ~Exists(uses) & ~is_kept)


class Attachment(models.Model):
    """One file as it was taken. Its names in the storage are its id, `<id>.thumbnail` and `<id>.text`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")  # who brought it
    type = models.CharField(max_length=5, choices=AttachmentType.choices)
    name = models.CharField(max_length=255, blank=True)  # as its person called it, composed
    media_type = models.CharField(max_length=100)  # by its content
    bytes = models.PositiveBigIntegerField(default=0)  # as they are stored
    sha256 = models.CharField(max_length=64, blank=True)  # of them, hex
    width = models.PositiveIntegerField(null=True, blank=True)  # of images, in pixels
    height = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)  # of sounds
    has_thumbnail = models.BooleanField(default=False)
    state = models.CharField(max_length=7, choices=AttachmentState.choices, default=AttachmentState.STORING)
    text_state = models.CharField(max_length=7, choices=TextState.choices, default=TextState.NONE)
    text_chars = models.PositiveIntegerField(default=0)
    text_error = models.CharField(max_length=300, blank=True)  # a sentence
    used_at = models.DateTimeField(null=True, blank=True)  # when the first message had it; None: it is in none yet
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["state", "created_at"], name="attachment_state"),
            models.Index(fields=["user", "-created_at"], name="attachment_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class AttachmentUse(models.Model):
    """That a message has it; a copy of the message in a fork has it too. What nothing uses any more is removed."""

    attachment = models.ForeignKey(Attachment, models.CASCADE, related_name="uses")
    message = models.ForeignKey(Message, models.CASCADE, related_name="attachment_uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attachment", "message"], name="attachment_used_once")]

    def __str__(self) -> str:
        return f"{self.attachment_id} in {self.message_id}"
