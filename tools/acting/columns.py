"""The columns that a queryset's tools name, and how each may be asked for. Nothing else can be said by a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers
from rest_framework.utils.field_mapping import ClassLookupDict

from tools.acting.fields import schema_of
from tools.errors import RetryTool
from tools.schema import JSONSchema, SchemaRefused

TEXTUAL = ("iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith")
ORDERED = ("gt", "gte", "lt", "lte")
LOOKUPS = ("exact", *TEXTUAL, *ORDERED, "in", "isnull")
SAID = {
    "exact": "", "iexact": "in any case", "contains": "contains", "icontains": "contains, in any case",
    "startswith": "begins with", "istartswith": "begins with, in any case", "endswith": "ends with",
    "iendswith": "ends with, in any case", "gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most",
    "in": "one of these", "isnull": "true: is empty",
}  # fmt: skip
IN_MAX = 100  # values
DIGITS_MAX = 100  # of a decimal number whose column says no bound


@dataclass(frozen=True)
class Column:
    """A field of the model, or of a row that each row has one of, by its path."""

    path: str
    field: Any

    @property
    def is_text(self) -> bool:
        """Whether a text can be looked for in it."""
        return isinstance(self.field, models.CharField | models.TextField)

    @property
    def said(self) -> str:
        """What it is, in the model's own words."""
        return str(getattr(self.field, "help_text", "") or getattr(self.field, "verbose_name", "") or self.path)


@dataclass(frozen=True)
class Filter:
    """One way to ask for rows: a column, a lookup, and what it takes."""

    name: str  # the argument, and what the ORM is told: total__gte
    column: Column
    lookup: str

    def schema(self) -> JSONSchema:
        """What the model may send. Raises SchemaRefused."""
        text = " ".join(part for part in (self.column.said, SAID[self.lookup]) if part)
        if self.lookup == "isnull":
            return {"type": "boolean", "description": text}
        one = schema_of(self._value(), f"filters: {self.name}")
        if self.lookup == "in":
            return {"type": "array", "items": one, "minItems": 1, "maxItems": IN_MAX, "description": text}
        return {**one, "description": text}

    def value(self, sent: Any) -> Any:
        """What was sent, as the column has it. Raises RetryTool, which says what it should be."""
        if self.lookup == "isnull":
            return sent
        try:
            if self.lookup == "in":
                return [self._value().run_validation(each) for each in sent]
            return self._value().run_validation(sent)
        except serializers.ValidationError as error:
            details = error.detail if isinstance(error.detail, list) else [error.detail]
            raise RetryTool(f"{self.name}: {' '.join(map(str, details))}") from None

    def _value(self) -> Any:
        return value_field(self.column, as_text=self.lookup in TEXTUAL)


def column_of(rows: models.QuerySet[Any], path: str, place: str) -> Column:
    """The column at the path. Raises SchemaRefused for what is none, and for what a row has many of."""
    annotation = rows.query.annotations.get(path)
    if annotation is not None:
        return Column(path, annotation.output_field)
    options, field = rows.model._meta, None
    for part in path.split("__"):
        if options is None:
            raise SchemaRefused(f"{place}: {path}: nothing follows {field.name!r}" if field else f"{place}: {path}")
        field = _field(options, part, path, place)
        options = field.related_model._meta if field.is_relation else None
    return Column(path, field)


def filter_of(rows: models.QuerySet[Any], name: str, columns: Sequence[str]) -> Filter:
    """The filter of that name: a path, or a path and a lookup. Raises SchemaRefused."""
    path, _, last = name.rpartition("__")
    path, lookup = (path, last) if path and last in LOOKUPS else (name, "exact")
    check_named(path, columns, "filters")
    column = column_of(rows, path, "filters")
    if lookup in TEXTUAL and not column.is_text:
        raise SchemaRefused(f"filters: {name}: {lookup} is for texts")
    if lookup in ORDERED and isinstance(column.field, models.BooleanField):
        raise SchemaRefused(f"filters: {name}: {lookup} is not for true and false")
    found = Filter(name, column, lookup)
    found.schema()
    return found


def check_named(path: str, columns: Sequence[str], place: str) -> None:
    """Raise SchemaRefused for what is not shown: who can filter, search or order by it can find out what it says."""
    if path not in columns:
        raise SchemaRefused(f"{place}: {path} is not one of fields: whoever may ask by it finds out what it says")


def value_field(column: Column, *, as_text: bool = False) -> Any:
    """REST framework's field for one value of the column. Raises SchemaRefused where there is none."""
    field: Any = column.field
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if as_text:
        return serializers.CharField(trim_whitespace=False, max_length=500)
    if getattr(field, "choices", None):
        return serializers.ChoiceField(choices=field.flatchoices)
    if isinstance(field, models.DecimalField):
        return serializers.DecimalField(max_digits=field.max_digits or DIGITS_MAX, decimal_places=None)
    if isinstance(field, models.CharField | models.TextField):
        return serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=2_000)
    try:
        kinds: Any = ClassLookupDict(serializers.ModelSerializer.serializer_field_mapping)
        return kinds[field]()
    except (KeyError, TypeError) as error:
        raise SchemaRefused(f"{column.path}: a {type(field).__name__} cannot be asked for by value") from error


def _field(options: Any, part: str, path: str, place: str) -> Any:
    try:
        field = options.pk if part == "pk" else options.get_field(part)
    except FieldDoesNotExist as error:
        raise SchemaRefused(f"{place}: {path}: {options.object_name} has no field {part!r}") from error
    if field.many_to_many or field.one_to_many or not getattr(field, "concrete", False):
        raise SchemaRefused(
            f"{place}: {path}: a row has no one {part!r}; name columns of the row, or of one it points to"
        )
    if isinstance(field, models.BinaryField):
        raise SchemaRefused(f"{place}: {path}: bytes cannot be told to a model")
    return field
