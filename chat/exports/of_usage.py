"""What was used in an organization, as a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.errors import NotFound
from accounts.models import Organization, User
from chat.exports.writing import Place, Writing, put
from chat.metering.usage_report import report
from chat.rest.usage import UsageAsked, as_csv, as_lines, asked_of


class OfUsage(UsageAsked):
    """As `GET /api/usage/` takes it."""


def place(user: User, asked: Mapping[str, Any], format: str) -> Place:
    """A place that they are in. Members get their own, admins all."""
    organization = asked["organization"]
    if not Organization.objects.visible_to(user).filter(pk=organization).exists():
        raise NotFound
    asked_of(dict(asked))
    return Place(organization, name="usage")


def write(writing: Writing) -> Iterator[int]:
    """All of it at once: a report has a bound."""
    rows, _ = report(writing.user, asked_of(dict(writing.asked)))
    writing.total = len(rows)
    with writing.path.open("wb") as file:
        put(file, as_csv(rows, writing.asked["by"]) if writing.format == "csv" else as_lines(rows))
    yield len(rows)
