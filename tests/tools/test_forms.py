"""What is a form that people are shown, and what answers it."""

from typing import Any

import pytest

from tools.forms import MAX_CHOICES, MAX_FIELDS, Form, FormRefused, checked_form, faults_in, fields_of

# A field's schema, its kind and its choices; None where such a form is not shown.
FIELDS: dict[str, tuple[Any, str | None, tuple[tuple[str, str], ...]]] = {
    "a text": ({"type": "string", "minLength": 1}, "text", ()),
    "an address of mail": ({"type": "string", "format": "email"}, "email", ()),
    "an address": ({"type": "string", "format": "uri"}, "url", ()),
    "a day": ({"type": "string", "format": "date"}, "date", ()),
    "a moment": ({"type": "string", "format": "date-time"}, "date-time", ()),
    "a format that nobody knows": ({"type": "string", "format": "phone"}, "text", ()),
    "a number": ({"type": "number", "maximum": 2.5}, "number", ()),
    "a whole number": ({"type": "integer"}, "integer", ()),
    "yes or no": ({"type": "boolean", "default": True}, "boolean", ()),
    "a choice": ({"type": "string", "enum": ["a", "b"]}, "choice", (("a", "a"), ("b", "b"))),
    "one with older titles": (
        {"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]}, "choice", (("a", "A"), ("b", "B")),
    ),
    "one with titles": ({"type": "string", "oneOf": [{"const": "a", "title": "A"}]}, "choice", (("a", "A"),)),
    "several": ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, "choices", (("a", "a"),)),
    "several with titles": (
        {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}}, "choices", (("a", "A"),),
    ),
    "an object": ({"type": "object"}, None, ()),
    "any list": ({"type": "array", "items": {"type": "string"}}, None, ()),
    "a list of anything": ({"type": "array", "items": True}, None, ()),
    "a reference": ({"$ref": "#/$defs/x"}, None, ()),
    "anything": (True, None, ()),
    "two types": ({"type": ["string", "null"]}, None, ()),
    "a choice of numbers": ({"enum": [1, 2]}, None, ()),
    "too many choices": ({"type": "string", "enum": [str(each) for each in range(MAX_CHOICES + 1)]}, None, ()),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "kind", "choices"), FIELDS.values(), ids=FIELDS.keys())
def test_a_form_has_fields_that_people_can_fill_in(
    schema: Any, kind: str | None, choices: tuple[tuple[str, str], ...]
) -> None:
    form = {"type": "object", "properties": {"it": schema}, "required": ["it"]}
    if kind is None:
        with pytest.raises(FormRefused):
            checked_form(form)
        return
    (field,) = fields_of(Form(key="k", schema=checked_form(form)))
    assert (field.name, field.title, field.kind, field.choices) == ("it", "it", kind, choices) and field.is_required


def test_a_form_is_short() -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(MAX_FIELDS + 1)}
    with pytest.raises(FormRefused):
        checked_form({"type": "object", "properties": fields})


def test_a_page_is_answered_by_nothing_and_nothing_else_by_it() -> None:
    page, form = Form(key="page", url="https://x.example"), Form(key="form", schema={"type": "object"})
    assert page.is_page and not form.is_page and fields_of(page) == ()
    assert list(faults_in((page,), {})) == list(faults_in((page,), {"page": {}})) == []
    assert [field for field, _ in faults_in((page, form), {})] == ["input.form"]
