"""A tool's schema comes from its signature and docstring; what cannot be said is refused when it is defined."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator

from tools.base import ToolContext
from tools.decorator import tool
from tools.schema import SchemaRefused, description_of, schema_of


async def everything(
    ctx: ToolContext,
    text: str,
    count: int,
    ratio: float,
    flag: bool,
    names: list[str],
    free: dict,  # type: ignore[type-arg]
    numbers: dict[str, int],
    mode: Literal["fast", "slow"],
    maybe: str | None = None,
    lines: int = 200,
    *,
    last: list[list[int]] | None = None,
) -> str:
    """Do everything.

    And say so.

    Arguments:
        text: what to do
        count: how often, when it is
            often
    """
    return ""


def test_each_type_has_its_json_schema() -> None:
    schema = schema_of(everything)
    Draft202012Validator.check_schema(schema)
    assert schema == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "what to do"},
            "count": {"type": "integer", "description": "how often, when it is often"},
            "ratio": {"type": "number"},
            "flag": {"type": "boolean"},
            "names": {"type": "array", "items": {"type": "string"}},
            "free": {"type": "object"},
            "numbers": {"type": "object", "additionalProperties": {"type": "integer"}},
            "mode": {"type": "string", "enum": ["fast", "slow"]},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "lines": {"type": "integer", "default": 200},
            "last": {
                "anyOf": [
                    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                    {"type": "null"},
                ],
                "default": None,
            },
        },
        "required": ["text", "count", "ratio", "flag", "names", "free", "numbers", "mode"],
        "additionalProperties": False,
    }


def test_the_description_is_the_docstring_without_its_arguments() -> None:
    assert description_of(everything) == "Do everything.\n\nAnd say so."


async def no_context() -> None:
    """Say nothing."""


async def untyped(ctx: ToolContext, path) -> None:  # type: ignore[no-untyped-def]
    """Say nothing."""


async def a_date(ctx: ToolContext, at: datetime) -> None:
    """Say nothing."""


async def bare_list(ctx: ToolContext, names: list) -> None:  # type: ignore[type-arg]
    """Say nothing."""


async def anything(ctx: ToolContext, value: Any) -> None:
    """Say nothing."""


async def number_keys(ctx: ToolContext, value: dict[int, str]) -> None:
    """Say nothing."""


async def mixed_choice(ctx: ToolContext, value: Literal["a", 1]) -> None:
    """Say nothing."""


async def many(ctx: ToolContext, *paths: str) -> None:
    """Say nothing."""


async def open_ended(ctx: ToolContext, **options: str) -> None:
    """Say nothing."""


async def by_place(ctx: ToolContext, path: str, /) -> None:
    """Say nothing."""


async def wrong_default(ctx: ToolContext, lines: int = "all") -> None:  # type: ignore[assignment]
    """Say nothing."""


async def endless_default(ctx: ToolContext, ratio: float = float("inf")) -> None:
    """Say nothing."""


async def silent(ctx: ToolContext) -> None: ...


async def misnamed(ctx: ToolContext, path: str) -> None:
    """Say nothing.

    Arguments:
        pth: the file
    """


async def rambling(ctx: ToolContext, path: str) -> None:
    """Say nothing.

    Arguments:
        which are few
    """


def not_async(ctx: ToolContext) -> None:
    """Say nothing."""


REFUSED = [
    no_context,
    untyped,
    a_date,
    bare_list,
    anything,
    number_keys,
    mixed_choice,
    many,
    open_ended,
    by_place,
    wrong_default,
    endless_default,
    silent,
    misnamed,
    rambling,
    not_async,
]


@pytest.mark.parametrize("function", REFUSED, ids=lambda each: each.__name__)
def test_what_cannot_be_said_is_refused_at_definition(function: Callable[..., Any]) -> None:
    with pytest.raises(SchemaRefused, match=function.__name__):
        tool(function)


def test_a_tool_is_a_value_named_after_its_function() -> None:
    made = tool(permission="write", capability="repository", idempotent=True, timeout_s=5, max_result_bytes=2_000)(
        everything
    )
    assert (made.name, made.description) == ("everything", "Do everything.\n\nAnd say so.")
    assert (made.permission, made.capability, made.idempotent) == ("write", "repository", True)
    assert (made.timeout_s, made.max_result_bytes) == (5, 2_000)
    assert made.function is everything


@pytest.mark.parametrize(("given", "title"), [({}, "Everything"), ({"title": "Do it all"}, "Do it all")])
def test_a_tool_says_what_it_makes_whether_something_leaves_and_a_person_s_word_for_it(
    given: dict[str, Any], title: str
) -> None:
    plain = tool(**given)(everything)
    assert (plain.makes, plain.outward, plain.asks_first, plain.title) == ("", False, False, title)
    made = tool(makes="component", outward=True, asks_first=True)(everything)
    assert (made.makes, made.outward, made.asks_first) == ("component", True, True)
    assert replace(made, name="search_project_files", title="").title == "Search project files"


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"max_result_bytes": 10}])
def test_a_limit_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SchemaRefused):
        tool(**options)(everything)


async def ready(ctx: ToolContext, path: str = "") -> str:
    """Take a ready schema."""
    return path


async def ready_for_all(ctx: ToolContext, **arguments: Any) -> str:
    """Take a ready schema."""
    return ""


def test_a_ready_schema_is_used_and_closed() -> None:
    made = tool(schema={"type": "object", "properties": {"path": {"type": "string", "maxLength": 5}}})(ready)
    assert made.schema["additionalProperties"] is False
    assert made.schema["properties"] == {"path": {"type": "string", "maxLength": 5}}


def test_an_open_ready_schema_needs_a_function_that_takes_anything() -> None:
    schema = {"type": "object", "additionalProperties": True}
    assert tool(schema=schema)(ready_for_all).schema["additionalProperties"] is True
    with pytest.raises(SchemaRefused, match="open schema"):
        tool(schema=schema)(ready)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": 5},
        {"type": "object", "properties": {"other": {"type": "string"}}},
        {"type": "object", "properties": {"path": {"$ref": "https://example.com/path.json"}}},
        {"type": "object", "properties": {"path": {"$ref": "file:///etc/passwd"}}},
    ],
)
def test_a_ready_schema_that_cannot_work_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaRefused):
        tool(schema=schema)(ready)
