"""What was used: by day with charts, and turn by turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import F, Model, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_lists import View
from accounts.http.queries import whole_number
from accounts.models import Project, User
from chat.admin import filters
from chat.admin.history import History
from chat.admin.markup import TOKEN_HEADERS, number, table
from chat.figures import charts, costs
from chat.figures.words import count
from chat.models import UsageDay, UsageDayBefore, UsageName, UsageRecord

SHOWN_COUNTS = ("input", "cached", "output")
COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
MONEY = ("cost_nanos", "priced_tokens")
SHOWN_NAMES = 10  # of projects and people
DEFAULT_DAYS = 30
MAX_DAYS = 366  # in a chart
MOST_BARS = 60  # of days; more days than that are drawn and told by the week


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
        for place, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("%(count)s days") % {"count": DEFAULT_DAYS}} if place == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Days since then."""
        return queryset.filter(day__gt=timezone.localdate() - timedelta(days=days_of(self.value())))


def days_of(value: str | None) -> int:
    """The number of days that an address asks for."""
    asked = whole_number(value)
    return DEFAULT_DAYS if asked is None else min(max(asked, 1), MAX_DAYS)


class Counted(History):
    """Rows of token counts: the numbers in full, and what they cost where prices are known."""

    hides_deleted = False  # what was used was used

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """With the cost last, where there is a price."""
        return [*self.list_display, *(["cost"] if costs.known() else [])]

    @admin.display(description=gettext_lazy("Input"), ordering="input_tokens")
    def input(self, row: Any) -> SafeString:
        """All input tokens."""
        return number(row.input_tokens)

    @admin.display(description=gettext_lazy("of it cached"), ordering="cached_tokens")
    def cached(self, row: Any) -> SafeString:
        """Those that came from the provider's cache."""
        return number(row.cached_tokens)

    @admin.display(description=gettext_lazy("Output"), ordering="output_tokens")
    def output(self, row: Any) -> SafeString:
        """All output tokens."""
        return number(row.output_tokens)

    @admin.display(description=gettext_lazy("Cost"))
    def cost(self, row: Any) -> SafeString:
        """What was kept, else by the price of its model."""
        if isinstance(row, UsageRecord):
            return number(costs.cost_of([costs.used(row)]))
        counts = (row.input_tokens, row.cached_tokens, row.output_tokens, row.cost_nanos, row.priced_tokens)
        return number(costs.cost_of([costs.Used(row.model, *counts)]))


@admin.register(UsageDay)
class UsageDayAdmin(Counted):
    list_display = ("day", "organization", "project", "user", "model", "runs", "failed", *SHOWN_COUNTS)
    list_filter = (Days, filters.Model, "purpose")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    search_help_text = gettext_lazy(
        "An id (of a person, project or organization), or the beginning of a name or e-mail"
    )
    id_fields = ("user_id", "project_id", "organization_id", "api_key_id")
    list_per_page = 25  # they stand under the charts
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
    summed = (*COUNTS, "runs", "failed", *MONEY)
    daily = list(rows.values_list("day", "model").annotate(*(Sum(name) for name in summed)))
    models, used = _by_model(daily), _used_by(rows)
    series = _series([each.bar for each in models])
    step = 1 if days <= MOST_BARS else 7
    stretches = _stretches(daily, step)
    title = _("Tokens by day and model") if step == 1 else _("Tokens by week and model")
    return {
        "title_of_days": title,
        "daily": charts.by_day(_stacks(stretches, series, days, step), series, id="by-day", title=title),
        "daily_table": _daily_table(stretches, title),
        "in_all": _in_all(daily),
        "parts": [
            _named(models, "by-model", _("Tokens by model")),
            _named(_top(used, 1, Project, "name"), "by-project", _("Tokens by project")),
            _named(_top(used, 2, User, "email"), "by-user", _("Tokens by person")),
        ],
    }


@admin.register(UsageDayBefore)
class UsageDayBeforeAdmin(History):
    is_plumbing = True
    list_display = ("day", "organization", "project", "user", "model", "runs", "failed")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    id_fields = ("user_id", "project_id", "organization_id")


