"""The part of the OpenAPI of chat completions and models, under both base addresses."""

from typing import Any

from agents.options import EFFORTS
from chat.doors.openai.responses.openapi import BASES, PROJECT, maybe, names, operation, under
from chat.doors.openapi.refusals import SAYING
from chat.doors.openapi.schemas import Schema, event, gives, ref

NO_MODEL = "No such model (model_not_found)"

ANSWERS: Schema = {
    "description": "The completion; with `stream: true` its chunks, and `[DONE]`.",
    "content": {
        "application/json": {"schema": ref("Completion")},
        "text/event-stream": {"schema": event(ref("CompletionChunk"))},
    },
}
OPERATIONS: dict[str, Schema] = {
    "/chat/completions": {
        "post": operation(
            "Answer a conversation of which nothing is kept.", ANSWERS, parameters=[PROJECT], body="CompletionRequest",
            e404=NO_MODEL, e429=SAYING[429], e500="The run failed", e502="The model failed", e504="It took too long",
        )
    },
    "/models": {"get": operation("Models and agents.", gives(ref("Models"), "All that a request may name."))},
    "/models/{model_id}": {
        "get": operation("One model.", gives(ref("Model"), "The model."), parameters=names("model_id"), e404=NO_MODEL)
    },
}  # fmt: skip
PATHS: dict[str, Schema] = {path: methods for base in BASES for path, methods in under(base, OPERATIONS).items()}


def known(object: str, **properties: Any) -> Schema:
    """An object of OpenAI's, whose fields are all there."""
    fields = {"object": {"enum": [object]}, **properties}
    return {"type": "object", "required": list(fields), "properties": fields}


TEXT, NUMBER, LIST = {"type": "string"}, {"type": "integer"}, {"type": "array", "items": {"type": "object"}}
SCHEMAS: dict[str, Schema] = {
    "CompletionRequest": {
        "type": "object",
        "required": ["model", "messages"],
        "description": "OpenAI's parameters. What cannot be done is refused, what is unknown ignored.",
        "properties": {
            "model": {"type": "string", "description": "One of GET /v1/models: `parley/<archetype>` is an agent."},
            "messages": {"type": "array", "minItems": 1, "items": ref("CompletionMessage")},
            "stream": maybe("boolean"),
            "stream_options": maybe("object", properties={"include_usage": maybe("boolean")}),
            "tools": maybe("array", items={"type": "object"}),
            "tool_choice": {"description": "auto, none, required, a function, or allowed_tools."},
            "parallel_tool_calls": maybe("boolean"),
            "temperature": maybe("number", minimum=0, maximum=2),
            "top_p": maybe("number", minimum=0, maximum=1),
            "max_tokens": maybe("integer", minimum=1),
            "max_completion_tokens": maybe("integer", minimum=1),
            "stop": {"description": "A text, or a list of up to 4."},
            "seed": maybe("integer"),
            "presence_penalty": maybe("number", minimum=-2, maximum=2),
            "frequency_penalty": maybe("number", minimum=-2, maximum=2),
            "logit_bias": maybe("object"),
            "response_format": maybe("object"),
            "reasoning_effort": maybe("string", enum=[*EFFORTS, None]),
            "verbosity": maybe("string", enum=["low", "medium", "high", None]),
            "n": maybe("integer", enum=[1, None]),
        },
    },
    "CompletionMessage": {
        "type": "object",
        "required": ["role"],
        "properties": {
            "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
            "content": {"description": "A text, or a list of parts: text, image_url, file, input_audio."},
            "tool_calls": maybe("array", items={"type": "object"}),
            "tool_call_id": maybe("string"),
        },
    },
    "Completion": known(
        "chat.completion", id=TEXT, created=NUMBER, model=TEXT, choices=LIST, usage={"type": "object"}
    ),
    "CompletionChunk": known("chat.completion.chunk", id=TEXT, created=NUMBER, model=TEXT, choices=LIST),
    "Model": known("model", id=TEXT, created=NUMBER, owned_by=TEXT),
    "Models": known("list", data={"type": "array", "items": ref("Model")}),
}  # fmt: skip
