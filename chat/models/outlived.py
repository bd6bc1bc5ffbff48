"""References that outlive what they point at: the ledger keeps whose and what it was, whoever is deleted."""

from typing import Any

from django.db import models


def outlived(to: type[models.Model], *, related_name: str = "+", db_index: bool = False) -> Any:
    """A foreign key that nothing is done to when its row is deleted: the id stays, and finds nothing any more.

    It may be null, so that a join with what is gone leaves the row in.
    """
    return models.ForeignKey(
        to,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name=related_name,
        db_index=db_index,
        db_constraint=False,
    )
