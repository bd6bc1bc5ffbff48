"""SQLite, where the threads of a process take turns to write.

SQLite lets one writer in and tells the others to sleep and look again, for longer each time and in no order: under load
some wait for seconds while the file is free half of the time (docs/decisions/0043-writers-take-turns.md). A lock hands
the turn on at once. Other processes still meet SQLite's own lock.
"""

import threading
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base, operations

_turn = threading.Lock()


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, style: Any, tables: Any, **options: Any) -> list[str]:
        """Django's statements that empty the tables. `manage.py flush` and tests mean it: so for the while, here as on
        PostgreSQL, where a TRUNCATE asks no trigger, the audit log's are off."""
        from accounts.audit import triggers  # the apps are not loaded yet when this module is

        emptying: list[str] = super().sql_flush(style, tables, **options)
        is_kept = triggers.TABLE in tables
        return [*triggers.OFF_SQLITE, *emptying, *triggers.ON_SQLITE] if is_kept else emptying


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection. It has the turn from BEGIN to COMMIT or ROLLBACK.

    The methods of Django's own class that it extends are unknown to its stubs.
    """

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        wait_s = self.settings_dict["OPTIONS"].get("timeout", 5)
        if not self._has_turn and not _turn.acquire(timeout=wait_s):
            raise OperationalError("database is locked by another thread")
        self._has_turn = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._pass_on()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._pass_on()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._pass_on()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()
