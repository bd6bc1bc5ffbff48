"""`from_viewset`: the actions of a Django REST framework viewset as tools, called as the run's person."""

import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.urls.converters import get_converters

from accounts.db import db_tool
from tools.acting.actions import Action, action_of, check_permissions, check_viewset, model_of, serializer_of
from tools.acting.arguments import Argument, schema_of
from tools.acting.calling import caller
from tools.acting.fields import NO_SCHEMAS, Schemas, key_of, properties_of
from tools.acting.filters import query_of
from tools.base import Permission, Tool, ToolContext
from tools.decorator import tool
from tools.schema import SchemaRefused

SAYS = {
    "list": "List the {many} that the person you act for may see.",
    "retrieve": "Read one of the {many} that the person you act for may see.",
    "create": "Create one of the {many}, as the person you act for. A person is asked first.",
    "update": "Replace what one of the {many} says, as the person you act for. A person is asked first.",
    "partial_update": "Change some of what one of the {many} says, as the person you act for. A person is asked first.",
    "destroy": "Delete one of the {many}, as the person you act for. A person is asked first.",
}
GROUP = re.compile(r"\(\?P<(\w+)>([^()]+)\)")
CONVERTED = re.compile(r"(?<!\?P)<(?:(\w+):)?(\w+)>")
SEGMENT = "[^/.]+"  # what REST framework's routes take for a part of an address


def from_viewset(
    viewset: type[Any],
    *,
    actions: Sequence[str],
    name: str = "",
    permission: Permission | None = None,
    public: bool = False,
    url_kwargs: Sequence[str] = (),
    schemas: Schemas = NO_SCHEMAS,
    timeout_s: float = 30.0,
) -> tuple[Tool, ...]:
    """A tool for each of these actions, named NAME_ACTION: give them to an archetype. Registers nothing.

    `name` is the model's plural, unless given. `permission` is what the caller must have in the project; the default
    is read for what only reads, else write. `public`: the viewset allows everybody, guests too, and that is meant.
    `url_kwargs` are those that the route of the whole viewset has. `schemas` are JSON Schemas for fields that have
    none, by name; None leaves a field out. Raises SchemaRefused, which says what to change.
    """
    check_viewset(viewset)
    if isinstance(actions, str) or not actions:
        raise SchemaRefused(f'{viewset!r}: name the actions that become tools, such as actions=["list", "retrieve"]')
    if twice := sorted({each for each in actions if list(actions).count(each) > 1}):
        raise SchemaRefused(f"{viewset!r}: the action {twice[0]!r} is named twice; two tools cannot have one name")
    found = [action_of(viewset, each) for each in actions]
    stem = name or _plural(viewset, "_")
    return tuple(
        _tool(
            action,
            f"{stem}_{action.name}",
            _arguments(action, url_kwargs, schemas, public=public),
            permission=_permission(action, permission),
            public=public,
            timeout_s=timeout_s,
        )
        for action in found
    )


def _tool(
    action: Action, name: str, arguments: list[Argument], *, permission: Permission, public: bool, timeout_s: float
) -> Tool:
    call = caller(action, name, arguments, public=public)

    async def function(ctx: ToolContext, /, **given: Any) -> Any:
        return await db_tool(call, ctx, given)

    function.__name__ = name
    function.__doc__ = _description(action)
    return tool(
        schema=schema_of(action.place, arguments),
        permission=permission,
        idempotent=action.is_safe,
        asks_first=not action.is_safe,
        as_person=True,
        deletes=action.method == "delete",
        timeout_s=timeout_s,
    )(function)


def _arguments(action: Action, url_kwargs: Sequence[str], schemas: Schemas, *, public: bool) -> list[Argument]:
    view = action.view()
    check_permissions(action, view, public=public)
    body = _body(action, view, schemas)
    taken = {each.name for each in body}
    return [*_path(action, url_kwargs, taken), *body, *query_of(action, view)]