@admin.register(UsageName)
class UsageNameAdmin(History):
    is_plumbing = True
    list_display = ("name", "id", "gone_at")
    search_fields = ("^name",)
    id_fields = ("id",)


@admin.register(UsageRecord)
class UsageRecordAdmin(Counted):
    list_display = (
        "created_at",
        "user",
        "project",
        "model",
        "door",
        "purpose",
        "turn",
        *SHOWN_COUNTS,
        "total",
        "status",
    )
    list_filter = ("created_at", filters.Model, "status", "purpose")
    list_select_related = ("user", "organization", "project")
    search_fields = ("^user__email", "^project__name", "^organization__name")
    search_help_text = gettext_lazy(
        "An id (of a run, chat, user, project or organization), or the beginning of a name or e-mail"
    )
    id_fields = ("run_id", "run__chat_id", "user_id", "project_id", "organization_id", "api_key_id")
    ordering = ("-id",)
    change_list_template = "admin/chat/usagerecord/change_list.html"

    @admin.display(description=gettext_lazy("Total"))
    def total(self, record: UsageRecord) -> SafeString:
        """Input and output together."""
        return number(record.input_tokens + record.output_tokens)

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The list, with the sums by model of all that the filters leave above it."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            shown["sums"] = sums_by_model(shown["cl"].queryset)
        return response


def sums_by_model(records: QuerySet[UsageRecord]) -> SafeString:
    """Tokens of these records, a row a model and one for all."""
    is_kept = Q(cost_nanos__isnull=False, currency=settings.OPENAI_PRICES_CURRENCY)
    paid_for = {
        "nanos": Sum("cost_nanos", filter=is_kept, default=0),
        "priced": Sum(F("input_tokens") + F("output_tokens"), filter=is_kept, default=0),
    }
    sums = {name: Sum(name) for name in COUNTS}
    rows: list[dict[str, Any]] = [dict(row) for row in records.order_by().values("model").annotate(**paid_for, **sums)]
    rows.sort(key=lambda row: -(row["input_tokens"] + row["output_tokens"]))
    counted = ("model", "input_tokens", "cached_tokens", "output_tokens", "nanos", "priced")
    priced = [costs.Used(*(row[name] for name in counted)) for row in rows]
    paid: list[costs.Cost] = [costs.cost_of([each]) for each in priced]
    if len(rows) > 1:
        rows.append({"model": _("All")} | {name: sum(row[name] for row in rows) for name in COUNTS})
        paid.append(costs.cost_of(priced))
    shown = [(row["model"], *_cells(row), cost) for row, cost in zip(rows, paid, strict=True)]
    return _money_table((_("Model"), *TOKEN_HEADERS, _("Cost")), shown)


@dataclass(frozen=True)
class Named:
    """What one model, project or person used."""

    bar: charts.Bar
    cost: costs.Cost


def _cells(row: dict[str, Any]) -> list[str]:
    total = row["input_tokens"] + row["output_tokens"]
    return [count(each) for each in (*(row[name] for name in COUNTS), total)]


def _by_model(daily: Sequence[Any]) -> list[Named]:
    """The models with the most tokens first."""
    parts: dict[str, list[Any]] = {}
    for _day, model, *counts in daily:
        parts.setdefault(model, []).append((*counts[:3], *counts[6:]))
    sums = {model: [sum(column) for column in zip(*each, strict=True)] for model, each in parts.items()}
    named = [
        Named(charts.Bar(model, each[0] + each[2]), costs.cost_of([costs.Used(model, *each)]))
        for model, each in sums.items()
    ]
    return sorted(named, key=lambda each: -each.bar.value)


def _in_all(daily: Sequence[Any]) -> str:
    """Tokens, cost and runs of all of it, in a sentence."""
    tokens, runs, failed = (sum(column) for column in zip((0, 0, 0), *_summable(daily), strict=True))
    said = _("%(tokens)s tokens in %(runs)s runs, %(failed)s of them failed") % {
        "tokens": count(tokens), "runs": count(runs), "failed": count(failed),
    }  # fmt: skip
    cost = costs.cost_of(costs.Used(model, *counts[:3], *counts[6:]) for _day, model, *counts in daily)
    return f"{said}; {cost}" if costs.known() else said


