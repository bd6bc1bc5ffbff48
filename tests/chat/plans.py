"""What a database would do for the statements of a block: EXPLAIN, and which big tables it would read whole."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection, transaction

BIG = {
    "accounts_auditentry", "chat_chat", "chat_message", "chat_run", "chat_runevent", "chat_search_searchentry",
    "chat_toolcall", "chat_usage_by_day", "chat_usagerecord", "chat_webhooks_webhookdelivery",
    "chat_webhooks_webhookevent",
}  # fmt: skip
EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")
ALIAS = re.compile(r'"([a-z_]+)" (?:AS )?"?([A-Z]+\d+)')
READS_ALL = ("Sort", "Hash", "Aggregate", "Materialize")  # before they give anything
SCAN = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


class Statement(NamedTuple):
    """As it was sent."""

    sql: str
    params: Any


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """The statements of the block that read or change rows."""
    found: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip(" (").startswith(EXPLAINED):
            found.append(Statement(sql, params[0] if many and params else params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def read_whole(statement: Statement) -> set[str]:
    """The big tables, or indexes of theirs, that the statement goes through from end to end.

    Not meant are an index of some rows alone, and one that is read in its order until there are enough.
    """
    found = _on_postgres(statement) if connection.vendor == "postgresql" else _on_sqlite(statement)
    return {table for table, index in found if table in BIG and index not in _partial()}


def _partial() -> set[str]:
    return {index.name for model in apps.get_models() for index in _indexes(model) if index.condition is not None}


def _indexes(model: Any) -> Iterator[Any]:
    yield from model._meta.indexes
    yield from (each for each in model._meta.constraints if hasattr(each, "condition") and hasattr(each, "fields"))


def _on_sqlite(statement: Statement) -> Iterator[tuple[str, str]]:
    """Of a join SQLite names the alias."""
    names = {alias: table for table, alias in ALIAS.findall(statement.sql)}
    is_cut = "LIMIT" in statement.sql
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.params)
        for *_, told in cursor.fetchall():
            scan = SCAN.match(told)
            if scan and not (scan[2] and is_cut):
                yield names.get(scan[1], scan[1]), scan[2] or ""


def _on_postgres(statement: Statement) -> Iterator[tuple[str, str]]:
    """With sequential scans forbidden: one that is left means that no index serves."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.params)
        (told,) = cursor.fetchone()
    plan = json.loads(told) if isinstance(told, str) else told
    yield from _scans(plan[0]["Plan"], is_cut=False)


def _scans(node: dict[str, Any], *, is_cut: bool) -> Iterator[tuple[str, str]]:
    """Scans without a condition on their index; `is_cut`: their reader stops when it has enough."""
    kind = node["Node Type"]
    if kind == "Seq Scan" or (kind in ("Index Scan", "Index Only Scan") and "Index Cond" not in node and not is_cut):
        yield node["Relation Name"], node.get("Index Name", "")
    is_cut = kind == "Limit" or (is_cut and kind not in READS_ALL)
    for each in node.get("Plans", ()):
        yield from _scans(each, is_cut=is_cut)
