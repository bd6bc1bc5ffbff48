"""Secrets in REST: they go in and never come out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.http.fields import Text
from accounts.secrets import hint, seal

SECRET_MAX_CHARS = 4_000
SHOWN = {
    "type": "object",
    "properties": {"set": {"type": "boolean"}, "hint": {"type": "string", "example": "...a1b2"}},
    "required": ["set", "hint"],
}


class SecretBody(Text):
    """A secret that is sent: its value is sealed, as it is stored. Empty takes the one that is stored away."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"write_only": True, "allow_blank": True, "max_length": SECRET_MAX_CHARS, **options})

    def to_internal_value(self, data: Any) -> str:
        """Sealed, or empty. Raises ValidationError, which does not say what was sent."""
        text = super().to_internal_value(data)
        if not text.isascii() or not text.isprintable():
            raise serializers.ValidationError("Expected letters, digits and signs of ASCII, on one line.")
        return seal(text) if text else ""


@extend_schema_field(SHOWN)
class SecretShown(serializers.Field[Any, Any, Any, Any]):
    """Of a stored secret, whether there is one and how it ends: `{"set": true, "hint": "...a1b2"}`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "read_only": True})

    def to_representation(self, value: str) -> dict[str, Any]:
        """From the sealed text; empty where none is set."""
        return {"set": bool(value), "hint": hint(value) if value else ""}
