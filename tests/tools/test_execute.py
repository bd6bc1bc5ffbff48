"""A tool call always comes to an outcome: a result, or a sentence for the model."""

import asyncio
import json
import logging
from datetime import UTC, date, datetime, time
from decimal import Decimal
from time import thread_time
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest

from tests.tools.contexts import context
from tools.base import Tool, ToolContext
from tools.decorator import tool
from tools.errors import RetryTool, ToolError
from tools.executor import BROKEN, execute
from tools.giving import give_pictures
from tools.results import Attached, ToolResult
from tools.validation import CHECK_MAX_S, TOO_MUCH, faults_of


@tool
async def count(ctx: ToolContext, path: str, lines: int = 3, kinds: list[str] | None = None) -> dict[str, Any]:
    """Count.

    Arguments:
        path: the file
    """
    return {"path": path, "lines": lines, "kinds": kinds}


@tool
async def choose(
    ctx: ToolContext, mode: Literal["fast", "slow"], ratio: float, flag: bool, free: dict[str, int]
) -> str:
    """Choose."""
    return "chosen"


def giving(value: Any, **options: Any) -> Tool:
    """A tool that gives the value, or raises it."""

    @tool(**options)
    async def give(ctx: ToolContext) -> Any:
        """Give."""
        if isinstance(value, BaseException):
            raise value
        return value

    return give


async def test_a_result_comes_back_as_json() -> None:
    done = await execute(count, context(), {"path": "a", "kinds": ["py"]})
    assert (done.outcome, done.error, done.truncated, done.retry) == ("returned", None, False, False)
    assert done.result == {"path": "a", "lines": 3, "kinds": ["py"]}
    assert done.elapsed_ms >= 0


async def test_what_rows_are_made_of_comes_back_as_text() -> None:
    row = {"price": Decimal("10.50"), "at": datetime(2026, 1, 2, 3, tzinfo=UTC), "on": date(2026, 1, 2), "by": time(3)}
    done = await execute(giving([{**row, "id": UUID(int=7)}]), context(), {})
    assert done.result == [
        {
            "price": "10.50",
            "at": "2026-01-02T03:00:00+00:00",
            "on": "2026-01-02",
            "by": "03:00:00",
            "id": "00000000-0000-0000-0000-000000000007",
        }
    ]


@pytest.mark.parametrize(
    ("which", "arguments", "sentence"),
    [
        (count, {}, "path: is required, a string (the file)."),
        (count, {"path": 5}, "path: expected a string, got 5."),
        (count, {"path": "a", "lines": "3"}, 'lines: expected a whole number, got the string "3".'),
        (count, {"path": "a", "lines": 3.0}, "lines: expected a whole number, got 3.0."),
        (count, {"path": "a", "lines": True}, "lines: expected a whole number, got true."),
        (
            count,
            {"path": "a", "kinds": "py"},
            'kinds: expected an array, each item a string or null, got the string "py".',
        ),
        (count, {"path": "a", "colour": 1}, "colour: no such argument; it takes path, lines, kinds."),
        (count, [], "arguments: expected an object, got an array of 0."),
        (count, None, "arguments: expected an object, got null."),
        (choose, {"mode": "x", "ratio": 1, "flag": True, "free": {}}, 'mode: expected one of "fast", "slow", got'),
        (choose, {"mode": "fast", "ratio": 1, "flag": 1, "free": {}}, "flag: expected true or false, got 1."),
        (choose, {"mode": "fast", "ratio": 1, "flag": True, "free": {"a": "b"}}, "free.a: expected a whole number"),
        (
            choose,
            {"mode": "fast", "ratio": float("nan"), "flag": True, "free": {}},
            "ratio: expected a number, got null",
        ),
    ],
)
async def test_wrong_arguments_are_refused_with_the_field_and_what_was_expected(
    which: Tool, arguments: Any, sentence: str
) -> None:
    done = await execute(which, context(), arguments)
    assert (done.outcome, done.retry, done.result) == ("refused", True, None)
    assert sentence in (done.error or "")


async def test_a_huge_wrong_argument_does_not_come_back() -> None:
    done = await execute(count, context(), {"path": 1, "lines": "x" * 5_000_000, "y" * 5_000_000: 1})
    assert len(done.error or "") < 2_100
    assert "path: expected a string" in (done.error or "")


@pytest.mark.parametrize(
    ("schema", "arguments", "told"),
    [
        ({"properties": {"x": True}, "required": ["x"]}, {}, "x: is required, a value."),
        ({"properties": {"x": {"type": "array", "items": True}}}, {"x": 1}, "x: expected an array, got 1."),
        ({"properties": {"x": {"type": "array", "items": False}}}, {"x": [1]}, "x: expected items false"),
        ({"properties": {"x": False}}, {"x": 1}, "arguments: 1 is not taken."),
        ({"properties": {"x": False}, "required": ["x"]}, {}, "x: is required, another value."),
        ({"properties": {"x": {"allOf": [True, {"anyOf": [False, {"type": "null"}]}]}}}, {"x": 1}, "another value or"),
        ({"type": "array", "items": True}, {}, "arguments: expected an array"),
        ({"properties": {"x": {"multipleOf": 0.5}}}, {"x": 10**400}, TOO_MUCH),
    ],
)
def test_schemas_of_others_may_be_true_or_false(schema: dict[str, Any], arguments: Any, told: str) -> None:
    assert told in " ".join(faults_of(schema, arguments))


