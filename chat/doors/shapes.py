"""What an address says of an error: in the form that its door's clients know, also before any view of it was asked."""

from typing import Any

from accounts.errors import RequestError
from chat.doors.door import as_rest
from chat.doors.registry import DOORS


def shaped(path: str, error: RequestError) -> dict[str, Any]:
    """The answer's body; for what is no door's, or a door's that has no form of its own, as REST says it."""
    says = next((each.says for each in DOORS if path.startswith(each.bases)), as_rest)
    return says(error, path)
