"""Charts as SVG: pure functions from rows to text. Colours are classes, numbers are attributes, nothing is script.

A chart has a name and a description for who does not see it, and each bar a title. The same rows belong in a table
under it: a picture alone is no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.admin.words import count, short

SERIES = 6  # colours; the last is for all the rest
WIDTH, HEIGHT = 960, 240
LEFT, BOTTOM, TOP = 56, 24, 8  # room for the scales
BAR = 26  # height of a row of bars
NAMES = 260  # room for their names


@dataclass(frozen=True)
class Stack:
    """One day: what each series had of it."""

    day: date
    values: Sequence[int]


@dataclass(frozen=True)
class Bar:
    """One name and its value."""

    name: str
    value: int


def by_day(days: Sequence[Stack], series: Sequence[str], *, id: str, title: str) -> SafeString:
    """Stacked bars, one a day; a legend names the series."""
    most = max((sum(each.values) for each in days), default=0)
    top = _round_up(most)
    step = (WIDTH - LEFT) / max(1, len(days))
    columns = [(_column(each, series, index, step, top),) for index, each in enumerate(days)]
    picture = _svg(id, title, _described(days, series), HEIGHT, [_scale(top), format_html_join("", "{}", columns)])
    return format_html("{}{}", picture, _legend(series))


def bars(rows: Sequence[Bar], *, id: str, title: str) -> SafeString:
    """One bar a row, the longest first."""
    ordered = sorted(rows, key=lambda row: -row.value)
    most = max((row.value for row in ordered), default=0) or 1
    room = WIDTH - NAMES - 80
    drawn = [(_bar(row, index, max(2, row.value * room // most)),) for index, row in enumerate(ordered)]
    said = "; ".join(f"{row.name}: {short(row.value)}" for row in ordered)
    return _svg(id, title, said, max(1, len(ordered)) * BAR, [format_html_join("", "{}", drawn)])


def _svg(id: str, title: str, description: str, height: int, inside: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="0 0 {width} {height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{inside}</svg>',
        id=id, width=WIDTH, height=height, title=title, description=description,
        inside=format_html_join("", "{}", ((each,) for each in inside)),
    )  # fmt: skip


def _column(stack: Stack, series: Sequence[str], index: int, step: float, top: int) -> SafeString:
    """The day's bars, from the ground up, and every so often its date."""
    parts: list[tuple[object, ...]] = []
    ground: float = HEIGHT - BOTTOM
    left, width = round(LEFT + index * step + step * 0.1, 1), round(step * 0.8, 1)
    for number, (name, value) in enumerate(zip(series, stack.values, strict=True)):
        tall = round(value / top * (HEIGHT - BOTTOM - TOP), 1)
        if value and tall >= 0.1:
            ground = round(ground - tall, 1)
            said = f"{stack.day}, {name}: {count(value)}"
            parts.append((f"s{min(number, SERIES - 1)}", str(left), str(ground), str(width), str(tall), said))
    drawn = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', parts
    )
    return format_html("{}{}", drawn, _date(stack.day, index, step))


def _date(day: date, index: int, step: float) -> SafeString | str:
    every = max(1, round(56 / step))
    if index % every:
        return ""
    middle = str(round(LEFT + index * step + step / 2, 1))
    return format_html('<text x="{}" y="{}" text-anchor="middle">{}</text>', middle, HEIGHT - 6, f"{day:%m-%d}")


def _scale(top: int) -> SafeString:
    rows = []
    for part in range(5):
        y = round(HEIGHT - BOTTOM - part / 4 * (HEIGHT - BOTTOM - TOP), 1)
        rows.append((LEFT, str(y), WIDTH, str(y), LEFT - 6, str(y + 4), short(top * part // 4)))
    return format_html_join(
        "",
        '<line class="scale" x1="{}" y1="{}" x2="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        rows,
    )


def _bar(row: Bar, index: int, length: int) -> SafeString:
    y = index * BAR
    name = row.name if len(row.name) <= 36 else f"{row.name[:35]}…"
    return format_html(
        '<g><title>{}: {}</title><text x="{}" y="{}" text-anchor="end">{}</text>'
        '<rect class="s0" x="{}" y="{}" width="{}" height="{}"/><text x="{}" y="{}">{}</text></g>',
        row.name, count(row.value), NAMES - 8, y + 17, name, NAMES, y + 4, length, BAR - 8,
        NAMES + length + 6, y + 17, short(row.value),
    )  # fmt: skip


def _legend(series: Sequence[str]) -> SafeString:
    key = (
        '<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
        '<rect class="{}" width="12" height="12"/></svg> {}</li>'
    )
    items = ((f"s{min(number, SERIES - 1)}", name) for number, name in enumerate(series))
    return format_html('<ul class="legend">{}</ul>', format_html_join("", key, items))


def _described(days: Sequence[Stack], series: Sequence[str]) -> str:
    if not days:
        return _("No days.")
    most = max(days, key=lambda each: sum(each.values))
    return _("%(days)s days from %(first)s to %(last)s, of %(names)s. The most was %(most)s, on %(day)s.") % {
        "days": len(days), "first": days[0].day, "last": days[-1].day, "names": ", ".join(series) or "-",
        "most": short(sum(most.values)), "day": most.day,
    }  # fmt: skip


def _round_up(value: int) -> int:
    """The top of the scale: 4, 8, 20, 40, 80, 200 ... at least the value; a quarter of it is a round number too."""
    size = 1
    while True:
        for top in (4 * size, 8 * size, 20 * size):
            if top >= value:
                return top
        size *= 10