def test_long_arguments_are_not_checked_for_ever_by_a_long_schema() -> None:
    schema = {"type": "array", "items": {"allOf": [{"type": "integer"}] * 500}}
    began = thread_time()
    assert faults_of(schema, [1] * 20_000) == [TOO_MUCH]
    assert thread_time() - began < CHECK_MAX_S * 2


async def test_many_faults_are_told_five_at_a_time() -> None:
    done = await execute(choose, context(), {"free": {f"k{i}": "x" for i in range(100)}})
    assert "And 98 more." in (done.error or "")


async def test_a_caller_without_the_permission_is_refused_when_it_runs() -> None:
    done = await execute(giving(1, permission="deploy"), context(), {})
    assert done.outcome == "refused" and not done.retry
    assert "permission 'deploy'" in (done.error or "")


async def test_a_project_without_the_capability_is_refused() -> None:
    done = await execute(giving(1, capability="repository"), context(capabilities=frozenset()), {})
    assert done.outcome == "refused" and "repository" in (done.error or "")


async def test_a_tool_that_was_not_offered_is_refused() -> None:
    done = await execute(giving(1), context(), {}, offered=False)
    assert done.outcome == "refused" and done.result is None


async def test_the_tool_errors_reach_the_model_and_nothing_else_does(caplog: pytest.LogCaptureFixture) -> None:
    final = await execute(giving(ToolError("No such file.")), context(), {})
    assert (final.outcome, final.error, final.retry) == ("failed", "No such file.", False)
    again = await execute(giving(RetryTool("Ask list_files.")), context(), {})
    assert (again.outcome, again.error, again.retry) == ("failed", "Ask list_files.", True)
    assert not caplog.records
    with caplog.at_level(logging.ERROR):
        bug = await execute(giving(KeyError("/srv/secret")), context(), {})
    assert (bug.outcome, bug.error, bug.retry) == ("failed", BROKEN.format(name="give"), False)
    assert caplog.records[0].exc_info is not None


async def test_a_tool_is_stopped_at_its_time_limit() -> None:
    stopped = asyncio.Event()

    @tool(timeout_s=0.05, permission="write")
    async def hang(ctx: ToolContext) -> None:
        """Hang."""
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()

    done = await execute(hang, context(), {})
    assert stopped.is_set()
    assert done.outcome == "failed"
    assert done.error == "hang took longer than 0.05 s and was stopped. It may or may not have taken effect."
    assert 50 <= done.elapsed_ms < 5_000


async def test_a_timeout_inside_the_tool_is_our_bug_not_its_limit() -> None:
    done = await execute(giving(TimeoutError()), context(), {})
    assert done.error == BROKEN.format(name="give")


async def test_a_cancel_passes() -> None:
    started = asyncio.Event()

    @tool
    async def hang(ctx: ToolContext) -> None:
        """Hang."""
        started.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(execute(hang, context(), {}))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", {("a",): 1}])
async def test_a_result_that_is_not_json_is_our_bug(value: Any) -> None:
    done = await execute(giving(value), context(), {})
    assert (done.outcome, done.error) == ("failed", BROKEN.format(name="give"))


async def test_a_result_nested_without_end_is_our_bug() -> None:
    value: list[Any] = []
    value.append(value)
    done = await execute(giving(value), context(), {})
    assert done.error == BROKEN.format(name="give")


async def test_what_cannot_be_stored_is_cleaned_from_arguments_and_results() -> None:
    done = await execute(count, context(), {"path": "a\x00b\ud800c"})
    assert done.result["path"] == "a\ufffdb\ufffdc"
    done = await execute(giving({"a\x00": ["\udfff", ("x", float("nan"))]}), context(), {})
    assert done.result == {"a\ufffd": ["\ufffd", ["x", None]]}
    assert json.dumps(done.result, allow_nan=False).encode()
    done = await execute(giving(ToolError("no \x00")), context(), {})
    assert done.error == "no \ufffd"


@pytest.mark.parametrize("value", ["é" * 50_000, ["x" * 10] * 5_000, {"rows": list(range(10_000))}])
async def test_a_long_result_is_cut_at_the_limit_and_says_so(value: Any) -> None:
    done = await execute(giving(value, max_result_bytes=5_000), context(), {})
    assert done.truncated and done.outcome == "returned"
    assert isinstance(done.result, str)
    assert 4_990 <= len(done.result.encode()) <= 5_000
    assert done.result.endswith("the limit is 5,000]")
    assert "[cut: " in done.result


async def test_a_result_of_exactly_the_limit_is_whole() -> None:
    done = await execute(giving("x" * 5_000, max_result_bytes=5_000), context(), {})
    assert not done.truncated and done.result == "x" * 5_000


async def test_files_come_with_a_result_and_one_that_is_made_up_is_our_bug() -> None:
    file = Attached(id=str(uuid4()), name="a chart")
    outcome = await execute(giving(ToolResult({"a": 1}, (file,))), context(), {})
    assert (outcome.result, outcome.attachments) == ({"a": 1}, (file,))
    with pytest.raises(ValueError, match="UUID"):
        Attached(id="my chart")


@pytest.mark.parametrize(("may", "why"), [(False, "answers of a chat alone"), (True, "no time left")])
async def test_pictures_that_cannot_be_kept_fail_nothing(may: bool, why: str, settings: Any) -> None:
    settings.ATTACHMENT_RESULT_TIMEOUT_S = 0.0
    kept = await give_pictures(context(may_attach=may), [("a", b"1"), ("b", b"2")])
    assert kept.attachments == () and len(kept.faults) == 2 and all(why in each for each in kept.faults)
