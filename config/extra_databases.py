"""Databases of DATABASES_EXTRA as Django's settings: read-only by the database itself, unless an address says more."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

SQLITE = "django.db.backends.sqlite3"  # not ours: who writes there takes no turn from who writes here
CONNECTED_S = 60  # that a connection is kept


def sqlite_file(made: dict[str, Any]) -> Path | None:
    """The file of one that is SQLite's."""
    name = str(made["NAME"])
    return Path(unquote(name.removeprefix("file:").rpartition("?")[0])) if made["ENGINE"] == SQLITE else None


def extra_database(found: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """The settings of one, from those that its address gives."""
    is_written = found["WRITES"]
    if found["ENGINE"].endswith("sqlite3"):
        made = _sqlite(found, is_written, timeout_s)
    else:
        made = _postgres(found, is_written, timeout_s)
    return {**made, "CONN_MAX_AGE": CONNECTED_S, "CONN_HEALTH_CHECKS": True, "TEST": {"MIGRATE": False}}


def _sqlite(found: dict[str, Any], is_written: bool, timeout_s: float) -> dict[str, Any]:
    """Opened as it is: a file that is not there is not made, and a reader makes none beside it."""
    mode = "rw" if is_written else "ro"
    options: dict[str, Any] = {"timeout": timeout_s}
    if not is_written:
        options["init_command"] = "PRAGMA query_only=ON;"
    name = f"file:{quote(str(found['NAME']))}?mode={mode}"
    return {**found, "ENGINE": SQLITE, "NAME": name, "OPTIONS": options}


def _postgres(found: dict[str, Any], is_written: bool, timeout_s: float) -> dict[str, Any]:
    said = dict(found.get("OPTIONS", {}))
    session = [str(said.pop("options", "")), f"-c statement_timeout={int(timeout_s * 1000)}"]
    if not is_written:
        session.append("-c default_transaction_read_only=on")
    options = {"connect_timeout": 3, "tcp_user_timeout": 5000, **said, "options": " ".join(session).strip()}
    return {**found, "OPTIONS": options}
