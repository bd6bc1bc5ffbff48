"""An answer that must be JSON of a schema: the schema's bounds, what fits, one repair, and how it ends."""

import json
import time
from typing import Any

import pytest

from agents import events as ev
from agents.errors import OutputInvalid
from agents.loop import Agent
from agents.messages import AssistantMessage, UserMessage
from agents.options import OutputFormat, RunOptions
from agents.output import SCHEMA_MAX_DEPTH, fault_of_schema, judge
from agents.providers.base import CallPiece, Finish, TextPiece, UsageReport
from agents.usage import Usage
from chat.eventlog.projection import fold
from tests.agents.scripted import Said, ScriptedProvider, calls, says
from tests.agents.test_loop import archetype, check_stream, echo, job

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
GOOD, BAD = '{"name": "Ulm", "people": 129000}', '{"people": "many"}'


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels - 1):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (CITY, ""),
        ({}, ""),
        (nested(SCHEMA_MAX_DEPTH), ""),
        (nested(SCHEMA_MAX_DEPTH + 1), "levels"),
        ([], "an object"),
        ({"type": "banana"}, "Not a JSON Schema"),
        ({"enum": ["x" * 70_000]}, "65536 bytes"),
        ({"$ref": "https://example.org/schema.json"}, "no $ref to elsewhere"),
        ({"properties": {"a": {"$ref": "other.json#/a"}}}, "no $ref to elsewhere"),
        ({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}, ""),
        ({"$id": "https://example.org/x.json", "type": "object"}, ""),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, ""),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, ""),
    ],
)
def test_a_schema_has_bounds(schema: Any, fault: str) -> None:
    told = fault_of_schema(schema)
    assert fault in told and bool(told) == bool(fault)


@pytest.mark.parametrize(
    ("text", "schema", "fault"),
    [
        (GOOD, CITY, ""),
        (BAD, CITY, "'name' is a required property"),
        ('{"name": "Ulm", "x": 1}', CITY, "'x' was unexpected"),
        (f"```json\n{GOOD}\n```", CITY, "code fence"),
        ("Ulm is a city.", CITY, "not JSON"),
        ("", CITY, "not JSON"),
        ("[" * 5_000, CITY, "not JSON"),
        ("null", {"type": ["object", "null"]}, ""),
        ("[1]", {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, "not of type"),
        ("0", {"type": "number", "minimum": 0, "exclusiveMinimum": True}, "minimum"),
        ('{"a": "\\ud83d"}', {"type": "object"}, ""),
        ('"aaa"', {"pattern": "(a+)+$"}, ""),
        ("1", {"$ref": "#/$defs/none"}, "does not hold"),
    ],
)
def test_what_fits(text: str, schema: dict[str, Any], fault: str) -> None:
    judged = judge(text, schema)
    assert bool(judged.faults) == bool(fault) and fault in " ".join(judged.faults)


BOMB = {
    "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 4} for n in range(12)} | {"a12": {"type": "string"}},
    "$ref": "#/$defs/a0",
}


TEXT = '"' + "a" * 40 + '!"'
MANY = {"type": "array", "items": {"anyOf": [{"const": number} for number in range(4_500)]}}
LISTED = {"type": "array", "items": {"enum": [f"{number}" for number in range(5_000)]}}
ONCE = {"type": "array", "uniqueItems": True}


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        (TEXT, BOMB),
        (TEXT, {"$ref": "#"}),
        (TEXT, {"type": "string", "pattern": "(a+)+$"}),
        (json.dumps([4_499] * 1_000), MANY),
        (json.dumps(["x"] * 10_000), LISTED),
        (json.dumps([{"a": number} for number in range(5_000)]), ONCE),
    ],
)
def test_a_hostile_schema_takes_no_time(text: str, schema: dict[str, Any]) -> None:
    before = time.process_time()
    judge(text, schema)
    assert time.process_time() - before < 6  # and not minutes


