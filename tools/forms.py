"""What a call wants from a person before it goes on: a form to fill in, or a page to open. Values; no Django.

A form is the flat one of the Model Context Protocol: an object whose fields are texts, numbers, yes or no, or a choice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tools.validation import faults_of

MAX_FIELDS = 20  # of one form: more nobody fills in
MAX_CHOICES = 100  # of one field
PAGE = {"type": "object", "maxProperties": 0}  # the schema of an answer to a page
FieldKind = Literal["text", "email", "url", "date", "date-time", "number", "integer", "boolean", "choice", "choices"]
FORMATS: dict[str, FieldKind] = {"email": "email", "uri": "url", "date": "date", "date-time": "date-time"}


class FormRefused(ValueError):
    """No form that people are shown here."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """One thing that is wanted."""

    key: str  # by which it is answered
    message: str = ""  # why, in the words of who wants it
    schema: dict[str, Any] = field(default_factory=dict)  # of a form (`checked_form`); empty: there is a page instead
    url: str = ""  # of that page: shown, and opened by nobody but the person

    @property
    def is_page(self) -> bool:
        """Whether a person is to do something elsewhere, and says here when it is done."""
        return not self.schema


@dataclass(frozen=True)
class Given:
    """What a person has answered to the forms of this very call."""

    answers: Mapping[str, dict[str, Any] | None]  # by Form.key: the form's values; None of a page
    state: str  # as NeedsPerson had it


class NeedsPerson(Exception):
    """Raised by a tool that may ask (`ToolContext.may_ask`): nothing is under way, and the call is made again with what
    a person answers. `state` comes back with it; no reader is told of it. Raises FormRefused for what is no plain form.
    """

    def __init__(self, forms: Sequence[Form], state: str = "") -> None:
        super().__init__("a person has to answer first")
        for each in forms:
            checked_form(each.schema)
        self.forms = tuple(forms)
        self.state = state


@dataclass(frozen=True)
class Field:
    """One field of a form."""

    name: str
    kind: FieldKind
    title: str
    description: str
    is_required: bool
    choices: tuple[tuple[str, str], ...]  # value and title
    default: Any  # None: there is none
    limits: Mapping[str, int | float]  # minLength, maxLength, minimum, maximum, minItems, maxItems


LIMITS = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")


def checked_form(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, an object's schema that is checked already, if it is a form. Raises FormRefused."""
    properties = schema.get("properties") or {}
    if len(properties) > MAX_FIELDS:
        raise FormRefused(f"a form has more than {MAX_FIELDS} fields")
    for each in fields_of(Form(key="", schema=schema)):
        if len(each.choices) > MAX_CHOICES:
            raise FormRefused(f"a field has more than {MAX_CHOICES} choices")
    return schema


def fields_of(form: Form) -> tuple[Field, ...]:
    """Its fields in their order; none of a page. Raises FormRefused."""
    required = form.schema.get("required") or ()
    properties = form.schema.get("properties") or {}
    return tuple(_field(name, each, name in required) for name, each in properties.items())


def faults_in(forms: Sequence[Form], answers: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the answers: at which field, and a sentence."""
    if not isinstance(answers, dict):
        yield "input", f"Expected an object with an answer to each of: {', '.join(each.key for each in forms)}."
        return
    for key in answers.keys() - {each.key for each in forms}:
        yield f"input.{key}", "Nothing by this name was asked for."
    for form in forms:
        answer = answers.get(form.key, {} if form.is_page else None)
        if faults := faults_of(PAGE if form.is_page else form.schema, answer):
            yield f"input.{form.key}", " ".join(faults)


def _field(name: str, schema: Any, is_required: bool) -> Field:
    if not isinstance(schema, dict):
        raise FormRefused(f"the field {name[:40]!r} has no schema")
    kind, choices = _kind(schema)
    return Field(
        name=name,
        kind=kind,
        title=_text(schema, "title") or name,
        description=_text(schema, "description"),
        is_required=is_required,
        choices=choices,
        default=schema.get("default"),
        limits={each: schema[each] for each in LIMITS if isinstance(schema.get(each), int | float)},
    )


def _kind(schema: dict[str, Any]) -> tuple[FieldKind, tuple[tuple[str, str], ...]]:
    if schema.get("type") == "array":
        choices = _choices(schema["items"]) if isinstance(schema.get("items"), dict) else ()
        if not choices:
            raise FormRefused("a list that is no choice")
        return "choices", choices
    if choices := _choices(schema):
        return "choice", choices
    match schema.get("type"):
        case "string":
            return FORMATS.get(str(schema.get("format")), "text"), ()
        case "number" | "integer" | "boolean" as kind:
            return kind, ()
        case other:
            raise FormRefused(f"a field of the type {json.dumps(other)[:40]}")


def _choices(schema: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Values and titles, in any of the ways they are written."""
    if isinstance(schema.get("enum"), list):
        names = schema.get("enumNames")
        titles = names if isinstance(names, list) and len(names) == len(schema["enum"]) else schema["enum"]
        found = list(zip(schema["enum"], titles, strict=True))
    else:
        titled = schema.get("oneOf") or schema.get("anyOf") or ()
        found = [(each.get("const"), each.get("title", each.get("const"))) for each in titled if isinstance(each, dict)]
    if not all(isinstance(value, str) for value, _ in found):
        raise FormRefused("a choice that is no text")
    return tuple((value, str(title)) for value, title in found)


def _text(schema: dict[str, Any], name: str) -> str:
    value = schema.get(name)
    return value if isinstance(value, str) else ""
