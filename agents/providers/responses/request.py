"""A ProviderRequest as the body of POST /responses. Pure.

Source: https://developers.openai.com/api/reference/resources/responses/methods/create (read with openai 3.52.0).
"""

from typing import Any

import msgspec

from agents.conversation import shaped
from agents.messages import Message, SystemMessage, ToolSpec
from agents.options import OutputFormat
from agents.providers.base import ProviderRequest
from agents.providers.refused import Terms
from agents.providers.responses import items

MIN_OUTPUT_TOKENS = 16  # the API refuses less

# Fields of chat completions that have the same name here, or another.
SAME = ("top_p", "parallel_tool_calls", "metadata", "service_tier", "prompt_cache_options", "prompt_cache_retention")
NO_SUMMARY = ("", "none")  # efforts by which nothing is thought that could be told


def encode(body: dict[str, Any]) -> bytes:
    """The body as JSON. Lone surrogates, which UTF-8 cannot carry, become question marks."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(body))


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_without_surrogates(name): _without_surrogates(each) for name, each in value.items()}
        case list():
            return [_without_surrogates(each) for each in value]
        case _:
            return value


def build(request: ProviderRequest, terms: Terms) -> dict[str, Any]:
    """The body as JSON values, as the server takes them. Nothing is stored there; so what the model thought comes with
    its answer, encrypted."""
    fitted = terms.fit(_fields(request))
    effort, summary = fitted.pop("reasoning_effort", None), fitted.pop("reasoning_summary", None)
    reasoning = {**({"effort": effort} if effort else {}), **({"summary": summary} if summary else {})}
    return {**fitted, "reasoning": reasoning} if reasoning else fitted


def _fields(request: ProviderRequest) -> dict[str, Any]:
    """What is asked for, by the names that it is refused by: flat."""
    instructions, messages = _parts(request)
    fields: dict[str, Any] = {
        "model": request.model,
        "input": items.build(messages),
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "instructions": instructions,
        "safety_identifier": request.user,
        "prompt_cache_key": request.chat,
        "temperature": request.temperature,
        "max_output_tokens": _most(request),
        "text": _text(request),
        **_reasoning(request),
        **_tools(request),
    }
    same = {name: request.extra[name] for name in SAME if name in request.extra}
    said = {name: value for name, value in fields.items() if value not in (None, "", {})}
    return {**same, **said}


def placed(request: ProviderRequest) -> list[Message]:
    """Which message each item of the input is of."""
    return [each for each in _parts(request)[1] for _ in items.build([each])]


def _parts(request: ProviderRequest) -> tuple[str, tuple[Message, ...]]:
    """What the model is told to be, and the conversation."""
    system = (SystemMessage(request.system),) if request.system else ()
    first, *rest = shaped((*system, *request.messages))
    return (first.text, tuple(rest)) if isinstance(first, SystemMessage) else ("", (first, *rest))


def _most(request: ProviderRequest) -> int | None:
    named = (request.extra.get(name) for name in ("max_completion_tokens", "max_tokens"))
    most = request.max_output_tokens or next((each for each in named if isinstance(each, int)), None)
    return None if most is None else max(most, MIN_OUTPUT_TOKENS)


def _reasoning(request: ProviderRequest) -> dict[str, Any]:
    effort = request.effort or request.extra.get("reasoning_effort") or ""
    summary = {} if effort in NO_SUMMARY else {"reasoning_summary": "auto"}
    return {"reasoning_effort": effort, **summary} if effort else {}


def _text(request: ProviderRequest) -> dict[str, Any]:
    form = _format(request.output) if request.output else _flat(request.extra.get("response_format"))
    verbosity = request.extra.get("verbosity")
    return {**({"format": form} if form else {}), **({"verbosity": verbosity} if verbosity else {})}


def _format(output: OutputFormat) -> dict[str, Any]:
    return {"type": "json_schema", "name": output.name, "schema": output.schema, "strict": output.strict}


def _flat(form: Any) -> dict[str, Any]:
    """`response_format` as it is called here: what stands under `json_schema` there stands beside `type`."""
    if not isinstance(form, dict) or form.get("type") == "text":
        return {}
    inner = form.get("json_schema")
    return {"type": form.get("type"), **inner} if isinstance(inner, dict) else form


def _tools(request: ProviderRequest) -> dict[str, Any]:
    if not request.tools:
        return {}
    choice = {} if request.tool_choice == "auto" else {"tool_choice": _choice(request.tool_choice)}
    return {"tools": [_tool(each) for each in request.tools], **choice}


def _choice(choice: str) -> str | dict[str, Any]:
    return choice if choice in ("required", "none") else {"type": "function", "name": choice}


def _tool(spec: ToolSpec) -> dict[str, Any]:
    """Not `strict`, which is what it would be by itself: then each field of the schema had to be required."""
    fields = {"name": spec.name, "description": spec.description, "parameters": spec.schema}
    return {"type": "function", **fields, "strict": False}
