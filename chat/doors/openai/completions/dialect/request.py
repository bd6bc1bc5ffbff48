"""What a POST to chat completions asks for. Source: https://platform.openai.com/docs/api-reference/chat/create
(openai 3.52.0). Read 2026-11.

How the model is to sample is passed on as it is. Refused by name is what would change the answer and cannot be done
here; what nobody here knows is ignored, as OpenAI's clients expect.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from accounts.errors import Invalid, refuse
from agents.messages import ToolSpec
from agents.options import EFFORTS, OutputFormat, RunOptions
from chat.doors import fields
from chat.doors.openai.completions.dialect import encoder as completions
from chat.doors.openai.completions.dialect import messages as completions_messages
from chat.run_request import RunRequest

Body = dict[str, Any]
Read = Callable[[Any, str], Any]

TOKENS_MAX = 10_000_000
STOPS_MAX, STOP_MAX_CHARS = 4, 1_000
BIASES_MAX = 1_000
TOOL_CHOICES = ("auto", "none", "required")
SAMPLER = "Leave it out: models here know temperature, top_p, seed, stop and the two penalties."
ONE_TOKEN = "Leave it out: log probabilities are not given."
FUNCTIONS = "Send tools and tool_choice."
# Not done here, each with what to do instead.
REFUSED = {
    "audio": "Leave it out: answers are text.",
    "best_of": SAMPLER,
    "echo": "Leave it out: the answer does not repeat the messages.",
    "function_call": FUNCTIONS,
    "functions": FUNCTIONS,
    "guided_choice": "Send response_format.",
    "guided_grammar": "Send response_format.",
    "guided_json": "Send response_format.",
    "guided_regex": "Send response_format.",
    "min_p": SAMPLER,
    "moderation": "Leave it out: nothing is moderated here.",
    "repetition_penalty": SAMPLER,
    "top_a": SAMPLER,
    "top_k": SAMPLER,
    "top_logprobs": ONE_TOKEN,
    "web_search_options": "Leave it out: a model parley/<archetype> searches by its own tools.",
}


def parse(body: Body) -> RunRequest:
    """The run that is asked for; its `model` is as the client named it. Raises Invalid naming the field."""
    _refuse_unable(body)
    model = fields.name(_required(body, "model"), "model")
    instructions, items = completions_messages.read(_required(body, "messages"))
    tools = _tools(body)
    choice, allowed = _tool_choice(body, tools)
    return RunRequest(
        items=items,
        model=model,
        temperature=fields.optional(body, "temperature", fields.number(0, 2)),
        effort=fields.optional(body, "reasoning_effort", fields.one_of(*EFFORTS)),
        door=completions.NAME,
        options=RunOptions(
            instructions=instructions,
            tools=allowed,
            tool_choice=choice,
            max_output_tokens=_max_tokens(body),
            output=_output(body),
            extra=_extra(body, has_tools=bool(allowed)),
        ),
        request={"model": model, "include_usage": _include_usage(body), **_unstored(body)},
    )


def _unstored(body: Body) -> dict[str, bool]:
    """Of who says so: what was answered is not told again either. Nothing else of completions is kept anyway."""
    return {"store": False} if body.get("store") is False else {}


def wants_stream(body: Body) -> bool:
    """Whether the answer comes in chunks."""
    return bool(fields.optional(body, "stream", fields.flag))


def _output(body: Body) -> OutputFormat | None:
    """What the answer must be. It is asked for once more where nobody has read any of it yet."""
    asked = body.get("response_format")
    schema = asked.get("json_schema") if isinstance(asked, dict) and asked.get("type") == "json_schema" else None
    return fields.output(schema, "response_format.json_schema", repairs=not wants_stream(body))


def _required(body: Body, name: str) -> Any:
    if body.get(name) is None:
        told = f"Missing required parameter: '{name}'."
        raise Invalid(told, code="missing_required_parameter", fields={name: ["Send it."]})
    return body[name]


def _refuse_unable(body: Body) -> None:
    for name, instead in REFUSED.items():
        if body.get(name) not in (None, False, 0, [], {}):
            raise refuse(name, instead)
    _only(body, "n", 1, "Expected 1: there is one answer.")
    _only(body, "logprobs", False, ONE_TOKEN)
    _only(body, "store", False, "Leave it out: completions are not kept. POST to /responses for answers that are.")
    if body.get("modalities") not in (None, [], ["text"]):
        raise refuse("modalities", 'Expected ["text"].')


def _only(body: Body, name: str, value: Any, otherwise: str) -> None:
    """The field may be left out, or have the only value there is."""
    given = body.get(name)
    if given is not None and (type(given) is not type(value) or given != value):
        raise refuse(name, otherwise)


def _include_usage(body: Body) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise refuse("stream_options", "Expected an object.")
    return options.get("include_usage") is not None and fields.flag(
        options["include_usage"], "stream_options.include_usage"
    )


def _max_tokens(body: Body) -> int | None:
    """By the field's newer name or its older."""
    read = fields.whole(1, TOKENS_MAX)
    older = fields.optional(body, "max_tokens", read)
    newer = fields.optional(body, "max_completion_tokens", read)
    return older if newer is None else newer