def test_items_that_must_be_there_once() -> None:
    assert judge('[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', ONCE).faults and not judge('[1, 2, "1"]', ONCE).faults


async def answered(
    *turns: list[Said], strict: bool = False, repairs: bool = True
) -> tuple[list[ev.AnyEvent], ScriptedProvider]:
    provider, agent = ScriptedProvider(list(turns)), archetype(echo)
    options = RunOptions(output=OutputFormat("city", CITY, strict, repairs))
    working = Agent(job(provider, agent, options=options), agent, path="", messages=(UserMessage("Go."),))
    happened = [each async for batch in working.work() for each in batch]
    check_stream(happened)
    await provider.close()
    return happened, provider


async def test_what_fits_is_told_as_it_is_and_stands_on_the_part() -> None:
    happened, _ = await answered(says(GOOD[:9], GOOD[9:]))
    [part] = fold(happened).parts
    assert part == {"type": "text", "text": GOOD, "output": {"name": "Ulm", "people": 129000}}
    assert not any(isinstance(each, ev.TurnReset) for each in happened)


async def test_a_value_holds_nothing_that_cannot_be_stored() -> None:
    happened, _ = await answered(says('{"name": "a\\ud83db\\u0000c"}'))
    [part] = fold(ev.load(ev.dump(happened))).parts
    assert "\x00" not in part["output"]["name"] and "a" in part["output"]["name"]


async def test_what_does_not_fit_is_taken_back_and_asked_for_once_more_with_what_is_wrong() -> None:
    happened, provider = await answered(says(BAD), says(GOOD))
    assert [each.reason for each in happened if isinstance(each, ev.TurnReset)] == ["output_invalid"]
    asked = provider.requests[1].messages[-2:]
    assert asked[0] == AssistantMessage(BAD)
    assert isinstance(asked[1], UserMessage) and "'name' is a required property" in asked[1].text
    told = fold(happened)
    assert told.content == GOOD and [each.usage.status for each in told.usages] == ["reported", "reported"]


async def test_twice_wrong_is_told_and_where_it_is_strict_a_failure() -> None:
    happened, _ = await answered(says(BAD), says(BAD))
    [part] = fold(happened).parts
    assert part["output"] is None and "'name' is a required property" in part["output_error"]
    with pytest.raises(OutputInvalid, match="required property"):
        await answered(says(BAD), says(BAD), strict=True)


async def test_where_readers_cannot_be_told_of_a_reset_it_is_only_looked_at() -> None:
    happened, provider = await answered(says(BAD), repairs=False)
    assert len(provider.requests) == 1 and fold(happened).parts[0]["output"] is None


CUT: list[Said] = [TextPiece('{"name": "U'), UsageReport(Usage(1, 0, 1)), Finish("length")]
REFUSED: list[Said] = [TextPiece("I cannot."), UsageReport(Usage(1, 0, 1)), Finish("content_filter")]


@pytest.mark.parametrize("turn", [CUT, REFUSED])
async def test_what_was_cut_or_refused_is_told_as_that(turn: list[Said]) -> None:
    happened, provider = await answered(turn, strict=True)
    assert len(provider.requests) == 1 and "output" not in fold(happened).parts[0]


async def test_only_the_last_turn_counts() -> None:
    happened, provider = await answered(calls(("echo", '{"word": "a"}'), text="I look."), says(GOOD), strict=True)
    assert len(provider.requests) == 2
    assert [part.get("output") for part in fold(happened).parts if part["type"] == "text"] == [
        None, {"name": "Ulm", "people": 129000},
    ]  # fmt: skip


async def test_a_call_beside_text_is_no_answer() -> None:
    turn: list[Said] = [TextPiece("x"), CallPiece(0, "echo", '{"word": "a"}'), Finish("stop")]
    happened, _ = await answered(turn, says(GOOD), strict=True)
    assert fold(happened).parts[-1]["output"]
