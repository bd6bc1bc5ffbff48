"""A chat as text, in several forms: what stands above it, each message, and what stands below. Pure."""

from chat.exports.forms import as_json, as_markdown, as_text
from chat.exports.forms.form import Form

FORMS: dict[str, Form] = {"markdown": as_markdown.form, "text": as_text.form, "json": as_json.form}
__all__ = ["FORMS", "Form"]
