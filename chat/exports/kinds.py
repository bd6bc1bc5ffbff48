"""What can be exported as a job: a line each.

A kind says in which formats, what else may be asked for, who may have it (asked when it is begun, written and fetched),
and how it is written. To add one: a module with the last three, a line here, docs/exports.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.http.fields import Closed
from accounts.models import User
from chat.exports import of_audit, of_chats, of_feedback, of_people, of_usage
from chat.exports.writing import Place, Writing

# By format: the file's type and the ending of its name.
JSON_LINES = {"jsonl": ("application/x-ndjson", "jsonl")}
CSV = {"csv": ("text/csv; charset=utf-8", "csv")}


@dataclass(frozen=True)
class Kind:
    """One of them. `shape` takes what is asked for besides what and format."""

    formats: Mapping[str, tuple[str, str]]
    shape: type[Closed]
    place: Callable[[User, Mapping[str, Any], str], Place]  # raises what the person is told
    write: Callable[[Writing], Iterator[int]]  # yields how many of `total` are done


KINDS: dict[str, Kind] = {
    "me": Kind({"zip": ("application/zip", "zip")}, of_people.Asked, of_people.place, of_people.write),
    "chat": Kind(of_chats.FORMATS, of_chats.OfChat, of_chats.place, of_chats.write),
    "usage": Kind(CSV | JSON_LINES, of_usage.OfUsage, of_usage.place, of_usage.write),
    "audit": Kind(CSV | JSON_LINES, of_audit.OfAudit, of_audit.place, of_audit.write),
    "feedback": Kind(of_feedback.FORMATS, of_feedback.OfFeedback, of_feedback.place, of_feedback.write),
}
