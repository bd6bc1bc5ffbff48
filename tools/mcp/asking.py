"""What a server wants to know before it goes on, read within bounds. A URL is a text here: nobody opens it."""

from collections.abc import Mapping
from typing import Any

import mcp_types as types

from tools.cleaning import clean
from tools.forms import Form, FormRefused, checked_form
from tools.mcp.schemas import checked
from tools.mcp.spec import NeedsInput
from tools.mcp.texts import cut

MAX_ASKED = 5
MESSAGE_MAX_BYTES = 4_000
URL_MAX_BYTES = 2_000
STATE_MAX_BYTES = 64_000
KEY_MAX_BYTES = 200


class AskedTooMuch(ValueError):
    """What the server wants is not offered here, or more than anybody should answer."""


def asked_of(key: str, params: types.ElicitRequestParams) -> Form:
    """The form or the page of one request. Raises AskedTooMuch, SchemaRefused."""
    message = cut(clean(params.message), MESSAGE_MAX_BYTES)
    if isinstance(params, types.ElicitRequestURLParams):
        if len(params.url.encode("utf-8", "replace")) > URL_MAX_BYTES:
            raise AskedTooMuch
        return Form(key=key, message=message, url=clean(params.url))
    return Form(key=key, message=message, schema=checked(dict(params.requested_schema)))


def needs_input(result: types.InputRequiredResult) -> NeedsInput:
    """All that the call waits for. Raises AskedTooMuch, SchemaRefused."""
    requests = result.input_requests or {}
    state = result.request_state
    is_long = len((state or "").encode("utf-8", "replace")) > STATE_MAX_BYTES
    if len(requests) > MAX_ASKED or is_long or any(len(key) > KEY_MAX_BYTES for key in requests):
        raise AskedTooMuch
    asked = tuple(_asked(key, each) for key, each in requests.items())
    return NeedsInput(asked, state, can_answer=all(map(_can_answer, asked)))


def _can_answer(asked: Form) -> bool:
    """Whether a person can be shown it: else it can be given at the server alone."""
    try:
        return asked.is_page or bool(checked_form(asked.schema))
    except FormRefused:
        return False


def _asked(key: str, request: types.InputRequest) -> Form:
    if not isinstance(request, types.ElicitRequest):  # our model, our folders: neither is a server's to use
        raise AskedTooMuch
    return asked_of(key, request.params)


def answers_of(answers: Mapping[str, dict[str, Any] | None]) -> dict[str, types.InputResponse]:
    """The same answers as the protocol says them: values of forms, and of pages that a person has been there."""
    return {key: types.ElicitResult(action="accept", content=each) for key, each in answers.items()}
