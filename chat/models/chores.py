"""Work that is done now and then, by one process at a time."""

from django.db import models


class Chore(models.Model):
    """One such work: who is at it, until when at least, and when it is due again. Times are the database's own."""

    name = models.CharField(max_length=40, primary_key=True)
    owner = models.UUIDField(null=True, blank=True)  # the process at work; as in a run's lease
    held_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # the last time
    told = models.JSONField(default=dict, blank=True)  # what it did the last time
    # What went wrong the last time. With a default in the table: older processes know no such column.
    error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
