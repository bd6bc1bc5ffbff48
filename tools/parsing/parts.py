"""The pieces of a document's text, as many as are taken."""

from typing import Any

TEXT_MAX_BYTES = 2_000_000  # in UTF-8


class Parts:
    """Collects them. `is_full`: nothing more will be taken, so nothing more needs to be read."""

    def __init__(self, room: int = TEXT_MAX_BYTES) -> None:
        self.found: list[dict[str, Any]] = []
        self.is_cut = False
        self.room = room  # in bytes of UTF-8

    @property
    def is_full(self) -> bool:
        """Whether its room is used up."""
        return self.room <= 0

    def add(self, text: str, page: int | None = None) -> None:
        """One more, unless it is empty; cut where the room ends."""
        text = text.replace("\x00", "").strip("\r\n").rstrip()
        if not text.strip():
            return
        data = text.encode("utf-8", "replace")
        if len(data) > self.room:
            self.is_cut = True
            text = data[: max(0, self.room)].decode("utf-8", "ignore")
        self.room -= len(data)
        if text:
            self.found.append({"text": text, "page": page})

    def cut(self) -> None:
        """There is more, and it was not read."""
        self.is_cut = True
