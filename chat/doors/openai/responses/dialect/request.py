"""What a POST to the Responses API asks for. Source: https://platform.openai.com/docs/api-reference/responses/create
(openai 3.52.0) and Open Responses 2026-04-24. Read 2026-11.

Fields that nobody here knows are ignored, as OpenAI's clients expect; refused by name are those that would change the
answer and that we cannot do: tools that OpenAI runs, stored prompts, log probabilities.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from accounts.errors import Invalid, refuse
from agents.messages import ToolSpec
from agents.options import EFFORTS, OutputFormat, RunOptions
from chat.doors import fields
from chat.doors.openai.responses.dialect.ids import CONVERSATION, RESPONSE
from chat.doors.openai.responses.dialect.items import Entry, read_input

Value = TypeVar("Value")
Body = dict[str, Any]

TOOL_CHOICES = ("auto", "none", "required")
METADATA_MAX = 16
NOT_ON_A_SOCKET = ("stream", "stream_options", "background")
COMPACT_LEAST = 1_000  # tokens
COMPACT_BY_MODEL = 10_000_000  # none was named: what the model can read is less
SUMMARIES = ("auto", "concise", "detailed")


@dataclass(frozen=True)
class Asked:
    """A request, read; what it names has not been looked up."""

    model: str
    entries: tuple[Entry, ...]
    previous: str = ""  # wire ids
    conversation: str = ""
    temperature: float | None = None  # None: the chat's
    effort: str | None = None
    is_stored: bool = True
    is_streamed: bool = False
    in_background: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    echo: Body = field(default_factory=dict)  # what the response says of it


def parse(body: Body) -> Asked:
    """The request of `POST /responses`, or of `response.create` on a socket. Raises Invalid naming the field."""
    if _given(body, "prompt"):
        raise refuse("prompt", "There are no stored prompts: send instructions and input.")
    tools = _tools(body)
    choice, allowed = _tool_choice(body, tools)
    asked = Asked(
        model=_model(body),
        entries=read_input(_required(body, "input")),
        previous=_id(body, "previous_response_id", RESPONSE),
        conversation=_conversation(body),
        temperature=_optional(body, "temperature", None, _number(0, 2)),
        effort=_effort(body),
        is_stored=_optional(body, "store", True, _flag),
        is_streamed=_optional(body, "stream", False, _flag),
        in_background=_optional(body, "background", False, _flag),
        options=RunOptions(
            instructions=_instructions(body),
            tools=allowed,
            tool_choice=choice,
            max_output_tokens=_optional(body, "max_output_tokens", None, _count(1)),
            output=_output(body),
            extra=_extra(body, has_tools=bool(allowed)),
            compact_at=_compact_at(body),
        ),
    )
    _check_together(asked)
    return Asked(**{**vars(asked), "echo": _echo(body, asked)})


def _output(body: Body) -> OutputFormat | None:
    """What the answer must be. It is asked for once more where nobody has read any of it yet."""
    asked = _part(body, "text").get("format")
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return None
    schema = {name: value for name, value in asked.items() if name != "type"}
    return fields.output(schema, "text.format", repairs=not body.get("stream"))


def parse_socket(body: Body) -> Asked:
    """The same for a message of a socket, which is always streamed."""
    for name in NOT_ON_A_SOCKET:
        if _given(body, name) is not None:
            raise refuse(name, "Leave it out: a turn on a WebSocket is streamed, and not in the background.")
    return parse({**body, "stream": True})


def parse_compact(body: Body) -> Asked:
    """The request of `POST /responses/compact`: what is to be compacted; nothing of it is kept."""
    has_input = _given(body, "input") is not None
    return Asked(
        model=_model(body),
        entries=read_input(body["input"]) if has_input else (),
        previous=_id(body, "previous_response_id", RESPONSE, is_required=not has_input),
        is_stored=False,
        options=RunOptions(instructions=_instructions(body)),
    )


def metadata(body: Body) -> dict[str, str]:
    """Up to 16 texts of the caller's own, by name."""
    value = body.get("metadata")
    value = {} if value is None else value
    is_right = isinstance(value, dict) and len(value) <= METADATA_MAX
    if not is_right or not all(isinstance(each, str) and len(each) <= 512 for each in value.values()):
        raise refuse("metadata", f"Expected an object of at most {METADATA_MAX} texts of up to 512 characters.")
    if any(len(name) > 64 for name in value):
        raise refuse("metadata", "Expected names of at most 64 characters.")
    return dict(value)


