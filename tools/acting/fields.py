"""A serializer as the JSON Schema of what may be written, field by field. What cannot be said is refused by name."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework import serializers

from tools.schema import JSONSchema, SchemaRefused

Schemas = Mapping[str, JSONSchema | None]
NO_SCHEMAS: Schemas = {}
ANYTHING: JSONSchema = {}
OPEN: type[Any] = type(serializers.ListField.child)  # what a list or dict has that names no child

# The first that fits is the one: a DateTimeField is no DateField here, an EmailField is a CharField.
KINDS: tuple[tuple[type[Any], JSONSchema], ...] = (
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer"}),
    (serializers.FloatField, {"type": "number"}),
    (serializers.DecimalField, {"type": ["number", "string"]}),  # a text keeps every digit
    (serializers.DateTimeField, {"type": "string", "format": "date-time"}),
    (serializers.DateField, {"type": "string", "format": "date"}),
    (serializers.TimeField, {"type": "string", "format": "time"}),
    (serializers.DurationField, {"type": "string"}),
    (serializers.UUIDField, {"type": "string", "format": "uuid"}),
    (serializers.EmailField, {"type": "string", "format": "email"}),
    (serializers.URLField, {"type": "string", "format": "uri"}),
    (serializers.CharField, {"type": "string"}),
    (serializers.JSONField, ANYTHING),
    (serializers.HyperlinkedRelatedField, {"type": "string", "format": "uri"}),
    (serializers.SlugRelatedField, {"type": "string"}),
)
BOUNDS = (
    ("min_value", "minimum"),
    ("max_value", "maximum"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
)


def properties_of(
    serializer: Any, place: str, *, partial: bool = False, schemas: Schemas = NO_SCHEMAS, path: str = ""
) -> dict[str, tuple[JSONSchema, bool]]:
    """What may be written: name to (schema, whether it must come). Raises SchemaRefused."""
    found: dict[str, tuple[JSONSchema, bool]] = {}
    for name, field in serializer.fields.items():
        if field.read_only or isinstance(field, serializers.HiddenField):
            continue
        own = f"{path}{name}"
        schema = schemas[own] if own in schemas else schema_of(field, f"{place}: {own}", partial, schemas, f"{own}.")
        if schema is not None:
            found[name] = ({**schema, **_described(field, schema)}, field.required and not partial)
    return found


def schema_of(
    field: Any, place: str, partial: bool = False, schemas: Schemas = NO_SCHEMAS, path: str = ""
) -> JSONSchema:
    """The JSON Schema of one field. Raises SchemaRefused."""
    schema = {**_kind(field, place, partial, schemas, path), **_bounds(field)}
    return {"anyOf": [schema, {"type": "null"}]} if field.allow_null and schema else schema


def _kind(field: Any, place: str, partial: bool, schemas: Schemas, path: str) -> JSONSchema:
    match field:
        case serializers.ListSerializer() | serializers.ListField():
            return {"type": "array", "items": _child(field.child, place, partial, schemas, path)}
        case serializers.BaseSerializer() if hasattr(field, "fields"):
            return _object(properties_of(field, place, partial=partial, schemas=schemas, path=path))
        case serializers.DictField():
            return {"type": "object", "additionalProperties": _child(field.child, place, partial, schemas, path)}
        case serializers.MultipleChoiceField():
            return {"type": "array", "items": _choices(field), "uniqueItems": True}
        case serializers.ChoiceField():
            return _choices(field)
        case serializers.ManyRelatedField():
            return {"type": "array", "items": schema_of(field.child_relation, place, partial, schemas, path)}
        case serializers.PrimaryKeyRelatedField():
            # Its choices are rows, and whose they are is not asked when they are listed: never an enum.
            return schema_of(field.pk_field, place) if field.pk_field else _key_of_related(field)
    return _plain(field, place)


def _plain(field: Any, place: str) -> JSONSchema:
    for kind, schema in KINDS:
        if isinstance(field, kind):
            return dict(schema)
    why = "a model can send no file" if isinstance(field, serializers.FileField) else "it has no JSON Schema here"
    raise SchemaRefused(
        f"{place} is a {type(field).__name__}: {why}; give it one by schemas={{NAME: {{...}}}}, or None to leave it out"
    )


def key_of(field: Any) -> JSONSchema:
    """The schema of a primary key."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return {"type": "integer" if isinstance(field, models.IntegerField) else "string"}


def _key_of_related(field: Any) -> JSONSchema:
    return key_of(field.queryset.model._meta.pk)


def _child(field: Any, place: str, partial: bool, schemas: Schemas, path: str) -> JSONSchema:
    return {} if isinstance(field, OPEN) else schema_of(field, f"{place}[]", partial, schemas, path)


def _object(properties: dict[str, tuple[JSONSchema, bool]]) -> JSONSchema:
    return {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in properties.items()},
        "required": [name for name, (_, is_required) in properties.items() if is_required],
        "additionalProperties": False,
    }


def _choices(field: Any) -> JSONSchema:
    values = [*field.choices, *([""] if getattr(field, "allow_blank", False) else [])]
    enum = [each if isinstance(each, str | int | float) else str(each) for each in dict.fromkeys(values)]
    return {"type": "string", "enum": enum} if all(isinstance(each, str) for each in enum) else {"enum": enum}


def _bounds(field: Any) -> JSONSchema:
    """Smallest and largest, as far as they are whole numbers: of others the serializer says it better."""
    found: JSONSchema = {}
    for attribute, word in BOUNDS:
        bound = getattr(field, attribute, None)
        if isinstance(bound, int) and isinstance(field, serializers.CharField | serializers.IntegerField):
            found[word] = bound
    if isinstance(field, serializers.CharField) and not field.allow_blank:
        found.setdefault("minLength", 1)
    return found


def _described(field: Any, schema: JSONSchema) -> JSONSchema:
    """Its help text; else its label, where that is more than its name; "description" of the schema comes first."""
    name = str(field.field_name or "").replace("_", " ")
    label = str(field.label or "")
    text = str(field.help_text or "") or (label if label.lower() != name.lower() else "")
    return {"description": text} if text and "description" not in schema else {}
