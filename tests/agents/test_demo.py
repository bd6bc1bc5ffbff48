"""The demo model: says what it is, streams, thinks aloud in rules, and calls the tools it is offered."""

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agents.events import Call
from agents.messages import AssistantMessage, Message, ToolMessage, UserMessage
from agents.options import OutputFormat
from agents.output import judge
from agents.providers.base import (
    CallPiece,
    Finish,
    Piece,
    ProviderRequest,
    ReasoningPiece,
    TextPiece,
    ToolSpec,
    UsageReport,
)
from agents.providers.demo import DemoProvider


def spec(name: str, required: tuple[str, ...] = (), **properties: str) -> ToolSpec:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(required),
        "additionalProperties": False,
    }
    return ToolSpec(name, f"Does {name}.", schema)


LIST = spec("list_files", path="string")
READ = spec("read_file", ("path",), path="string", start_line="integer")
SEARCH = spec("search_project_files", ("query",), query="string", fileTypes="array")
WRITE = spec("write_file", ("path", "content"), path="string", content="string")
CONTENT = spec("content", ("task",), task="string")
FILES = (LIST, READ, SEARCH, WRITE)


async def ask(
    *messages: Message | str, tools: tuple[ToolSpec, ...] = (), model: str = "demo", **options: Any
) -> list[Piece]:
    delay_s = options.pop("delay_s", 0.0)
    said = tuple(UserMessage(each) if isinstance(each, str) else each for each in messages)
    request = ProviderRequest(model, "Be kind.", said, tools, **options)
    provider = DemoProvider(delay_s=delay_s)
    return [piece async for pieces in provider.stream(request) for piece in pieces]


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def call_of(pieces: list[Piece]) -> tuple[str, dict[str, Any]] | None:
    parts = [piece for piece in pieces if isinstance(piece, CallPiece)]
    return (parts[0].name, json.loads("".join(part.arguments for part in parts))) if parts else None


@pytest.mark.parametrize("model", ["demo", "gpt-4.1-mini", "gpt-4o", "gpt-4-turbo"])
async def test_it_says_that_it_is_a_demo_and_which_key_to_set(model: str) -> None:
    text = text_of(await ask("Hello", model=model))
    assert "demo model" in text
    assert "OPENAI_API_KEY" in text
    assert model == "demo" or model in text


async def test_where_no_rule_fits_it_names_the_tools_that_are_offered() -> None:
    """Own apps have tools that no rule knows: whoever tries one without a key learns how."""
    own = (spec("shop_orders_list", search="string"), spec("sum_shop_orders"), spec("content"))
    text = text_of(await ask("Which orders are open?", tools=own))
    assert "name a tool that is offered here, and it is called: `shop_orders_list`, `sum_shop_orders`." in text
    assert "read or write files" not in text and "`content`" not in text
    assert call_of(await ask("shop_orders_list", tools=own)) == ("shop_orders_list", {})
    both = text_of(await ask("Hello", tools=(*FILES, *own)))
    assert "read or write files" in both and "`sum_shop_orders`" in both
    assert "name a tool" not in text_of(await ask("Hello"))


async def test_it_streams_awkward_characters_in_at_least_three_pieces() -> None:
    pieces = await ask("Hello")
    assert sum(isinstance(piece, TextPiece) for piece in pieces) >= 3
    assert all(each in text_of(pieces) for each in ('"', "\\", "\n", "日本語"))
    assert pieces[-2] == Finish("stop")


async def test_it_thinks_aloud_before_it_speaks() -> None:
    pieces = await ask("Hello")
    assert isinstance(pieces[0], ReasoningPiece)


async def test_the_same_prompt_gives_the_same_pieces() -> None:
    assert await ask("What does it say?", tools=FILES) == await ask("What does it say?", tools=FILES)


async def test_its_usage_is_estimated() -> None:
    report = (await ask("Hello"))[-1]
    assert isinstance(report, UsageReport)
    assert report.usage.status == "estimated"
    assert 0 < report.usage.reasoning_tokens < report.usage.output_tokens
    assert report.usage.input_tokens > 0


async def test_slow_takes_over_a_second_over_more_than_five_pieces() -> None:
    began = time.monotonic()
    pieces = await ask("[slow] Hello")
    assert time.monotonic() - began > 1
    assert sum(isinstance(piece, TextPiece) for piece in pieces) > 5


async def test_a_limit_on_tokens_cuts_the_reply() -> None:
    pieces = await ask("Hello", max_output_tokens=30)
    assert Finish("length") in pieces


