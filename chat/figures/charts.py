"""Charts as SVG: pure functions from rows to text. Colours are classes, numbers are attributes, nothing is script.

A chart has a name and a description for who does not see it, and each bar a title. The same rows belong in a table
under it: a picture alone is no answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.figures.words import count, short

SERIES = 6  # colours; the last is for all the rest
WIDTH, HEIGHT = 960, 240
NARROW = 520  # of a chart that stands beside another: its letters are larger then
LEFT, BOTTOM, TOP = 56, 24, 8  # room for the scales
BAR = 26  # height of a row of bars
NAMES = 260  # room for their names


@dataclass(frozen=True)
class Stack:
    """One day: what each series had of it."""

    day: date
    values: Sequence[int]


@dataclass(frozen=True)
class Hour:
    """One hour, by when it began where the reader is: what each series had of it. None: nothing is known."""

    at: datetime
    values: Sequence[int | None]


@dataclass(frozen=True)
class Bar:
    """One name and its value."""

    name: str
    value: int


def by_day(days: Sequence[Stack], series: Sequence[str], *, id: str, title: str) -> SafeString:
    """Stacked bars, one a day; a legend names the series."""
    columns = [_Column(str(each.day), f"{each.day:%m-%d}", each.values) for each in days]
    kinds = [f"s{min(number, SERIES - 1)}" for number in range(len(series))]
    return _stacked(columns, series, kinds, id, title, _described(days, series), WIDTH)


def by_hour(hours: Sequence[Hour], series: Sequence[str], kinds: Sequence[str], *, id: str, title: str) -> SafeString:
    """Stacked bars, one an hour; `kinds` are the classes that colour them."""
    columns = [_Column(_hour(each), f"{each.at:%H}", [value or 0 for value in each.values]) for each in hours]
    most = max(columns, key=lambda each: sum(each.values))
    said = _("%(count)s hours up to now, of %(names)s. The most was %(most)s, at %(hour)s.") % {
        "count": len(hours), "names": ", ".join(series), "most": count(sum(most.values)), "hour": most.name,
    }  # fmt: skip
    return _stacked(columns, series, kinds, id, title, said, NARROW)


def lines(
    hours: Sequence[Hour], series: Sequence[str], *, id: str, title: str, said: Callable[[int], str]
) -> SafeString:
    """A line for each series, with a gap where nothing is known; `said` writes a value."""
    most = max((value for each in hours for value in each.values if value is not None), default=0)
    top, step = _round_up(most), (NARROW - LEFT) / max(1, len(hours))
    drawn = [_line(hours, number, name, step, top, said) for number, name in enumerate(series)]
    marks = [_mark(f"{each.at:%H}", index, step) for index, each in enumerate(hours)]
    told = _("%(count)s hours up to now, of %(names)s. The most was %(most)s.") % {
        "count": len(hours), "names": ", ".join(series), "most": said(most),
    }  # fmt: skip
    picture = _svg(id, title, told, (NARROW, HEIGHT), [_scale(top, NARROW, said), *drawn, *marks])
    kinds = [f"s{number}" for number in range(len(series))]
    return format_html("{}{}", picture, _legend(series, kinds))


def bars(rows: Sequence[Bar], *, id: str, title: str) -> SafeString:
    """One bar a row, the longest first."""
    ordered = sorted(rows, key=lambda row: -row.value)
    most = max((row.value for row in ordered), default=0) or 1
    room = WIDTH - NAMES - 80
    drawn = [(_bar(row, index, max(2, row.value * room // most)),) for index, row in enumerate(ordered)]
    said = "; ".join(f"{row.name}: {short(row.value)}" for row in ordered)
    return _svg(id, title, said, (WIDTH, max(1, len(ordered)) * BAR), [format_html_join("", "{}", drawn)])


def _svg(id: str, title: str, description: str, size: tuple[int, int], inside: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" role="img" aria-labelledby="{id}-title {id}-desc" viewBox="0 0 {width} {height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{inside}</svg>',
        id=id, width=size[0], height=size[1], title=title, description=description,
        inside=format_html_join("", "{}", ((each,) for each in inside)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Column:
    """A stack as it is drawn."""

    name: str
    mark: str  # under it, where there is room
    values: Sequence[int]


def _stacked(
    columns: Sequence[_Column], series: Sequence[str], kinds: Sequence[str], id: str, title: str, said: str, width: int
) -> SafeString:
    top = _round_up(max((sum(each.values) for each in columns), default=0))
    step = (width - LEFT) / max(1, len(columns))
    drawn = [_column(each, series, kinds, index, step, top) for index, each in enumerate(columns)]
    picture = _svg(id, title, said, (width, HEIGHT), [_scale(top, width), *drawn])
    return format_html("{}{}", picture, _legend(series, kinds))


def _column(
    column: _Column, series: Sequence[str], kinds: Sequence[str], index: int, step: float, top: int
) -> SafeString:
    """The column's bars, from the ground up, and every so often its mark."""
    parts: list[tuple[object, ...]] = []
    ground: float = HEIGHT - BOTTOM
    left, width = round(LEFT + index * step + step * 0.1, 1), round(step * 0.8, 1)
    for kind, name, value in zip(kinds, series, column.values, strict=True):
        tall = round(value / top * (HEIGHT - BOTTOM - TOP), 1)
        if value and tall >= 0.1:
            ground = round(ground - tall, 1)
            said = f"{column.name}, {name}: {count(value)}"
            parts.append((kind, str(left), str(ground), str(width), str(tall), said))
    drawn = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', parts
    )
    return format_html("{}{}", drawn, _mark(column.mark, index, step))


