"""`GET /api/organizations/{id}/audit/export/`: an organization's audit log as a file, in the order of its chain.

Read and sent piece by piece: it may be of any size. Only what is sealed is in it, so that it can be verified.
"""

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from rest_framework import serializers

from accounts.audit.models import AuditEntry
from accounts.audit.reading import COLUMNS, entries_of, line_of, piece
from accounts.authentication import authenticate
from accounts.db import db
from accounts.http.rest import read
from accounts.models import User
from accounts.organizations.audit_rest import Asked, note_reading, require_reader
from chat.metering.limits import Hold, exports
from chat.serving.event_stream import Streamed

TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportQuery(Asked):
    """Which entries, and how."""

    format = serializers.ChoiceField(choices=list(TYPES), default="jsonl")


@csrf_exempt
@require_GET
async def export_audit(request: HttpRequest, organization: UUID) -> HttpResponseBase:
    """The entries, oldest first. Needs admin. That it was fetched is an entry of its own."""
    user, rows, format = await db(_asked, request, organization)
    hold = await exports.take(user.pk)
    response = Streamed(request, _body(rows, FORMS[format], hold), content_type=TYPES[format])
    response["Content-Disposition"] = f'attachment; filename="audit-{organization}.{format}"'
    response["Cache-Control"] = "no-store"
    return response


def _asked(request: HttpRequest, organization: UUID) -> tuple[User, QuerySet[AuditEntry], str]:
    user = authenticate(request)
    asked = read(ExportQuery, request.GET.dict())
    require_reader(user, organization)
    format = asked.pop("format")
    note_reading(user, organization, asked, format=format)
    return user, entries_of(organization, asked), format


async def _body(
    rows: QuerySet[AuditEntry], form: Callable[[list[dict[str, Any]]], str], hold: Hold
) -> AsyncGenerator[bytes, None]:
    with hold:
        if form is as_csv:
            yield f"{','.join(COLUMNS)}\r\n".encode()
        after = 0
        while found := await db(piece, rows, after):
            yield form(found).encode()
            after = found[-1]["seq"]


def as_lines(entries: list[dict[str, Any]]) -> str:
    """JSON, an entry a line."""
    return "".join(f"{line_of(entry)}\n" for entry in entries)


def as_csv(entries: list[dict[str, Any]]) -> str:
    """Rows without a head; no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows([_cell(entry[name]) for name in COLUMNS] for entry in entries)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(BEGINS_A_FORMULA) else value


FORMS = {"jsonl": as_lines, "csv": as_csv}
