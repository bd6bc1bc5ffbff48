"""The fields that REST bodies and queries are made of: closed, and strict about types."""

from collections.abc import Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

UNKNOWN = "There is no such field."


READ_ONLY = "This field cannot be set."


class Closed(serializers.Serializer[Any]):
    """A mixin, named first: a body with fields that are unknown or read-only is refused, naming each of them."""

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError for all that is wrong, these fields included."""
        refused = self._refused(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(_merged(error.detail, refused)) from None
        if refused:
            raise serializers.ValidationError(refused)
        return values

    def _refused(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        unknown = {name[:100]: [UNKNOWN] for name in islice((name for name in data if name not in self.fields), 20)}
        return unknown | {name: [READ_ONLY] for name, field in self.fields.items() if field.read_only and name in data}


def _merged(detail: Any, refused: dict[str, list[str]]) -> Any:
    return {**detail, **refused} if isinstance(detail, Mapping) else detail


class Text(serializers.CharField):
    """Text only: the framework's own field takes numbers for text."""

    def to_internal_value(self, data: Any) -> str:
        """The text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Email(serializers.EmailField, Text):
    """An e-mail address."""


class Id(serializers.UUIDField):
    """A UUID as text: the framework's own field takes numbers for UUIDs."""

    def to_internal_value(self, data: Any) -> UUID:
        """The UUID. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return UUID(str(super().to_internal_value(data)))


class PageQuery(Closed):
    """What every list takes; accounts.http.paging looks at the values."""

    cursor = Text(required=False, help_text="from `next` or `previous` of a page")
    page_size = Text(required=False)


@extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
class ModelNames(serializers.JSONField):
    """Null or names of models in an order; chat.services.rules says what they may be."""