def _path(action: Action, url_kwargs: Sequence[str], taken: set[str]) -> list[Argument]:
    """What the address names: the parts of the viewset's own route, the row, and the groups of an extra action."""
    places = [(each, SEGMENT, {"type": "string"}) for each in url_kwargs]
    if action.is_of_one:
        places.append(_lookup(action.viewset))
    places += [(each, pattern, {"type": "string"}) for each, pattern in _groups(action.url_path)]
    return [
        Argument(
            name=f"current_{each}" if each in taken else each,
            target=each,
            place="path",
            schema={**schema, "description": _said_of(action, each)},
            is_required=True,
            pattern=pattern,
        )
        for each, pattern, schema in places
    ]


def _groups(url_path: str) -> list[tuple[str, str]]:
    """What an extra action's own part of the address names, with its pattern: `(?P<item>[0-9]+)` or `<int:item>`."""
    by_converter = [(name, get_converters()[kind or "str"].regex) for kind, name in CONVERTED.findall(url_path)]
    return GROUP.findall(url_path) + by_converter


def _lookup(viewset: type[Any]) -> tuple[str, str, dict[str, Any]]:
    """The name, pattern and schema of what names a row in an address."""
    field = getattr(viewset, "lookup_field", "pk")
    name = getattr(viewset, "lookup_url_kwarg", None) or field
    pattern = getattr(viewset, "lookup_value_regex", None)
    if pattern is None and (converter := getattr(viewset, "lookup_value_converter", None)):
        pattern = get_converters()[converter].regex
    return name, pattern or SEGMENT, _key(viewset, field)


def _key(viewset: type[Any], field: str) -> dict[str, Any]:
    model = model_of(viewset)
    try:
        return (
            key_of(model._meta.pk if field == "pk" else model._meta.get_field(field)) if model else {"type": "string"}
        )
    except FieldDoesNotExist:
        return {"type": "string"}


def _body(action: Action, view: Any, schemas: Schemas) -> list[Argument]:
    """What the serializer takes. An extra action has a body where its @action names a serializer_class."""
    if action.is_safe or action.name == "destroy" or (action.is_extra and "serializer_class" not in action.options):
        return []
    serializer = serializer_of(action, view)
    place = f"{action.place}: {type(serializer).__name__}"
    found = properties_of(serializer, place, partial=action.name == "partial_update", schemas=schemas)
    return [
        Argument(name=each, target=each, place="body", schema=schema, is_required=is_required)
        for each, (schema, is_required) in found.items()
    ]


def _permission(action: Action, given: Permission | None) -> Permission:
    if given == "read" and not action.is_safe:
        raise SchemaRefused(f"{action.place}: it writes, so its permission cannot be 'read'")
    return given or ("read" if action.is_safe else "write")


def _description(action: Action) -> str:
    """What the model reads: what the action does, and what the viewset says of itself."""
    own = (getattr(action.viewset, action.name).__doc__ or "") if action.is_extra else ""
    many = _plural(action.viewset, " ")
    said = SAYS.get(action.name, "{name} of the {many}, as the person you act for.")
    first = _paragraph(own) or said.format(many=many, name=action.name.replace("_", " ").capitalize())
    about = _paragraph(vars(action.viewset).get("__doc__") or "")
    return "\n\n".join(text for text in (first, about) if text)


def _paragraph(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _said_of(action: Action, name: str) -> str:
    return f"which of the {_plural(action.viewset, ' ')}: its {name}, as it is now"


def _plural(viewset: type[Any], between: str) -> str:
    """The plural of its model, else the name of the viewset, in words with this between them."""
    model = model_of(viewset)
    words = str(model._meta.verbose_name_plural) if model else re.sub(r"view_?set$", "", viewset.__name__, flags=re.I)
    plain = re.sub(r"[^a-z0-9]+", between, words.lower()).strip(between)
    return plain or viewset.__name__.lower()
