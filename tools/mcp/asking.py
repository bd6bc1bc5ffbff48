"""What a server wants to know before it goes on, read within bounds. A URL is a text here: nobody opens it."""

import mcp_types as types

from tools.cleaning import clean
from tools.mcp.schemas import checked
from tools.mcp.spec import Asked, NeedsInput
from tools.mcp.texts import cut

MAX_ASKED = 5
MESSAGE_MAX_BYTES = 4_000
URL_MAX_BYTES = 2_000
STATE_MAX_BYTES = 64_000
KEY_MAX_BYTES = 200


class AskedTooMuch(ValueError):
    """What the server wants is not offered here, or more than anybody should answer."""


def asked_of(key: str, params: types.ElicitRequestParams) -> Asked:
    """The form or the page of one request. Raises AskedTooMuch, SchemaRefused."""
    message = cut(clean(params.message), MESSAGE_MAX_BYTES)
    if isinstance(params, types.ElicitRequestURLParams):
        if len(params.url.encode("utf-8", "replace")) > URL_MAX_BYTES:
            raise AskedTooMuch
        return Asked(key, message, None, clean(params.url))
    return Asked(key, message, checked(dict(params.requested_schema)), "")


def needs_input(result: types.InputRequiredResult) -> NeedsInput:
    """All that the call waits for. Raises AskedTooMuch, SchemaRefused."""
    requests = result.input_requests or {}
    state = result.request_state
    is_long = len((state or "").encode("utf-8", "replace")) > STATE_MAX_BYTES
    if len(requests) > MAX_ASKED or is_long or any(len(key) > KEY_MAX_BYTES for key in requests):
        raise AskedTooMuch
    return NeedsInput(tuple(_asked(key, each) for key, each in requests.items()), state, can_answer=True)


def _asked(key: str, request: types.InputRequest) -> Asked:
    if not isinstance(request, types.ElicitRequest):  # our model, our folders: neither is a server's to use
        raise AskedTooMuch
    return asked_of(key, request.params)


def answers_of(answers: dict[str, dict[str, object]]) -> dict[str, types.InputResponse]:
    """The same answers as the protocol says them."""
    return {
        key: types.ElicitResult.model_validate({"action": "accept", "content": each}) for key, each in answers.items()
    }
