"""What all lists of the admin share: bounded counts, searches that an index answers, and saved views as tabs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst

from accounts.folding import FOLDED, forms, has, is_folded

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
    RowPaginator = Paginator[Any]
else:
    ModelAdmin, RowPaginator = admin.ModelAdmin, Paginator

MAX_COUNT = 10_001
# What people said or wrote, and what opens something: no address filters by it, as that would tell it letter by letter.
CONTENT = {
    "title",
    "summary",
    "metadata",
    "content",
    "body",
    "prompt",
    "parts",
    "attachments",
    "request",
    "options",
    "arguments",
    "result",
}
CONTENT |= {"error", "error_message", "provider_error", "description", "events", "answer", "body_hash"}
CONTENT |= {"sha256", "text_error"}  # of an attachment: a checksum tells who has a file that one has too
CONTENT |= {"text", "pages", "sha256"}  # of a document of knowledge, and what it can be known by
CONTENT |= {"definition", "answers"}  # what a model is told at a workflow's steps, and what people answered there
CONTENT |= {"tone", "about"}  # what a person lets models know of them
CONTENT |= {"schema", "annotations", "approved", "discovered"}  # what a server elsewhere says of itself
CONTENT |= {"data"}  # what was sent to a model; what a hold keeps
CONTENT |= {"comment", "quote"}  # what a person said of an answer, and what of it
CONTENT |= {"reason"}  # why there is a hold on somebody
CONTENT |= {"object_repr"}  # what a row was called: older versions kept titles there
SECRETS = {"password", "token", "token_hash", "key_hash", "secret", "assertion_secret", "assertion_hash", "session_key"}
SECRETS |= {"value"}  # of a project's secret
SECRETS |= {"client_secret", "authority", "access_token", "refresh_token"}  # at an MCP server
SECRETS |= {"old_secret", "url"}  # of a webhook: its address may hold one
NOT_FILTERS = {"p", "o", "all", "_facets"}  # what else a list's address may carry


class BoundedPaginator(RowPaginator):
    """Counts no further than 10,001 rows: a list of millions costs what a list of thousands does."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, or 10,001 for more."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MAX_COUNT].count())

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than were counted."""
        return self.count >= MAX_COUNT


class View(NamedTuple):
    """A saved view: a tab above a list. A filter is an address, so it can go into a ticket."""

    name: Any  # translated as it is shown
    query: str  # "{user}" stands for the id of who looks


class Lookups(ModelAdmin):
    """A list in which a row is found by its exact id, or as `search_fields` says: `^` a beginning, `=` the whole."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    change_list_template = "admin/list.html"
    id_fields: tuple[str, ...] = ("id",)  # that hold a UUID and are searched for one
    heavy_fields: tuple[str, ...] = ()  # not read for lists
    views: tuple[View, ...] = ()
    is_plumbing = False  # nobody looks here first: folded away on the first screen
    row_actions: tuple[str, ...] = ()  # of the list's actions, those that a row's own page has as buttons
    spoken_by: tuple[str, ...] = ()  # the columns that name a row, where its own text is in English

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows, without what is large."""
        return super().get_queryset(request).defer(*self.heavy_fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id finds its row by the index; anything else is taken whole, as the beginning of a searched text."""
        text = search_term.strip().replace("\x00", "")
        if not text:
            return queryset, False
        id = as_uuid(text) if self.id_fields else None
        wanted = Q()
        for each in self.id_fields if id else self.search_fields:
            wanted |= Q(**{each: id}) if id else _found(queryset.model, each, text)
        return queryset.filter(wanted), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether an address may filter by it: not by what the pages hide."""
        if (CONTENT | SECRETS) & {each.removesuffix(FOLDED) for each in lookup.split("__")}:
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """The list, with its saved views."""
        shown = {"saved_views": _tabs(request, self.views), "title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def spoken(self, row: Model) -> str:
        """What a row is called, in the reader's language."""
        return " · ".join(_shown(row, name) for name in self.spoken_by) or str(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """A row's page; its title and its breadcrumb call it so."""
        if obj:
            context["spoken"] = self.spoken(obj)
            context["subtitle"] = context["subtitle"] and context["spoken"]
            allowed = self.get_actions(request)
            context["row_actions"] = [each[1:] for name in self.row_actions if (each := allowed.get(name))]
        return super().render_change_form(request, context, add, change, form_url, obj)


class StillThere(ModelAdmin):
    """Rows that were not deleted: what is put away until a hold is released is shown to nobody."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that are in answers, too."""
        return super().get_queryset(request).filter(deleted_at=None)


class ReadOnly(Lookups):
    """Rows that the program writes: to look at, and to delete in need."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes one."""
        return False


def _shown(row: Model, name: str) -> str:
    """A column's value, a choice in words."""
    in_words = getattr(row, f"get_{name}_display", None)
    return str(in_words() if in_words else getattr(row, name))


def as_uuid(text: str) -> UUID | None:
    """The id that this is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _found(model: type[Model], field: str, text: str) -> Q:
    """Rows whose field has the text at its beginning, or is it: folded where it is kept so, else as likely written."""
    name, lookup = field.lstrip("^="), "startswith" if field.startswith("^") else "exact"
    wanted = has(name, text, lookup=lookup) if is_folded(model, name) else Q()
    for each in forms(text):
        lookup, value = _lookup(field, each)
        wanted |= Q(**{lookup: value})
    return wanted


def _lookup(field: str, text: str) -> tuple[str, str]:
    """`^name` is the beginning of a name, `=name` the whole. Addresses are in lower case: an index finds them."""
    name = field.lstrip("^=")
    if name.endswith("email"):
        return f"{name}__startswith" if field.startswith("^") else name, text.lower()
    return f"{name}__{'istartswith' if field.startswith('^') else 'iexact'}", text


def _tabs(request: HttpRequest, views: Sequence[View]) -> list[dict[str, Any]]:
    shown = {name: value for name, value in request.GET.items() if name not in NOT_FILTERS}
    tabs = []
    for view in views:
        query = view.query.format(user=request.user.pk)
        tabs.append({"name": view.name, "query": query, "is_current": dict(parse_qsl(query)) == shown})
    return tabs
