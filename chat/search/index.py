"""The database's own index of terms: SQLite has an FTS5 table beside the rows, which triggers fill; PostgreSQL a GIN.

Django's schema editor makes a table of SQLite anew when a column is altered, and the triggers go with the old one: a
migration that alters a column of SearchEntry calls `make_index` after it. FTS5 splits terms at spaces and nowhere else:
its tokenizer `ascii` takes all beyond ASCII for letters, and of ASCII our terms have letters and digits alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

TABLE, INDEX = "chat_search_searchentry", "chat_search_terms"
MOST_PLACES, MOST_OF_ONE = 16_383, 255  # that a tsvector keeps: of all terms, and of each

_GONE = f"INSERT INTO {INDEX}({INDEX}, rowid, terms) VALUES ('delete', old.id, old.terms);"
_COME = f"INSERT INTO {INDEX}(rowid, terms) VALUES (new.id, new.terms);"
FTS5 = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX} USING fts5("
    f"terms, content='{TABLE}', content_rowid='id', columnsize=0, tokenize='ascii')",
    f"CREATE TRIGGER IF NOT EXISTS {INDEX}_come AFTER INSERT ON {TABLE} BEGIN {_COME} END",
    f"CREATE TRIGGER IF NOT EXISTS {INDEX}_gone AFTER DELETE ON {TABLE} BEGIN {_GONE} END",
    f"CREATE TRIGGER IF NOT EXISTS {INDEX}_changed AFTER UPDATE OF terms ON {TABLE} BEGIN {_GONE} {_COME} END",
)
NO_FTS5 = (
    *(f"DROP TRIGGER IF EXISTS {INDEX}_{each}" for each in ("come", "gone", "changed")),
    f"DROP TABLE IF EXISTS {INDEX}",
)
GIN = (f"CREATE INDEX IF NOT EXISTS {INDEX} ON {TABLE} USING gin (terms)",)
NO_GIN = (f"DROP INDEX IF EXISTS {INDEX}",)


def make_index(apps: Any, schema_editor: Any) -> None:
    """For RunPython: make the index, where it is not there."""
    for each in FTS5 if schema_editor.connection.vendor == "sqlite" else GIN:
        schema_editor.execute(each, params=None)


def drop_index(apps: Any, schema_editor: Any) -> None:
    """The way back."""
    for each in NO_FTS5 if schema_editor.connection.vendor == "sqlite" else NO_GIN:
        schema_editor.execute(each, params=None)


@transaction.atomic
def remake() -> None:
    """Make the index anew from the rows that are there. Who writes waits for it."""
    remade = f"INSERT INTO {INDEX}({INDEX}) VALUES ('rebuild')"
    steps = (*NO_FTS5, *FTS5, remade) if connection.vendor == "sqlite" else (*NO_GIN, *GIN)
    with connection.cursor() as cursor:
        for each in steps:
            cursor.execute(each)


def has_fts5() -> bool:
    """Whether this SQLite was built with FTS5."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
        return cursor.fetchone() is not None


def vector(terms: Sequence[str]) -> str:
    """The terms as a tsvector reads them. None has a quote or a backslash in it."""
    placed = (f"'{term}':{place}" for place, term in enumerate(terms[:MOST_PLACES], 1))
    return " ".join((*placed, *(f"'{term}'" for term in terms[MOST_PLACES:])))


def is_long(terms: Sequence[str]) -> bool:
    """Whether a tsvector leaves out the place of some."""
    return len(terms) > MOST_PLACES or max(Counter(terms).values(), default=0) > MOST_OF_ONE
