"""Gives every table that has no row one, whatever its columns are. Run by `manage.py shell` of any version."""

import uuid
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

PLAIN: dict[Any, Any] = {
    models.BooleanField: True,
    models.DateTimeField: timezone.now() + timedelta(days=1),  # clean-up leaves it
    models.DateField: timezone.localdate(),
    models.FloatField: 0.5,
    models.IntegerField: 1,
    models.JSONField: {"said": "Something"},
    models.BinaryField: b"something",
}


def value(field: Any) -> Any:
    """One that the column takes."""
    if field.is_relation:
        return field.related_model._base_manager.first() or (None if field.null else made(field.related_model))
    if field.choices:
        return field.choices[-1][0]  # a role that takes nothing from anybody
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.CharField | models.TextField):
        return "something"[: field.max_length]
    return next(plain for kind, plain in PLAIN.items() if isinstance(field, kind))


def made(model: Any) -> Any:
    """A new row."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    row = model(**{field.name: value(field) for field in fields})
    row.save(force_insert=True)
    return row


def fill() -> None:
    """A row for each model that has none; those of many-to-many tables too."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._base_manager.exists():
            made(model)


fill()
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        if cursor.fetchone() == (0,):
            raise SystemExit(f"{table} has no row")
