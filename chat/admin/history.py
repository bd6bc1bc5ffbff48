"""What all these pages share: rows that the program writes are shown, found and never changed by hand."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
    RowPaginator = Paginator[Any]
else:
    ModelAdmin, RowPaginator = admin.ModelAdmin, Paginator

MAX_COUNT = 10_001


class BoundedPaginator(RowPaginator):
    """Counts no further than 10,001 rows: a list of millions costs what a list of thousands does."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or 10,001 for more."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MAX_COUNT].count())


class History(ModelAdmin):
    """A table to look at. A row is found by its exact id, or by what `search_fields` says."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    id_fields: tuple[str, ...] = ("id",)  # that hold a UUID and are searched for one
    heavy_fields: tuple[str, ...] = ()  # not read for lists

    class Media:
        css: Mapping[str, tuple[str, ...]] = {"all": ("chat/admin.css",)}

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one here: that would leave messages, events and counts that do not agree."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows, without what is large."""
        return super().get_queryset(request).defer(*self.heavy_fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id finds its row by the index; anything else is taken whole, as the beginning of a searched text."""
        text = search_term.strip()
        if not text:
            return queryset, False
        id = _uuid(text)
        lookups = dict.fromkeys(self.id_fields, id) if id else {_lookup(each): text for each in self.search_fields}
        wanted = Q()
        for lookup, value in lookups.items():
            wanted |= Q(**{lookup: value})
        return queryset.filter(wanted), False


def _lookup(field: str) -> str:
    """`^name` is the beginning of a name, `=name` the whole."""
    return f"{field[1:]}__{'istartswith' if field.startswith('^') else 'iexact'}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
