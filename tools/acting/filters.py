"""What a list takes in its address: filters, search, order and pages, as the viewset's own backends say."""

from typing import Any

from rest_framework.filters import OrderingFilter

from tools.acting import filtersets
from tools.acting.actions import Action, model_of
from tools.acting.arguments import Argument, name_of
from tools.schema import JSONSchema

PAGE_SIZE_MAX = 100  # rows, where the viewset's pagination has no maximum of its own
TOLD = ("type", "enum", "items", "format", "default", "minimum", "maximum", "pattern", "minLength", "maxLength")
SIZES = (("page_size_query_param", "max_page_size"), ("limit_query_param", "max_limit"))
SEARCH_MAX_CHARS = 200


def query_of(action: Action, view: Any) -> list[Argument]:
    """The arguments of a list. An extra action has those that its @action names: filter_backends, pagination_class."""
    names_filters = not action.is_extra or "filter_backends" in action.options
    names_pages = not action.is_extra or "pagination_class" in action.options
    if action.method != "get" or (not action.is_extra and action.name != "list"):
        return []
    filters = [each() for each in getattr(view, "filter_backends", ())] if names_filters else []
    pages = getattr(view, "paginator", None) if names_pages else None
    found = [argument for backend in filters for argument in _of_filter(backend, view, action)]
    return found + (_of_pages(pages, view) if pages is not None else [])


def _of_filter(backend: Any, view: Any, action: Action) -> list[Argument]:
    """What the backend says of itself, by the method that REST framework has for this; one may say nothing."""
    parameters = _parameters(backend, view) or filtersets.parameters_of(backend, view, _rows(action))
    if isinstance(backend, OrderingFilter):
        orders = _orders(backend, view, action)
        return [_argument(each, {"enum": orders} if orders else {}) for each in parameters]
    if getattr(backend, "search_param", None) and not getattr(view, "search_fields", None):
        return []
    return [_argument(each, {}) for each in parameters]


def _of_pages(paginator: Any, view: Any) -> list[Argument]:
    largest = {getattr(paginator, size, None): getattr(paginator, most, None) or PAGE_SIZE_MAX for size, most in SIZES}
    found = []
    for each in _parameters(paginator, view):
        is_size = each["name"] in largest
        found.append(_argument(each, {"minimum": 1, "maximum": largest[each["name"]]} if is_size else {}))
    return found


def _parameters(source: Any, view: Any) -> list[dict[str, Any]]:
    describe = getattr(source, "get_schema_operation_parameters", None)
    return [each for each in (describe(view) if describe else []) if each.get("in", "query") == "query"]


def _argument(parameter: dict[str, Any], more: JSONSchema) -> Argument:
    told = parameter.get("schema") or {"type": "string"}
    schema = {word: told[word] for word in TOLD if word in told} | more
    if schema.get("type") == "string" and "enum" not in schema:
        schema.setdefault("maxLength", SEARCH_MAX_CHARS if parameter["name"] == "search" else 2_000)
    if text := str(parameter.get("description") or ""):
        schema["description"] = text
    return Argument(
        name=name_of(parameter["name"]),
        target=parameter["name"],
        place="query",
        schema=schema,
        is_required=bool(parameter.get("required")),
        is_joined=parameter.get("explode") is False,
    )


def _rows(action: Action) -> Any:
    """No rows, of the viewset's model: for backends that ask only what these would be."""
    model = model_of(action.viewset)
    return model._default_manager.none() if model else None


def _orders(backend: Any, view: Any, action: Action) -> list[str]:
    """The fields that the filter allows, in both directions; none where only a queryset could say them."""
    rows = _rows(action)
    if rows is None and getattr(view, "ordering_fields", backend.ordering_fields) in (None, "__all__"):
        return []
    names = [name for name, _ in backend.get_valid_fields(rows, view, {"request": view.request})]
    return [f"{sign}{name}" for name in names for sign in ("", "-")]
