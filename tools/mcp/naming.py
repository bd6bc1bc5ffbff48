"""What a tool of another house is called here, and by what it is known that it is still the one that was read. Pure."""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any

SERVER = re.compile(r"[a-z][a-z0-9]*")  # no `_`: where it ends in a tool's name is never in doubt
OTHER = re.compile(r"[^A-Za-z0-9_]")
MOST_CHARS = 64
HASH_CHARS = 6


def offered_name(server: str, tool: str, taken: Collection[str] = ()) -> str:
    """The name that models are told. Cut, or where it is taken, with the beginning of a hash of the tool's own name."""
    plain = OTHER.sub("_", f"mcp_{server}_{tool}")
    if len(plain) <= MOST_CHARS and plain not in taken:
        return plain
    mark = hashlib.sha256(tool.encode()).hexdigest()[:HASH_CHARS]
    return f"{plain[: MOST_CHARS - HASH_CHARS - 1]}_{mark}"


def digest_of(name: str, claims: dict[str, Any]) -> str:
    """SHA-256, hex, of a tool's name and of what it says of itself, however the fields are ordered."""
    told = json.dumps([name, claims], sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()
