"""What was done and when, in order: a failed run leaves it as JSON lines."""

import json
import pathlib
import time
from dataclasses import dataclass, field
from typing import Any


def _plain(value: Any) -> Any:
    return vars(value) if hasattr(value, "__dict__") else str(value)


@dataclass
class History:
    """Things that happened, oldest first."""

    entries: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, **fields: Any) -> None:
        """Write one thing down, with the time."""
        self.entries.append({"at": round(time.time(), 4), "what": what, **fields})

    def count(self, what: str, **fields: Any) -> int:
        """How often this happened, with these fields."""
        return sum(each["what"] == what and fields.items() <= each.items() for each in self.entries)

    def save(self, path: pathlib.Path) -> None:
        """Write it all to a file, one JSON object a line."""
        path.write_text("".join(json.dumps(each, default=_plain) + "\n" for each in self.entries))
