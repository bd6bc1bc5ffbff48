"""What a filter backend of django-filter takes. It says nothing of itself, so its filter set is read: no dependency."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms

from tools.schema import JSONSchema

Parameter = dict[str, Any]
KINDS: tuple[tuple[type[forms.Field], str], ...] = (
    (forms.NullBooleanField, "boolean"),
    (forms.BooleanField, "boolean"),
    (forms.FloatField, "number"),
    (forms.DecimalField, "number"),
    (forms.IntegerField, "integer"),
)
MANY = (forms.MultipleChoiceField, forms.ModelMultipleChoiceField)


def parameters_of(backend: Any, view: Any, rows: Any) -> list[Parameter]:
    """Its parameters as OpenAPI has them; none where the backend has no filter set."""
    ask = getattr(backend, "get_filterset_class", None)
    found = ask(view, rows) if ask else None
    filters = getattr(found, "base_filters", {})
    return [parameter for name, each in filters.items() for parameter in _parameters(name, each)]


def _parameters(name: str, each: Any) -> Iterator[Parameter]:
    """One, or one for each end of a range: price_min and price_max."""
    widget = each.extra.get("widget", each.field_class.widget)
    for suffix in getattr(widget, "suffixes", [None]):
        yield {
            "name": f"{name}_{suffix}" if suffix else name,
            "schema": _schema(each),
            "description": _said(each),
            "required": bool(each.extra.get("required")) and suffix is None,
            "explode": not _is_joined(each),
        }


def _said(each: Any) -> str:
    """Its help; of values with commas that says how a form sends them, which is not how the tool takes them."""
    return str((not _is_joined(each) and each.extra.get("help_text")) or each.label or "")


def _is_joined(each: Any) -> bool:
    """Whether several values come as one text with commas."""
    return hasattr(each, "base_field_class")


def _schema(each: Any) -> JSONSchema:
    # Choices that are rows, or that a function gives, are not listed: they would be read once, for nobody.
    choices = each.extra.get("choices")
    values = [str(value) for value in _values(choices)] if isinstance(choices, list | tuple) else []
    one: JSONSchema = {"type": "string", "enum": values} if values else {"type": "string"}
    if _is_joined(each) or issubclass(each.field_class, MANY):
        return {"type": "array", "items": one}
    kind = next((kind for field, kind in KINDS if issubclass(each.field_class, field)), "string")
    return one if kind == "string" else {"type": kind}


def _values(choices: Iterable[Any]) -> Iterator[Any]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _values(label)
        else:
            yield value
