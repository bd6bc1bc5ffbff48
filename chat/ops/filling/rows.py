"""Rows by the thousand: COPY on PostgreSQL, one prepared INSERT on SQLite. Sync.

Past the ORM's bulk_create, which builds an expression for each value: it takes several times as long. Keys that the
database makes are left to it, and times are those that the rows have: no `auto_now` sets them.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models, transaction

Row = TypeVar("Row", bound=models.Model)
Rows = dict[type[models.Model], list[models.Model]]


class Basket:
    """Rows of many tables that are poured together."""

    def __init__(self) -> None:
        self.rows: Rows = defaultdict(list)
        self.poured: dict[str, int] = defaultdict(int)  # table: rows so far

    def add(self, *rows: models.Model) -> None:
        """Keep them until they are poured."""
        for row in rows:
            self.rows[type(row)].append(row)

    def of(self, model: type[Row]) -> list[Row]:
        """The rows of one table that wait."""
        return [row for row in self.rows[model] if isinstance(row, model)]

    @transaction.atomic
    def pour(self) -> None:
        """Store all that is there. Foreign keys are looked at when the transaction ends, so any order will do."""
        for model, rows in self.rows.items():
            _store(model, rows)
            self.poured[model._meta.db_table] += len(rows)
        self.rows.clear()


def _store(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    fields = [each for each in model._meta.local_concrete_fields if not isinstance(each, models.AutoField)]
    table, columns = model._meta.db_table, ", ".join(f'"{each.column}"' for each in fields)
    values = (_values(fields, row) for row in rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
                for each in values:
                    copy.write_row(each)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', list(values))


def _values(fields: Sequence[Any], row: models.Model) -> list[Any]:
    return [each.get_db_prep_save(getattr(row, each.attname), connection) for each in fields]
