"""A tool call, from the model's arguments to what the model is told. No Django.

Nothing that a tool or a model does gets past `execute` as an exception: a fault of the tool is an outcome with a
sentence for the model, a bug of ours is logged with its trace and told as one neutral sentence. Only a cancel passes.
"""

import asyncio
import json
import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from tools.base import Tool, ToolContext
from tools.cleaning import clean, clean_json
from tools.errors import RetryTool, ToolError
from tools.forms import NeedsPerson
from tools.results import Attached, ToolResult
from tools.validation import faults_of

logger = logging.getLogger(__name__)
debug = logging.getLogger("parley.tools")  # CHAT_DEBUG: docs/logs.md

MAX_ERROR_CHARS = 2_000
NOBODY_TO_ASK = "It wants something from a person first, and nobody can be asked here. Go on without it."
BROKEN = "The tool {name} failed for an internal reason. It is logged; go on without it."


@dataclass(frozen=True)
class ToolOutcome:
    """What came of a call: a result, or the sentence that the model is told instead."""

    outcome: Literal["returned", "failed", "refused", "asks"]  # refused: it was not run; asks: it waits for a person
    result: Any | None = None  # JSON, clean
    error: str | None = None
    retry: bool = False  # other arguments could succeed
    truncated: bool = False  # the result was cut at the tool's limit, and says so
    elapsed_ms: int = 0
    needs: NeedsPerson | None = None  # what it asks for
    attachments: tuple[Attached, ...] = ()  # files that belong to the result


async def execute(tool: Tool, ctx: ToolContext, arguments: Any, *, offered: bool = True) -> ToolOutcome:
    """Run the tool, if it is `offered` to this agent and allowed to this caller, and the arguments fit its schema."""
    started = time.monotonic()
    outcome = _refusal(tool, ctx, offered) or await _checked(tool, ctx, arguments)
    ms = int((time.monotonic() - started) * 1000)
    debug.debug("%r in run %s: %s after %d ms", tool.name, ctx.run_id, outcome.outcome, ms, extra={"duration_ms": ms})
    return replace(outcome, elapsed_ms=ms)


def _refusal(tool: Tool, ctx: ToolContext, offered: bool) -> ToolOutcome | None:
    """Why it is not run at all; None when it may be."""
    if not offered:
        return ToolOutcome("refused", error=f"The tool {tool.name} is not one of yours here.")
    if tool.permission not in ctx.permissions:
        needs = f"it needs the permission {tool.permission!r}"
        return ToolOutcome("refused", error=f"The person you act for may not use {tool.name}: {needs}.")
    if not tool.offered_in(ctx):
        return ToolOutcome("refused", error=f"The tool {tool.name} needs a project with a {tool.capability}.")
    return None


async def _checked(tool: Tool, ctx: ToolContext, arguments: Any) -> ToolOutcome:
    """Validate, run, cut. The one place where any exception is caught."""
    try:
        arguments = clean_json(arguments)
        if faults := faults_of(tool.schema, arguments):
            return ToolOutcome("refused", error=_cut(f"{tool.name} was not run. {' '.join(faults)}"), retry=True)
        given = await _given(tool, ctx, arguments)
        result, truncated = _fit(clean_json(given.value), tool.max_result_bytes)
        return ToolOutcome("returned", result=result, truncated=truncated, attachments=given.attachments)
    except ToolTimeout:
        return ToolOutcome("failed", error=_timeout_text(tool))
    except NeedsPerson as needs:
        return ToolOutcome("asks", needs=needs) if ctx.may_ask else ToolOutcome("failed", error=NOBODY_TO_ASK)
    except RetryTool as fault:
        return ToolOutcome("failed", error=_cut(str(fault)), retry=True)
    except ToolError as fault:
        return ToolOutcome("failed", error=_cut(str(fault)))
    except Exception:
        logger.exception("Tool %s failed in run %s", tool.name, ctx.run_id)
        return ToolOutcome("failed", error=BROKEN.format(name=tool.name))


class ToolTimeout(Exception):
    """The tool used up its timeout_s; a TimeoutError of its own is something else, a bug."""


async def _given(tool: Tool, ctx: ToolContext, arguments: dict[str, Any]) -> ToolResult:
    """What the tool gave, in its time."""
    try:
        async with asyncio.timeout(tool.timeout_s) as limit:
            value = await tool.function(ctx, **arguments)
    except TimeoutError as error:
        if limit.expired():
            raise ToolTimeout from error
        raise
    return value if isinstance(value, ToolResult) else ToolResult(value)


def _fit(value: Any, max_bytes: int) -> tuple[Any, bool]:
    """The value, or the start of its text with a mark; a text counts as it is, anything else as JSON."""
    as_json = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text = value if isinstance(value, str) else as_json
    data = text.encode()
    if len(data) <= max_bytes:
        return json.loads(as_json), False  # tuples become lists here, and number keys texts, as they will when stored
    mark = f"\n[cut: this is the start; the whole result has {len(data):,} bytes, the limit is {max_bytes:,}]"
    return data[: max_bytes - len(mark)].decode(errors="ignore") + mark, True


def _timeout_text(tool: Tool) -> str:
    told = f"{tool.name} took longer than {tool.timeout_s:g} s and was stopped."
    return told if tool.idempotent or tool.permission == "read" else f"{told} It may or may not have taken effect."


def _cut(text: str) -> str:
    text = clean(text)
    return text if len(text) <= MAX_ERROR_CHARS else f"{text[:MAX_ERROR_CHARS]} [cut]"
