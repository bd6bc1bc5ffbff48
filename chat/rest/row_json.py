"""Rows as the JSON that REST shows, for those who send it another way."""

import functools
from typing import Any
from uuid import UUID

from django.db.models import Model
from rest_framework.serializers import Serializer


def row_json(shape: type[Serializer[Any]], row: Model) -> dict[str, Any]:
    """The row in this shape, as JSON values. Without what a shape says to some only."""
    return dict(plain(_made(shape).to_representation(row)))


def plain(data: Any) -> Any:
    """Serializer output as JSON values: ids become strings."""
    if isinstance(data, dict):
        return {name: plain(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(each) for each in data]
    return str(data) if isinstance(data, UUID) else data


@functools.cache
def _made(shape: type[Serializer[Any]]) -> Serializer[Any]:
    """The shape, made once: its fields cost twenty times what showing a row does, and keep nothing of it."""
    return shape()