def _summable(daily: Sequence[Any]) -> list[tuple[int, int, int]]:
    return [(counts[0] + counts[2], counts[4], counts[5]) for _day, _model, *counts in daily]


def _series(models: Sequence[charts.Bar]) -> list[str]:
    """The names that get a colour: the largest, and one for all others."""
    names = [bar.name for bar in models]
    return names if len(names) <= charts.SERIES else [*names[: charts.SERIES - 1], _("others")]


def _stretches(daily: Sequence[Any], step: int) -> list[Any]:
    """The same rows, added up by stretches of so many days; the last one ends today."""
    if step == 1:
        return list(daily)
    starts = {day: _start(day, step) for day in {row[0] for row in daily}}
    parts: dict[tuple[date, str], list[Any]] = {}
    for day, model, *counts in daily:
        parts.setdefault((starts[day], model), []).append(counts)
    return [(*key, *map(sum, zip(*each, strict=True))) for key, each in parts.items()]


def _start(day: date, step: int) -> date:
    """The first day of the stretch that this day is in."""
    today = timezone.localdate()
    return today - timedelta(days=((today - day).days // step + 1) * step - 1)


def _stacks(rows: Sequence[Any], series: Sequence[str], days: int, step: int) -> list[charts.Stack]:
    """Each stretch of the period, those without use too."""
    places = {name: index for index, name in enumerate(series)}
    first = _start(timezone.localdate() - timedelta(days=days - 1), step)
    values = {first + timedelta(days=back): [0] * len(series) for back in range(0, days, step)}
    for day, model, input_tokens, _cached, output_tokens, *_rest in rows:
        if day in values:
            values[day][places.get(model, len(series) - 1)] += input_tokens + output_tokens
    return [charts.Stack(day, each) for day, each in values.items()]


def _daily_table(daily: Sequence[Any], caption: str) -> SafeString:
    ordered = sorted(daily, key=lambda row: (row[0], row[2] + row[4]), reverse=True)
    rows = [
        (day, model, *map(count, counts[:6]), costs.cost_of([costs.Used(model, *counts[:3], *counts[6:])]))
        for day, model, *counts in ordered
    ]
    headers = (_("Day"), _("Model"), *TOKEN_HEADERS[:4], _("Runs"), _("Failed"), _("Cost"))
    return _money_table(headers, rows, caption=caption)


def _used_by(rows: QuerySet[UsageDay]) -> list[tuple[Any, ...]]:
    """(model, project's id, person's id, input, cached, output, cost and its tokens): one look for all who used them.

    By model first: SQLite would go through all rows by the index of a project or a person, whatever their day.
    """
    return list(
        rows.values_list("model", "project_id", "user_id").annotate(*(Sum(name) for name in (*COUNTS[:3], *MONEY)))
    )


def _top(used: Sequence[tuple[Any, ...]], place: int, table: type[Model], name: str) -> list[Named]:
    """The largest by what stands at this place of the rows."""
    parts: dict[Any, list[Any]] = {}
    for row in used:
        parts.setdefault(row[place], []).append(costs.Used(row[0], *row[3:]))
    totals = {key: sum(row.input + row.output for row in each) for key, each in parts.items()}
    largest = sorted(totals, key=lambda key: -totals[key])[:SHOWN_NAMES]
    names = dict(table._default_manager.order_by().filter(pk__in=largest).values_list("pk", name))
    return [
        Named(charts.Bar(names.get(key, _("No project")), totals[key]), costs.cost_of(parts[key])) for key in largest
    ]


def _named(rows: list[Named], id: str, title: str) -> dict[str, Any]:
    shown = rows[:SHOWN_NAMES]
    cells = [(row.bar.name, count(row.bar.value), row.cost) for row in shown]
    return {
        "title": title,
        "chart": charts.bars([row.bar for row in shown], id=id, title=title),
        "table": _money_table((_("Name"), _("Tokens"), _("Cost")), cells, caption=title),
    }


def _money_table(headers: Sequence[object], rows: Sequence[Sequence[object]], *, caption: str = "") -> SafeString:
    """A table whose last column is money; without that column where no price is known."""
    end = None if costs.known() else -1
    return table(headers[:end], [row[:end] for row in rows], caption=caption, numbers=len(headers[:end]) - 1)
