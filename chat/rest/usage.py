"""`GET /api/usage/`: what was used in an organization and what it cost, as JSON, CSV or JSON Lines."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound, refuse
from accounts.http.fields import Closed, Id, Text
from accounts.http.rest import caller, documented, read
from accounts.models import Organization
from chat.metering import zones
from chat.metering.usage_report import COLUMNS, MOST_DAYS, Asked, Row, report

DAYS = 30  # that are told where nobody says which
FORMATS = ("json", "csv", "jsonl")
RISKY = ("=", "+", "-", "@", "\t", "\r")  # what a table's program would take for a formula


class UsageAsked(Closed):
    """Which days, both included, and what each row is of."""

    organization = Id()
    to = serializers.DateField(required=False, help_text="The last day. Default: today, where the organization is.")
    by = Text(required=False, default="day,model", help_text=f"Some of {', '.join(COLUMNS)}, with commas between.")

    def get_fields(self) -> dict[str, Any]:
        """With a field whose name is a word of Python."""
        first = serializers.DateField(required=False, help_text=f"The first day. Default: the {DAYS} days until `to`.")
        return {"from": first, **super().get_fields()}

    def validate_by(self, value: str) -> tuple[str, ...]:
        """Each name once."""
        names = tuple(each.strip() for each in value.split(","))
        if not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
            raise serializers.ValidationError(f"Expected some of these, each once: {', '.join(COLUMNS)}.")
        return names


class UsageQuery(UsageAsked):
    """The same, and as what."""

    format = serializers.ChoiceField(FORMATS, required=False, default="json")


class AmountSerializer(serializers.Serializer[Any]):
    """Money: a text, as a float would round it."""

    amount = serializers.CharField(help_text="With nine places.")
    currency = serializers.CharField()


class UsageTotalsSerializer(serializers.Serializer[Any]):
    """What was used."""

    runs = serializers.IntegerField(help_text="That have ended. Of several models, with the one that they began with.")
    failed = serializers.IntegerField(help_text="Of these.")
    input_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField(help_text="Of the input.")
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField(help_text="Of the output.")
    cost = AmountSerializer(allow_null=True, help_text="Null where nothing of it is known: that is not nothing.")
    unknown_cost_runs = serializers.IntegerField(help_text="In which something has no known cost: it is left out.")
    cache_hits = serializers.IntegerField(help_text="Replies that were kept, and asked of nobody.")


class UsageRowSerializer(UsageTotalsSerializer):
    """What was used by what the row is of: it has only those of the first fields that were asked for."""

    day = serializers.DateField(required=False)
    month = serializers.DateField(required=False, help_text="Its first day.")
    model = serializers.CharField(required=False)
    project = serializers.UUIDField(required=False, allow_null=True)
    project_name = serializers.CharField(required=False, allow_null=True)
    user = serializers.UUIDField(required=False, allow_null=True)
    user_name = serializers.CharField(required=False, allow_null=True, help_text="Null: somebody who is gone.")
    key = serializers.UUIDField(required=False, allow_null=True)
    key_name = serializers.CharField(required=False, allow_null=True, help_text="How the API key begins.")
    door = serializers.CharField(required=False, help_text="Empty: from before it was kept.")
    purpose = serializers.CharField(required=False, help_text="answer, title, summary, compact, or another kind of run")


class UsageReportSerializer(serializers.Serializer[Any]):
    """What was used."""

    results = UsageRowSerializer(many=True)
    totals = UsageTotalsSerializer()


class Usage(APIView):
    """Usage of an organization."""

    @documented("read_usage", query=UsageQuery, answer=UsageReportSerializer)
    def get(self, request: Request) -> HttpResponseBase:
        """Read what was used and what it cost. Members get their own, admins all. `format`: also csv and jsonl."""
        query = read(UsageQuery, request.query_params)
        organization: UUID = query["organization"]
        if not Organization.objects.visible_to(caller(request)).filter(pk=organization).exists():
            raise NotFound
        rows, total = report(caller(request), asked_of(query))
        match query["format"]:
            case "csv":
                return _file(as_csv(rows, query["by"]), "text/csv; charset=utf-8", "usage.csv")
            case "jsonl":
                return _file(as_lines(rows), "application/x-ndjson", "usage.jsonl")
        return Response({"results": [row.told for row in rows], "totals": total.told})


def asked_of(query: dict[str, Any]) -> Asked:
    """What a report is asked for. Raises Invalid."""
    organization: UUID = query["organization"]
    last = query.get("to") or zones.today(organization)
    first = query.get("from") or last - timedelta(days=DAYS - 1)
    if first > last:
        raise refuse("from", "Expected a day that is not after `to`.")
    if (last - first).days >= MOST_DAYS:
        raise refuse("from", f"Expected {MOST_DAYS} days at most. Ask for a later day, or for several files.")
    return Asked(organization, first, last, query["by"])


def as_lines(rows: Sequence[Row]) -> str:
    """JSON, a row a line."""
    return "".join(f"{json.dumps(row.told)}\n" for row in rows)


def as_csv(rows: Sequence[Row], by: Sequence[str]) -> str:
    """A table; its first line says what the columns are, whether there are rows or not."""
    file = io.StringIO()
    table = csv.writer(file)
    named = [f"{each}_name" for each in ("project", "user", "key") if each in by]
    header = [*by, *named, *(name for name in Row({}).told if name != "cost"), "cost", "currency"]
    table.writerow(header)
    for row in rows:
        told = row.told
        cost = told.pop("cost") or {"amount": "", "currency": ""}
        flat = {**told, "cost": cost["amount"], "currency": cost["currency"]}
        table.writerow([_cell(flat[name]) if name in row.key else flat[name] for name in header])
    return file.getvalue()


def _cell(value: str | None) -> str:
    """A text that no program takes for a formula."""
    text = value or ""
    return f"'{text}" if text.startswith(RISKY) else text


def _file(text: str, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
