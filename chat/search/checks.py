"""System check: whether the database can search."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from chat.search.index import has_fts5


@register(Tags.database)
def check_fts5(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """An error where SQLite lacks what searching needs. Said by `migrate`, before it makes a table."""
    if not databases or not settings.IS_SQLITE or has_fts5():
        return []
    hint = "Use a Python whose sqlite3 was built with FTS5, as those of Debian and python.org are; or a PostgreSQL."
    return [Error("This SQLite has no FTS5.", hint, id="chat_search.E001")]