def _check_together(asked: Asked) -> None:
    if asked.previous and asked.conversation:
        told = ["Send either previous_response_id or conversation."]
        raise Invalid(told[0], fields={"conversation": told, "previous_response_id": told})
    if asked.in_background and not asked.is_stored:
        raise refuse("background", "A response in the background is stored: leave store out.")


def _echo(body: Body, asked: Asked) -> Body:
    reasoning = _given(body, "reasoning") or {}
    return {
        "model": asked.model,
        "previous_response_id": asked.previous or None,
        "instructions": _given(body, "instructions"),
        "tools": [_echoed(tool) for tool in _given(body, "tools") or []],
        "tool_choice": body.get("tool_choice") or "auto",
        "truncation": _optional(body, "truncation", "disabled", _one_of("auto", "disabled")),
        "parallel_tool_calls": _optional(body, "parallel_tool_calls", True, _flag),
        "text": _text_echo(body),
        "top_p": _optional(body, "top_p", 1.0, _number(0, 1)),
        "presence_penalty": _optional(body, "presence_penalty", 0.0, _number(-2, 2)),
        "frequency_penalty": _optional(body, "frequency_penalty", 0.0, _number(-2, 2)),
        "top_logprobs": _optional(body, "top_logprobs", 0, _no_logprobs),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "max_output_tokens": asked.options.max_output_tokens,
        "max_tool_calls": _optional(body, "max_tool_calls", None, _count(1)),
        "store": asked.is_stored,
        "background": asked.in_background,
        "metadata": metadata(body),
        "safety_identifier": _optional(body, "safety_identifier", None, fields.name),
        "prompt_cache_key": _optional(body, "prompt_cache_key", None, fields.name),
    }


def _echoed(tool: Body) -> Body:
    known = ("name", "description", "parameters", "strict")
    return {"type": "function", **{name: tool.get(name) for name in known}}


def _compact_at(body: Body) -> int | None:
    """From how many tokens of input on the older part of the conversation is summed up; None: as the model can read."""
    found = fields.objects(_given(body, "context_management") or [], "context_management")
    if len(found) > 1 or any(each.get("type") != "compaction" for each in found):
        raise refuse("context_management", "Expected at most one object, of the type compaction.")
    if not found:
        return None
    threshold = found[0].get("compact_threshold")
    is_number = isinstance(threshold, int) and not isinstance(threshold, bool)
    if threshold is not None and not (is_number and COMPACT_LEAST <= threshold <= 10_000_000):
        raise refuse(
            "context_management.0.compact_threshold", f"Expected a number of tokens, at least {COMPACT_LEAST:,}."
        )
    return COMPACT_BY_MODEL if threshold is None else threshold


# --- Single fields ----------------------------------------------------------------------------------------------------


def _given(body: Body, name: str) -> Any:
    """The field; null is the same as leaving it out."""
    return body.get(name)


def _required(body: Body, name: str) -> Any:
    if _given(body, name) is None:
        raise Invalid(
            f"Missing required parameter: '{name}'.",
            code="missing_required_parameter",
            fields={name: ["Send it."]},
        )
    return body[name]


def _optional(body: Body, name: str, default: Value, read: Callable[[Any, str], Value]) -> Value:
    value = _given(body, name)
    return default if value is None else read(value, name)


def _model(body: Body) -> str:
    return fields.name(_required(body, "model"), "model")


def _id(body: Body, name: str, prefix: str, *, is_required: bool = False) -> str:
    value = _required(body, name) if is_required else _given(body, name)
    if value is None:
        return ""
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise refuse(name, f"Expected an id that begins with {prefix}.")
    return value


def _conversation(body: Body) -> str:
    value = _given(body, "conversation")
    return _id({"conversation": value.get("id")} if isinstance(value, dict) else body, "conversation", CONVERSATION)


def _instructions(body: Body) -> str:
    value = _optional(body, "instructions", "", fields.text)
    return fields.instructions([value], "instructions")


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise refuse(name, "Expected true or false.")
    return value


def _number(least: float, most: float) -> Callable[[Any, str], Any]:
    def read(value: Any, name: str) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not least <= value <= most:
            raise refuse(name, f"Expected a number from {least} to {most}.")
        return value

    return read