PROMPTS: list[tuple[str, str, dict[str, Any]]] = [
    ("List the files", "list_files", {}),
    ("Which files are there?", "list_files", {}),
    ("What is this project about?", "list_files", {}),
    ("Read README.md", "read_file", {"path": "README.md"}),
    ("Show me src/app/main.py, please.", "read_file", {"path": "src/app/main.py"}),
    ("Please open Makefile", "read_file", {"path": "Makefile"}),
    ("Search for run_agents in the code", "search_project_files", {"query": "run_agents"}),
    ('Find "hello world"', "search_project_files", {"query": "hello world"}),
    ("Where is the lease renewed?", "search_project_files", {"query": "lease renewed"}),
    ("What does the documentation say about billing?", "search_project_files", {"query": "documentation"}),
    ("Write a file notes/today.md with “Buy milk”", "write_file", {"path": "notes/today.md", "content": "Buy milk\n"}),
    ("Create notes.md: remember the milk", "write_file", {"path": "notes.md", "content": "remember the milk\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "name", "arguments"), PROMPTS)
async def test_a_prompt_about_files_calls_the_fitting_tool(prompt: str, name: str, arguments: dict[str, Any]) -> None:
    pieces = await ask(prompt, tools=FILES)
    assert call_of(pieces) == (name, arguments)
    assert isinstance(pieces[0], ReasoningPiece)
    assert Finish("tool_calls") in pieces
    assert text_of(pieces) == ""


async def test_a_prompt_that_asks_for_two_things_gets_two_turns() -> None:
    prompt = UserMessage("List the files, then read README.md")
    assert call_of(await ask(prompt, tools=FILES)) == ("list_files", {})
    listed = (AssistantMessage("", (Call("c1", "list_files", "{}"),)), ToolMessage("c1", "list_files", '["README.md"]'))
    assert call_of(await ask(prompt, *listed, tools=FILES)) == ("read_file", {"path": "README.md"})
    read = (AssistantMessage("", (Call("c2", "read_file", "{}"),)), ToolMessage("c2", "read_file", "# Acme\nWe sell."))
    text = text_of(await ask(prompt, *listed, *read, tools=FILES))
    assert "README.md" in text
    assert "We sell." in text


async def test_a_new_prompt_starts_the_rules_afresh() -> None:
    earlier = ("List the files", AssistantMessage("", (Call("c1", "list_files", "{}"),)),
               ToolMessage("c1", "list_files", "[]"), AssistantMessage("None."))  # fmt: skip
    assert call_of(await ask(*earlier, "List the files", tools=FILES)) == ("list_files", {})


async def test_a_failed_tool_is_told_as_failed() -> None:
    call = AssistantMessage("", (Call("c1", "read_file", "{}"),))
    failed = ToolMessage("c1", "read_file", '{"error": "There is no nowhere.md."}', is_error=True)
    text = text_of(await ask("Read nowhere.md", call, failed, tools=FILES))
    assert "There is no nowhere.md." in text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        '{"files": [{"path": "a.md", "size": 3}]}',
        '{"path": "a", "content": "x\\n```\\ny"}',
        "[[[",
        "3",
    ],
)
async def test_any_result_can_be_told(content: str) -> None:
    call = AssistantMessage("", (Call("c1", "list_files", "{}"),))
    assert text_of(await ask("List the files", call, ToolMessage("c1", "list_files", content), tools=FILES))


async def test_a_question_about_content_goes_to_the_content_agent() -> None:
    prompt = "What do the texts of the start page say?"
    assert call_of(await ask(prompt, tools=(*FILES, CONTENT))) == ("content", {"task": prompt})


async def test_a_tool_that_no_rule_knows_is_called_by_its_name() -> None:
    own = spec("shop_orders_list", search="string")
    assert call_of(await ask("Which are open? shop_orders_list", tools=(*FILES, own))) == ("shop_orders_list", {})
    assert call_of(await ask("Which are open?", tools=(*FILES, own))) is None


async def test_a_tool_that_is_not_offered_is_not_called() -> None:
    assert call_of(await ask("List the files")) is None
    assert call_of(await ask("Write a file a.md", tools=(LIST, READ))) is None


CLIENT_TOOL = ToolSpec(
    "get_weather",
    "The weather.",
    {
        "type": "object",
        "properties": {
            "location": {"type": "string", "minLength": 8},
            "unit": {"enum": ["c", "f"]},
            "days": {"type": "integer", "minimum": 2},
            "at": {"$ref": "#/$defs/moment"},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "strict": {"type": ["boolean", "null"]},
        },
        "required": ["location", "unit", "days", "at", "tags", "strict"],
        "additionalProperties": False,
        "$defs": {"moment": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}},
    },
)


async def test_a_clients_first_tool_is_called_with_arguments_that_fit_its_schema() -> None:
    name, arguments = call_of(await ask("Hi", tools=(CLIENT_TOOL,), has_client_tools=True)) or ("", {})
    assert name == "get_weather"
    Draft202012Validator(CLIENT_TOOL.schema).validate(arguments)


async def test_a_clients_tool_is_not_called_unless_the_door_says_so() -> None:
    assert call_of(await ask("Hi", tools=(CLIENT_TOOL,))) is None


async def test_behind_a_clients_tool_result_comes_text() -> None:
    call = AssistantMessage("", (Call("c1", "get_weather", "{}"),))
    pieces = await ask(
        "Hi", call, ToolMessage("c1", "get_weather", "Rain."), tools=(CLIENT_TOOL,), has_client_tools=True
    )
    assert call_of(pieces) is None
    assert "Rain." in text_of(pieces)


async def test_it_writes_json_of_the_schema_that_is_asked_for() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
        "required": ["n", "s"],
    }
    request = ProviderRequest("demo", "", (UserMessage("Hello"),), output=OutputFormat("a", schema, True))
    pieces = [each async for batch in DemoProvider(delay_s=0).stream(request) for each in batch]
    assert not judge("".join(each.text for each in pieces if isinstance(each, TextPiece)), schema).faults
