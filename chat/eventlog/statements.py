"""The two statements of a group commit and the one that follows it, written by hand: each runs twenty times a second.

The ORM builds a model for each row and a query for each commit, which is most of what a commit cost. Here a commit is
one lock and one insert, and a look of who follows runs of other processes one select, whatever the number of runs.
PostgreSQL gets the rows as one JSON text and takes it apart itself.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from chat.models import Run, RunEvent, RunStatus

RUNS, EVENTS = Run._meta.db_table, RunEvent._meta.db_table
COLUMNS = "run_id, attempt, first_seq, last_seq, events, created_at"
GROWN = (
    f"SELECT run_id, attempt, first_seq, events FROM {{asked}} JOIN {EVENTS} ON run_id = run AND first_seq >= since"
    " ORDER BY run_id, first_seq"
)
_json = msgspec.json.Encoder()


class Row(NamedTuple):
    """A RunEvent without its id and its time."""

    run_id: UUID
    attempt: int
    first_seq: int
    last_seq: int
    events: str


def locked(run_ids: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Lock those of the runs that are running, for the open transaction: (run, attempt)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            asked = f"SELECT id, attempt FROM {RUNS} WHERE id = ANY(%s) AND status = %s ORDER BY id FOR NO KEY UPDATE"
            cursor.execute(asked, [list(run_ids), RunStatus.RUNNING.value])
            return set(cursor.fetchall())
        asked = f"SELECT id, attempt FROM {RUNS} WHERE id IN (SELECT value FROM json_each(%s)) AND status = %s"
        cursor.execute(asked, [_text([each.hex for each in run_ids]), RunStatus.RUNNING.value])
        return {(UUID(hex=id), attempt) for id, attempt in cursor.fetchall()}


def insert(rows: Sequence[Row]) -> None:
    """Insert the rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"INSERT INTO {EVENTS} ({COLUMNS}) SELECT run, attempt, first, last, events, now() FROM"
                " json_to_recordset(%s::json) AS (run uuid, attempt int, first int, last int, events text)",
                [_text([dict(zip(("run", "attempt", "first", "last", "events"), row, strict=True)) for row in rows])],
            )
        else:
            at = connection.ops.adapt_datetimefield_value(timezone.now())
            values = [(row.run_id.hex, *row[1:], at) for row in rows]
            cursor.executemany(f"INSERT INTO {EVENTS} ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)", values)


def grown(since: Mapping[UUID, int]) -> list[tuple[UUID, int, int, str]]:
    """The rows of these runs that begin at the given number or after it, in order: run, attempt, first_seq, events."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                GROWN.format(asked="unnest(%s::uuid[], %s::int[]) AS asked (run, since)"),
                [list(since), list(since.values())],
            )
            return list(cursor.fetchall())
        asked = "(SELECT key AS run, value AS since FROM json_each(%s)) AS asked"
        cursor.execute(GROWN.format(asked=asked), [_text({run_id.hex: seq for run_id, seq in since.items()})])
        return [(UUID(hex=run_id), *rest) for run_id, *rest in cursor.fetchall()]


def _text(value: object) -> str:
    return _json.encode(value).decode()
