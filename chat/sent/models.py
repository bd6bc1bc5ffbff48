"""The requests that went to models: a row each."""

import zlib

from django.db import models

from chat.models import Run


class SentRequest(models.Model):
    """One request of a turn. A turn has several where it was asked again."""

    # No constraint in the database: a process of an older version deletes runs and knows no such table. What it leaves
    # behind goes when it is old enough.
    run = models.ForeignKey(Run, models.CASCADE, related_name="sent", db_constraint=False)
    attempt = models.PositiveIntegerField()
    agent = models.CharField(max_length=300, blank=True)  # the archetype's path; empty: the run's own
    turn = models.PositiveIntegerField()
    model = models.CharField(max_length=100, blank=True)  # by our own name
    server = models.CharField(max_length=200, blank=True)  # who was asked: the API, scheme, host and port
    size = models.PositiveBigIntegerField()  # bytes, as it went
    is_cut = models.BooleanField()  # not all of it is kept: see chat.sent.cutting
    data = models.BinaryField()  # compressed
    sent_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Request {self.pk} of run {self.run_id}"

    @property
    def text(self) -> str:
        """What was sent, as far as it is kept: JSON."""
        return zlib.decompress(self.data).decode("utf-8", "replace")