def _line(
    hours: Sequence[Hour], number: int, name: str, step: float, top: int, said: Callable[[int], str]
) -> SafeString:
    """The series' line in pieces, and a dot with its value at each hour."""
    dots: list[tuple[object, ...]] = []
    pieces: list[tuple[object, ...]] = []
    known = [(index, each, each.values[number]) for index, each in enumerate(hours)]
    for is_known, piece in groupby(known, key=lambda each: each[2] is not None):
        places = [(*_place(index, value or 0, step, top), f"{_hour(each)}, {name}: {said(value or 0)}")
                  for index, each, value in piece if is_known]  # fmt: skip
        dots += [(f"s{number}", x, y, told) for x, y, told in places]
        pieces += [(f"l{number}", " ".join(f"{x},{y}" for x, y, _told in places))] if places else []
    return format_html(
        "{}{}",
        format_html_join("", '<polyline class="{}" points="{}"/>', pieces),
        format_html_join("", '<circle class="{}" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>', dots),
    )


def _place(index: int, value: int, step: float, top: int) -> tuple[str, str]:
    y = HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP)
    return str(round(LEFT + index * step + step / 2, 1)), str(round(y, 1))


def _hour(hour: Hour) -> str:
    return f"{hour.at:%Y-%m-%d %H:%M}"


def _mark(text: str, index: int, step: float) -> SafeString:
    every = max(1, round(56 / step))
    if index % every:
        return SafeString("")
    middle = str(round(LEFT + index * step + step / 2, 1))
    return format_html('<text x="{}" y="{}" text-anchor="middle">{}</text>', middle, HEIGHT - 6, text)


def _scale(top: int, width: int, said: Callable[[int], str] = short) -> SafeString:
    rows = []
    for part in range(5):
        y = round(HEIGHT - BOTTOM - part / 4 * (HEIGHT - BOTTOM - TOP), 1)
        rows.append((LEFT, str(y), width, str(y), LEFT - 6, str(y + 4), said(top * part // 4)))
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


def _legend(series: Sequence[str], kinds: Sequence[str]) -> SafeString:
    key = (
        '<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
        '<rect class="{}" width="12" height="12"/></svg> {}</li>'
    )
    return format_html('<ul class="legend">{}</ul>', format_html_join("", key, zip(kinds, series, strict=True)))


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
