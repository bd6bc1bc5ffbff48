"""One call of an operation: the request as the person or with the project's secret, and what the model is told of it.

It goes out by tools.outward alone. The credential is made for this call, is sent to the API's own host alone, and is
taken out of whatever comes back: an API that echoes its headers would else put it into the run's events.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from tools.base import ToolContext
from tools.credentials import BY_FORM, BY_NAME, IN_HEADERS, without
from tools.errors import RetryTool, ToolError
from tools.openapi.address import address, header_value
from tools.openapi.arguments import JSON, Argument
from tools.openapi.masking import HIDDEN, Mask, mask_of
from tools.openapi.operations import Operation
from tools.openapi.security import Header
from tools.outward import Answer, fetch

Credential = Callable[[ToolContext], Awaitable[str]]

ERROR_MAX_CHARS = 1_000  # of what an API says of its refusal
LOOKED_AT_CHARS = 4_000  # of that, for credentials in it
MENDABLE = (400, 404, 409, 422)  # other arguments could succeed
TEXTS = ("text/", "application/xml", "application/yaml", "application/x-ndjson")


@dataclass(frozen=True)
class Call:
    """All that a call of one operation is made of, but for the values."""

    operation: Operation
    base: str
    arguments: tuple[Argument, ...]
    header: Header | None  # of the credential
    credential: Credential
    fixed: Mapping[str, Any]  # values that are no model's to say, by the arguments' names
    needs_body: bool

    async def __call__(self, ctx: ToolContext, /, **values: Any) -> Any:
        """What the API answered, as JSON or text. Raises ToolError, RetryTool."""
        values = {**values, **self.fixed}
        url = address(self.base, self.operation, self.arguments, values)
        headers, body = self._headers(ctx, values), _body(self.arguments, values, self.needs_body)
        if body:
            headers["Content-Type"] = "application/json"
        credential = await self.credential(ctx) if self.header else ""
        if self.header:
            headers |= self.header.of(credential)
        answer = await fetch(
            url, method=self.operation.method, headers=headers, body=body, has_secret=self.header is not None
        )
        return _told(answer, credential)

    def _headers(self, ctx: ToolContext, values: Mapping[str, Any]) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if not self.operation.is_read:
            headers["Idempotency-Key"] = str(uuid5(ctx.run_id, ctx.call_id))
        for each in self.arguments:
            if each.place == "header" and values.get(each.name) is not None:
                headers[each.key] = header_value(each, values[each.name])
        return headers


def _body(arguments: Sequence[Argument], values: Mapping[str, Any], is_needed: bool) -> bytes:
    """The JSON body; empty for an operation that has none, or where none of it was given and none is needed."""
    for each in arguments:
        if each.place == "body":
            return _json(values[each.name]) if each.name in values else b""
    fields = {each.key: values[each.name] for each in arguments if each.place == "field" and each.name in values}
    return _json(fields) if fields or is_needed else b""


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _told(answer: Answer, credential: str) -> Any:
    """What the model reads of the answer. Raises ToolError or RetryTool for one that is no success."""
    kind = answer.headers.get("Content-Type", "").strip().lower()
    text, masked = answer.body.decode("utf-8", "replace"), mask_of(credential)
    if 200 <= answer.status < 300:
        return _value(text, kind, answer, masked)
    if 300 <= answer.status < 400:
        raise ToolError(f"The API answered {answer.status}: it is elsewhere, and a redirect is not followed.")
    said = masked(text)[:LOOKED_AT_CHARS] if _is_text(kind) else ""
    said = without(said, (IN_HEADERS, BY_NAME, *BY_FORM), HIDDEN).strip()
    sentence = f"The API answered {answer.status}{f': {said[:ERROR_MAX_CHARS]}' if said else '.'}"
    raise RetryTool(sentence) if answer.status in MENDABLE else ToolError(sentence)


def _value(text: str, kind: str, answer: Answer, masked: Mask) -> Any:
    if not answer.body:
        return f"Done ({answer.status}): the API said nothing more."
    if JSON.fullmatch(kind):
        try:
            return masked(json.loads(text))  # not before: JSON may write each sign in several ways
        except (ValueError, RecursionError):
            raise ToolError("The API's answer says that it is JSON, and it is not.") from None
    if _is_text(kind):
        return masked(text)
    return f"Done ({answer.status}): {len(answer.body):,} bytes of {kind[:100] or 'no named kind'}, which is no text."


def _is_text(kind: str) -> bool:
    return bool(JSON.fullmatch(kind)) or kind.startswith(TEXTS)
