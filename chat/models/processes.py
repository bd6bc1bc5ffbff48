"""The processes that are up, as they say it themselves."""

from django.db import models


class Process(models.Model):
    """A process that executes runs or serves requests. It renews its row while it lives and deletes it as it leaves."""

    id = models.UUIDField(primary_key=True)  # the owner in its leases
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    takes_runs = models.BooleanField()
    # The kinds of runs that it knows, each with a space before and behind it; none of a process older than the column.
    kinds = models.CharField(max_length=1000, default="", db_default="")
    # What is so in it, as Prometheus reads it; empty of a process older than the column.
    gauges = models.TextField(default="", db_default="", editable=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)  # its last heartbeat

    class Meta:
        verbose_name_plural = "processes"
        ordering = ["started_at", "id"]

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}"
