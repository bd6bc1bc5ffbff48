"""What was used: by day with charts, and turn by turn."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import F, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_lists import View
from chat.admin import charts, filters
from chat.admin.history import History
from chat.admin.markup import TOKEN_HEADERS, table
from chat.models import UsageDay, UsageRecord

COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
TOTAL = Sum(F("input_tokens") + F("output_tokens"), default=0)
SHOWN_NAMES = 10  # of projects and people
DEFAULT_DAYS = 30
MAX_DAYS = 366  # in a chart


class Days(SimpleListFilter):
    """How far back. Without a choice it is a month: a list of years is of no use, and slow."""

    title, parameter_name = gettext_lazy("period"), "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Numbers of days, today included."""
        return [
            ("1", gettext_lazy("Today")),
            ("7", gettext_lazy("7 days")),
            ("90", gettext_lazy("90 days")),
            (str(MAX_DAYS), gettext_lazy("A year")),
        ]

    def choices(self, changelist: Any) -> Any:
        """The same, the month in the place of all."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("%(count)s days") % {"count": DEFAULT_DAYS}} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Days since then."""
        return queryset.filter(day__gt=timezone.localdate() - timedelta(days=days_of(self.value())))


def days_of(value: str | None) -> int:
    """The number of days that an address asks for."""
    asked = int(value) if value and value.isascii() and value.isdigit() else DEFAULT_DAYS
    return min(max(asked, 1), MAX_DAYS)


@admin.register(UsageDay)
class UsageDayAdmin(History):
    list_display = ("day", "organization", "project", "user", "model", "runs", "failed", *COUNTS)
    list_filter = (Days, filters.Model)
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    search_help_text = gettext_lazy(
        "An id (of a person, project or organization), or the beginning of a name or e-mail"
    )
    id_fields = ("user_id", "project_id", "organization_id")
    change_list_template = "admin/chat/usageday/change_list.html"
    views = (
        View(gettext_lazy("Today"), "days=1"),
        View(gettext_lazy("7 days"), "days=7"),
        View(gettext_lazy("Mine"), "user__id__exact={user}"),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The list, under charts and tables of all that the filters leave."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            shown.update(figures(shown["cl"].queryset, days_of(request.GET.get("days"))))
        return response


def figures(rows: QuerySet[UsageDay], days: int) -> dict[str, Any]:
    """Charts and tables of these rows, for the template."""
    rows = rows.order_by()
    daily = list(rows.values_list("day", "model").annotate(*(Sum(name) for name in COUNTS), Sum("runs"), Sum("failed")))
    models = _sums(((model, counts[0] + counts[2]) for _day, model, *counts in daily))
    series = _series(models)
    since = timezone.localdate() - timedelta(days=days - 1)
    title = _("Tokens by day and model")
    return {
        "daily": charts.by_day(_stacks(daily, series, since, days), series, id="by-day", title=title),
        "daily_table": _daily_table(daily, title),
        "by_model": _named(models, "by-model", _("Tokens by model")),
        "by_project": _named(_top(rows, "project__name"), "by-project", _("Tokens by project")),
        "by_user": _named(_top(rows, "user__email"), "by-user", _("Tokens by person")),
    }


@admin.register(UsageRecord)
class UsageRecordAdmin(History):
    list_display = ("created_at", "user", "project", "model", "turn", *COUNTS, "total", "status")
    list_filter = ("created_at", filters.Model, "status")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    search_help_text = gettext_lazy(
        "An id (of a run, chat, user, project or organization), or the beginning of a name or e-mail"
    )
    id_fields = ("run_id", "run__chat_id", "user_id", "project_id", "organization_id")
    ordering = ("-id",)
    change_list_template = "admin/chat/usagerecord/change_list.html"

    @admin.display(description=gettext_lazy("Total"))
    def total(self, record: UsageRecord) -> str:
        """Input and output together."""
        return f"{record.input_tokens + record.output_tokens:,}"

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The list, with the sums by model of all that the filters leave above it."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            shown["sums"] = sums_by_model(shown["cl"].queryset)
        return response


def sums_by_model(records: QuerySet[UsageRecord]) -> SafeString:
    """Tokens of these records, a row a model and one for all."""
    sums = {name: Sum(name) for name in COUNTS}
    rows: list[dict[str, Any]] = [dict(row) for row in records.order_by().values("model").annotate(**sums)]
    rows.sort(key=lambda row: -(row["input_tokens"] + row["output_tokens"]))
    if len(rows) > 1:
        rows.append({"model": _("All")} | {name: sum(row[name] for row in rows) for name in COUNTS})
    return table((_("Model"), *TOKEN_HEADERS), [(row["model"], *_cells(row)) for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    total = row["input_tokens"] + row["output_tokens"]
    return [f"{count:,}" for count in (*(row[name] for name in COUNTS), total)]


def _sums(pairs: Any) -> list[charts.Bar]:
    sums: dict[str, int] = {}
    for name, value in pairs:
        sums[name] = sums.get(name, 0) + value
    return sorted((charts.Bar(name, value) for name, value in sums.items()), key=lambda bar: -bar.value)


def _series(models: Sequence[charts.Bar]) -> list[str]:
    """The names that get a colour: the largest, and one for all others."""
    names = [bar.name for bar in models]
    return names if len(names) <= charts.SERIES else [*names[: charts.SERIES - 1], _("others")]


def _stacks(daily: Sequence[Any], series: Sequence[str], since: date, days: int) -> list[charts.Stack]:
    """Each day of the period, those without use too."""
    places = {name: index for index, name in enumerate(series)}
    values = {since + timedelta(days=number): [0] * len(series) for number in range(days)}
    for day, model, first, _cached, output, *_rest in daily:
        if day in values:
            values[day][places.get(model, len(series) - 1)] += first + output
    return [charts.Stack(day, each) for day, each in values.items()]


def _daily_table(daily: Sequence[Any], caption: str) -> SafeString:
    ordered = sorted(daily, key=lambda row: (row[0], row[2] + row[4]), reverse=True)
    rows = [(day, model, *(f"{count:,}" for count in counts)) for day, model, *counts in ordered]
    headers = (_("Day"), _("Model"), *TOKEN_HEADERS[:4], _("Runs"), _("Failed"))
    return table(headers, rows, caption=caption)


def _top(rows: QuerySet[UsageDay], name: str) -> list[charts.Bar]:
    found = rows.values_list(name).annotate(total=TOTAL).order_by("-total")[:SHOWN_NAMES]
    return [charts.Bar(shown or _("No project"), total) for shown, total in found]


def _named(rows: list[charts.Bar], id: str, title: str) -> dict[str, Any]:
    shown = rows[:SHOWN_NAMES]
    return {
        "title": title,
        "chart": charts.bars(shown, id=id, title=title),
        "table": table((_("Name"), _("Tokens")), [(row.name, f"{row.value:,}") for row in shown], caption=title),
    }
