"""An organization's audit log, in the order of its chain, as `GET /api/organizations/{id}/audit/export/` has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.audit.reading import COLUMNS, entries_of, piece
from accounts.http.fields import Id
from accounts.models import User
from accounts.organizations.audit_rest import Asked, require_reader
from chat.exports.writing import Place, Writing, put
from chat.transfer.audit import FORMS


class OfAudit(Asked):
    """Which entries, of which organization."""

    organization = Id()


def place(user: User, asked: Mapping[str, Any], format: str) -> Place:
    """One that they are an admin of."""
    organization = asked["organization"]
    require_reader(user, organization)
    return Place(organization, name=f"audit-{organization}")


def write(writing: Writing) -> Iterator[int]:
    """Piece by piece; only what is sealed."""
    filters = {name: value for name, value in writing.asked.items() if name != "organization"}
    rows = entries_of(writing.place.organization, filters)
    writing.total = rows.filter(seq__isnull=False).count()
    done, after = 0, 0
    with writing.path.open("wb") as file:
        if writing.format == "csv":
            put(file, f"{','.join(COLUMNS)}\r\n")
        while found := piece(rows, after):
            put(file, FORMS[writing.format](found))
            done, after = done + len(found), found[-1]["seq"]
            yield done
