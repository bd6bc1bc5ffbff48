"""What a project knows: documents that people have put there, cut into passages that are searched.

The index of their words is the database's own and no field here: tools.knowledge.words.
"""

import uuid

from django.db import models

from accounts.models import Project, Seer


class KnowledgeLevel(models.IntegerChoices):
    """How far a document may go; a role reads up to one of these (KNOWLEDGE_LEVELS)."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


class KnowledgeState(models.TextChoices):
    PENDING = "pending"  # its run has not begun yet
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"  # and nothing of it is found


class KnowledgeDocumentQuerySet(models.QuerySet["KnowledgeDocument"]):
    def visible_to(self, user: Seer) -> "KnowledgeDocumentQuerySet":
        """Those of the projects the user can see. Which levels they read there: `up_to`."""
        return self.filter(project__in=Project.objects.visible_to(user))

    def up_to(self, level: int) -> "KnowledgeDocumentQuerySet":
        """Those of this level and below."""
        return self.filter(level__lte=level)

    def searchable(self) -> "KnowledgeDocumentQuerySet":
        """Those that have been indexed whole."""
        return self.filter(generation__gt=0)


class KnowledgeDocument(models.Model):
    """A document as it was given: its text whole, and what became of indexing it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    source = models.CharField(max_length=1000, blank=True)  # where it comes from: an address, or a path
    media_type = models.CharField(max_length=100)
    language = models.CharField(max_length=10, blank=True)  # as in de or pt-BR; empty: nobody has said
    level = models.PositiveSmallIntegerField(choices=KnowledgeLevel.choices, default=KnowledgeLevel.INTERNAL)
    state = models.CharField(max_length=8, choices=KnowledgeState.choices, default=KnowledgeState.PENDING)
    error = models.JSONField(null=True, blank=True)  # of the newest indexing, where it failed: {code, message}
    sha256 = models.CharField(max_length=64, editable=False)  # of what was sent, hex
    bytes = models.PositiveIntegerField(default=0)  # of what was sent
    passages = models.PositiveIntegerField(default=0)  # that are found
    generation = models.PositiveIntegerField(default=0)  # of its passages, the one that is found; 0: none
    begun = models.PositiveIntegerField(default=0)  # the newest generation that was begun
    embedded_by = models.CharField(max_length=100, blank=True)  # the model of the vectors of what is found
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    pages = models.JSONField(default=list, editable=False)  # of a document with pages: [[offset, page], ...]
    text = models.TextField(editable=False)

    run: uuid.UUID | None = None  # that indexes it now, where somebody has asked for it; not stored

    objects = KnowledgeDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="knowledge_newest"),
            models.Index(fields=["project", "sha256"], name="knowledge_sent"),
        ]

    def __str__(self) -> str:
        return f"knowledge {self.pk}"


class Passage(models.Model):
    """A part of a document that is found as one. It has its document's project, level and language, by which it is
    filtered within a search. Those of the document's `generation` are found, others are being made or cleared away.

    The long columns are last: a search reads the first ones of many rows.
    """

    document = models.ForeignKey(KnowledgeDocument, models.CASCADE, related_name="+", db_index=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField()
    generation = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    language = models.CharField(max_length=10, blank=True)
    start = models.PositiveIntegerField()  # in the document's text, in characters
    end = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True)
    model = models.CharField(max_length=100, blank=True)  # of the vector; empty: it has none
    bits = models.BinaryField(null=True)  # the signs of the vector's numbers
    path = models.CharField(max_length=500, blank=True)  # the headings that it stands under
    text = models.TextField()
    search = models.TextField()  # what the database indexes: tools.knowledge.searchable
    vector = models.BinaryField(null=True)  # float32, little-endian, of length 1

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "generation", "position"], name="passage_once"),
        ]
        indexes = [models.Index(fields=["project", "level"], name="passage_filter")]

    def __str__(self) -> str:
        return f"passage {self.position} of {self.document_id}"
