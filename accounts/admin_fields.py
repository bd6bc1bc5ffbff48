"""Form fields of the admin."""

from typing import Any

from django import forms

NONE = "-"  # what an empty list is written as: nothing written falls through


class Words(forms.CharField):
    """Words with commas between. Nothing is None, `-` is an empty list."""

    widget = forms.TextInput(attrs={"size": 60})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """As it is written."""
        return (", ".join(map(str, value)) or NONE) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """As it is kept."""
        text = str(value or "").strip()
        if not text:
            return None
        return [] if text == NONE else [each.strip() for each in text.split(",") if each.strip()]