def _count(least: int) -> Callable[[Any, str], Any]:
    def read(value: Any, name: str) -> Any:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000_000:
            raise refuse(name, f"Expected a whole number, at least {least}.")
        return value

    return read


def _one_of(*names: str) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        if value not in names:
            raise refuse(name, f"Expected one of: {', '.join(names)}.")
        return str(value)

    return read


def _no_logprobs(value: Any, name: str) -> int:
    if value != 0 or isinstance(value, bool):
        raise refuse(name, "Expected 0: log probabilities are not given.")
    return 0


def _part(body: Body, name: str) -> Body:
    """A field that is an object; empty where it is left out."""
    value = _given(body, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(name, "Expected an object.")
    return value


# --- Tools ------------------------------------------------------------------------------------------------------------


def _tools(body: Body) -> tuple[ToolSpec, ...]:
    found = fields.objects(_given(body, "tools") or [], "tools")
    return fields.tools([_tool(each, f"tools.{number}") for number, each in enumerate(found)], "tools")


def _tool(tool: Body, place: str) -> ToolSpec:
    if tool.get("type") != "function":
        raise refuse(f"{place}.type", "Expected function: other tools are not run here.")
    if not isinstance(tool.get("strict"), bool | None):
        raise refuse(f"{place}.strict", "Expected true, false or null.")
    return fields.tool(tool.get("name"), tool.get("description"), tool.get("parameters"), place)


def _tool_choice(body: Body, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    """How tools are chosen, and the tools there are to choose from."""
    choice = _given(body, "tool_choice")
    if choice is None or (isinstance(choice, str) and choice in TOOL_CHOICES):
        return choice or "auto", tools
    names = {each.name for each in tools}
    match choice:
        case {"type": "function", "name": str(name)} if name in names:
            return name, tools
        case {"type": "allowed_tools", "mode": "auto" | "required" as mode, "tools": list(listed)}:
            allowed = {each.get("name") for each in listed if isinstance(each, dict)}
            if allowed <= names:
                return mode, tuple(each for each in tools if each.name in allowed)
    raise refuse("tool_choice", "Expected auto, none, required, or a function of tools by its name.")


# --- What is passed on to the provider as it is -----------------------------------------------------------------------


def _extra(body: Body, *, has_tools: bool) -> Body:
    """In the words of chat completions, which the provider speaks."""
    extra = {
        "top_p": _optional(body, "top_p", None, _number(0, 1)),
        "presence_penalty": _optional(body, "presence_penalty", None, _number(-2, 2)),
        "frequency_penalty": _optional(body, "frequency_penalty", None, _number(-2, 2)),
        "response_format": _response_format(body),
        "verbosity": _verbosity(body),
        "parallel_tool_calls": _optional(body, "parallel_tool_calls", None, _flag) if has_tools else None,
    }
    return {name: value for name, value in extra.items() if value is not None}


def _effort(body: Body) -> str | None:
    reasoning = _part(body, "reasoning")
    for name in ("summary", "generate_summary"):
        if reasoning.get(name) is not None:
            _one_of(*SUMMARIES)(reasoning[name], "reasoning.summary")
    effort = reasoning.get("effort")
    return None if effort is None else _one_of(*EFFORTS)(effort, "reasoning.effort")


def _verbosity(body: Body) -> str | None:
    value = _part(body, "text").get("verbosity")
    return None if value is None else _one_of("low", "medium", "high")(value, "text.verbosity")


def _response_format(body: Body) -> Body | None:
    asked = _part(body, "text").get("format")
    match asked:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case {"type": "json_schema", "name": str(name), "schema": dict(schema)}:
            kept = {key: asked[key] for key in ("description", "strict") if asked.get(key) is not None}
            return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **kept}}
    raise refuse("text.format", "Expected text, json_object, or json_schema with a name and a schema.")


def _text_echo(body: Body) -> Body:
    text = _given(body, "text") or {}
    wanted = text.get("format") or {"type": "text"}
    if wanted["type"] == "json_schema":
        wanted = {**{name: wanted.get(name) for name in ("type", "name", "description", "schema")},
                  "strict": bool(wanted.get("strict"))}  # fmt: skip
    return {"format": wanted, **({"verbosity": text["verbosity"]} if text.get("verbosity") else {})}
