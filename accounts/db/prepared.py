"""A cursor for statements that are executed again and again: PostgreSQL reads and plans them once for each connection.

Django puts the values into a statement's text, so that each is new to the server: right for most of them. What is kept
compiled is always the same text, and planning its joins takes PostgreSQL longer than answering.
"""

from typing import Any


def cursor(connection: Any) -> Any:
    """As `connection.cursor()`. On PostgreSQL the values travel beside the statement.

    It is prepared when it has come DB_PREPARE_THRESHOLD times.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql import base  # where there is the driver

    connection.ensure_connection()
    binding: Any = base.ServerBindingCursor
    return connection._prepare_cursor(binding(connection.connection))
