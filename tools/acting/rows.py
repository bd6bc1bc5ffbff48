"""The rows that a person may see, and what of them is told: the bounds of every call."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, models
from django.db.models import Q

from accounts.models import User
from tools.acting.columns import Column, Filter
from tools.acting.requests import person_of
from tools.base import ToolContext
from tools.errors import RetryTool

PAGE_SIZE = 20  # rows
PAGE_SIZE_MAX = 100  # rows
DEEPEST = 10_000  # rows that lie before a page
COUNT_MAX = 1_000  # rows are counted so far
SEARCH_MAX_CHARS = 200
SEARCH_MAX_TERMS = 10
ROOM_BYTES = 48_000  # below max_result_bytes, so that a page ends between two rows

Rows = models.QuerySet[Any]
Visible = Callable[[Rows, User], Rows]


@dataclass(frozen=True)
class Window:
    """What two tools show of a table: whose rows, which columns, and by what they can be asked for."""

    rows: Callable[[], Rows]  # made anew for each call
    visible: Visible
    columns: tuple[str, ...]
    key: Column  # names a row
    filters: dict[str, Filter]
    search: tuple[str, ...]
    ordering: tuple[str, ...]  # of no order that is asked for
    one: str  # what a row is called

    def find(self, ctx: ToolContext, given: dict[str, Any]) -> dict[str, Any]:
        """One page of the rows that fit. Raises ToolFault."""
        page, size = given.get("page", 1), given.get("page_size", PAGE_SIZE)
        if (page - 1) * size > DEEPEST:
            raise RetryTool(f"page: at most {DEEPEST:,} rows are passed over; ask for fewer by a filter.")
        found = self._found(self._seen(ctx), given)
        asked = given.get("ordering")
        ordered = found.order_by(*((asked,) if asked else self.ordering), "pk").values(*self.columns)
        start = (page - 1) * size
        with _out_of_range_is_told():
            return _told(list(ordered[start : start + size + 1]), page, size, found[: COUNT_MAX + 1].count())

    def read(self, ctx: ToolContext, given: dict[str, Any]) -> Any:
        """The row of that key. Raises ToolFault: one that they may not see is as one that is not there."""
        wanted = Filter(self.key.path, self.key, "exact").value(given[self.key.path])
        with _out_of_range_is_told():
            row = self._seen(ctx).filter(**{self.key.path: wanted}).values(*self.columns).first()
        if row is None:
            raise RetryTool(f"{self.key.path}: there is no such {self.one} that the person you act for may see.")
        return _plain(row)

    def _seen(self, ctx: ToolContext) -> Rows:
        """The rows that the person may see, before anything that a model says. Asked anew in every call."""
        user = person_of(ctx)
        rows = self.rows()
        seen = self.visible(rows, user)
        plain = seen if seen.query.is_sliced else seen.order_by()
        # A row is in or out: joins of the rule make no row come twice, and nothing after this meets the rule's own.
        return rows.filter(pk__in=plain.values("pk"))

    def _found(self, rows: Rows, given: dict[str, Any]) -> Rows:
        asked = {name: each.value(given[name]) for name, each in self.filters.items() if name in given}
        return rows.filter(_search(self.search, given.get("search", "")), **asked)


def visible_by(rule: Callable[..., Any], *, takes_rows: bool) -> Visible:
    """The rule as one function. What it gives is looked at in every call: anything but rows or a Q is our bug."""

    def visible(rows: Rows, user: User) -> Rows:
        allowed = rule(rows, user) if takes_rows else rule(user)
        if isinstance(allowed, Q):
            return rows.filter(allowed)
        if isinstance(allowed, models.QuerySet) and allowed.model is rows.model:
            return allowed
        raise TypeError(f"visible gave a {type(allowed).__name__}, expected a Q or rows of {rows.model.__name__}")

    return visible


@contextmanager
def _out_of_range_is_told() -> Iterator[None]:
    """A value that the column's type has, and the database has no room for."""
    try:
        yield
    except (DataError, OverflowError):
        raise RetryTool("One of the values is out of the range of its column.") from None


def _search(paths: Sequence[str], text: str) -> Q:
    """Every word in one of the columns, in any case."""
    terms = text.split()
    if len(terms) > SEARCH_MAX_TERMS:
        raise RetryTool(f"search: at most {SEARCH_MAX_TERMS} words.")
    of_each = [reduce(or_, (Q(**{f"{path}__icontains": term}) for path in paths)) for term in terms]
    return reduce(and_, of_each, Q())


def _told(rows: list[dict[str, Any]], page: int, size: int, count: int) -> dict[str, Any]:
    fitting = _fitting([_plain(row) for row in rows[:size]])
    told: dict[str, Any] = {
        "rows": fitting,
        "page": page,
        "has_more": len(rows) > size,
        "count": count if count <= COUNT_MAX else f"more than {COUNT_MAX:,}",
    }
    if len(fitting) < min(size, len(rows)):
        told["truncated"] = f"Only the first {len(fitting)} of this page had room. Ask with a smaller page_size."
    return told


def _fitting(rows: list[Any]) -> list[Any]:
    """As many as there is room for; at least one."""
    fitting: list[Any] = []
    room = ROOM_BYTES
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False).encode(errors="replace"))
        if room < 0 and fitting:
            break
        fitting.append(row)
    return fitting


def _plain(row: dict[str, Any]) -> Any:
    """The row as JSON: dates, decimals and ids as texts."""
    return json.loads(json.dumps(row, cls=DjangoJSONEncoder))