# --- Tools ------------------------------------------------------------------------------------------------------------


def _tools(body: Body) -> tuple[ToolSpec, ...]:
    found = fields.objects(body.get("tools") or [], "tools")
    return fields.tools([_tool(each, f"tools.{number}") for number, each in enumerate(found)], "tools")


def _tool(tool: Body, place: str) -> ToolSpec:
    function = tool.get("function")
    if tool.get("type") != "function" or not isinstance(function, dict):
        raise refuse(f"{place}.type", "Expected function, with the function: other tools are not run here.")
    place = f"{place}.function"
    return fields.tool(function.get("name"), function.get("description"), function.get("parameters"), place)


def _tool_choice(body: Body, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    """How tools are chosen, and the tools there are to choose from."""
    choice = body.get("tool_choice")
    if choice is None or (isinstance(choice, str) and choice in TOOL_CHOICES):
        if choice == "required" and not tools:
            raise refuse("tool_choice", "Expected tools to choose from.")
        return choice or "auto", tools
    names = {each.name for each in tools}
    match choice:
        case {"type": "function", "function": {"name": str(name)}} if name in names:
            return name, tools
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required" as mode, "tools": list(listed)}}:
            allowed = set(_names(listed))
            if allowed <= names:
                return mode, tuple(each for each in tools if each.name in allowed)
    raise refuse("tool_choice", "Expected auto, none, required, or a function of tools by its name.")


def _names(listed: Iterable[Any]) -> Iterator[Any]:
    for each in listed:
        match each:
            case {"type": "function", "function": {"name": str(name)}}:
                yield name
            case _:
                yield None  # which no tool is called


# --- What is passed on to the provider as it is -----------------------------------------------------------------------


def _extra(body: Body, *, has_tools: bool) -> Body:
    read: dict[str, Read] = {
        "top_p": fields.number(0, 1),
        "seed": fields.whole(-(2**63), 2**63 - 1),
        "stop": _stop,
        "presence_penalty": fields.number(-2, 2),
        "frequency_penalty": fields.number(-2, 2),
        "logit_bias": _logit_bias,
        "response_format": _response_format,
        "verbosity": fields.one_of("low", "medium", "high"),
    }
    if has_tools:
        read["parallel_tool_calls"] = fields.flag
    found = {name: fields.optional(body, name, each) for name, each in read.items()}
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _stop(value: Any, field: str) -> Any:
    texts = [value] if isinstance(value, str) else value
    is_right = isinstance(texts, list) and len(texts) <= STOPS_MAX
    if not is_right or not all(isinstance(each, str) and 1 <= len(each) <= STOP_MAX_CHARS for each in texts):
        raise refuse(field, f"Expected a text, or a list of at most {STOPS_MAX}.")
    return value


def _logit_bias(value: Any, field: str) -> Body:
    if not isinstance(value, dict) or len(value) > BIASES_MAX:
        raise refuse(field, f"Expected an object of at most {BIASES_MAX} tokens.")
    for token, bias in value.items():
        if not (token.isascii() and token.isdigit()):
            raise refuse(field, "Expected ids of tokens.")
        fields.number(-100, 100)(bias, field)
    return value


def _response_format(value: Any, field: str) -> Body | None:
    match value:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case {"type": "json_schema", "json_schema": {"name": str(name), "schema": dict(schema)} as asked}:
            kept = {key: asked[key] for key in ("description", "strict") if asked.get(key) is not None}
            return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **kept}}
    raise refuse(field, "Expected text, json_object, or json_schema with a name and a schema.")
