"""An entry as bytes that are the same on every database and in the export, and the two hashes that hold a chain.

Pure: `manage.py verify_audit --file` needs no database, and docs/audit.md has the same in words, for other programs.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

HASHED = (
    *("id", "at", "organization", "actor_kind", "actor", "action", "object_type", "object_id"),
    *("outcome", "ip", "request_id", "detail"),
)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def shape_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is hashed of an entry, as the export has it: ids as text, times in whole microseconds of UTC."""
    return {name: _plain(values[name]) for name in HASHED}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(TIME)
    return value


def hash_of(shape: Mapping[str, Any]) -> str:
    """SHA-256 of the shape as JSON: keys sorted, no spaces, UTF-8."""
    text = json.dumps(shape, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def link_of(before: str, seq: int, hash: str) -> str:
    """The chain's value at an entry: SHA-256 of the value before, its number and its hash, with colons between."""
    return hashlib.sha256(f"{before}:{seq}:{hash}".encode()).hexdigest()
