"""What the processes of an installation have counted together."""

from django.db import models


class Total(models.Model):
    """One number of /api/metrics, since the installation was made: chat.metering.counters."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    labels = models.CharField(max_length=1000, blank=True)  # as Prometheus reads them
    value = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "total"
        verbose_name_plural = "totals"
        ordering = ["name", "labels"]
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="total_once")]

    def __str__(self) -> str:
        return f"{self.name}{{{self.labels}}} {self.value}"
