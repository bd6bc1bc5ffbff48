"""Database work: the process's own threads, statements that are built once, and what the database refuses."""

from accounts.db.threads import (
    AWAY,
    READ_ONLY,
    db,
    db_extra,
    db_files,
    db_keep,
    db_tool,
    db_write,
    extras,
    for_files,
    for_tools,
    in_transaction,
    is_read_only,
    keeper,
    readers,
    writer,
)

__all__ = [
    "AWAY",
    "READ_ONLY",
    "db",
    "db_extra",
    "db_files",
    "db_keep",
    "db_tool",
    "db_write",
    "extras",
    "for_files",
    "for_tools",
    "in_transaction",
    "is_read_only",
    "keeper",
    "readers",
    "writer",
]
