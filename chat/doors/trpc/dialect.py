"""tRPC's wire, without a transformer: what its links send and read. Source: https://trpc.io/docs/rpc and the packages
@trpc/client and @trpc/server 11.25.2 (links/, http/resolveResponse.ts, stream/sse.ts, stream/jsonl.ts). Read 2026-11.

Calls, results and errors, whole or as JSON lines; and a subscription's server-sent events. An error never has a stack.
No words for: an answer that comes in pieces to a query or mutation (async iterables in JSON lines).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from accounts.errors import Invalid, RequestError, refuse
from chat.doors import sse

BATCH_MAX = 50
# HTTP status -> tRPC's name and JSON-RPC's number. All numbers of 5xx are one: a subscription that fails so is retried.
CODES = {
    400: ("BAD_REQUEST", -32600),
    401: ("UNAUTHORIZED", -32001),
    402: ("PAYMENT_REQUIRED", -32002),
    403: ("FORBIDDEN", -32003),
    404: ("NOT_FOUND", -32004),
    405: ("METHOD_NOT_SUPPORTED", -32005),
    409: ("CONFLICT", -32009),
    413: ("PAYLOAD_TOO_LARGE", -32013),
    415: ("UNSUPPORTED_MEDIA_TYPE", -32015),
    422: ("UNPROCESSABLE_CONTENT", -32022),
    429: ("TOO_MANY_REQUESTS", -32029),
    500: ("INTERNAL_SERVER_ERROR", -32603),
    501: ("NOT_IMPLEMENTED", -32603),
    502: ("BAD_GATEWAY", -32603),
    503: ("SERVICE_UNAVAILABLE", -32603),
    504: ("GATEWAY_TIMEOUT", -32603),
}
CONNECTED = b"event: connected\ndata: {}\n\n"
RETURN = b"event: return\ndata: \n\n"

_encode = msgspec.json.Encoder().encode
_ID = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def result(data: Any) -> dict[str, Any]:
    """What a call that went well answers."""
    return {"result": {"data": data}}


def error(refused: RequestError, path: str) -> dict[str, Any]:
    """What a call that was refused answers, without its envelope. `fields` is ours: what was expected, by name."""
    name, number = CODES.get(refused.status) or CODES[500 if refused.status >= 500 else 400]
    data: dict[str, Any] = {"code": name, "httpStatus": refused.status, "path": path}
    if refused.fields:
        data["fields"] = refused.fields
    return {"message": refused.message, "code": number, "data": data}


def inputs(given: Mapping[str, Any], count: int, *, is_batch: bool) -> list[dict[str, Any]]:
    """Each call's input; {} for a call that has none. Raises Invalid for an input that is no object."""
    if not is_batch:
        return [dict(given)]
    found = [given.get(str(index), {}) for index in range(count)]
    for index, each in enumerate(found):
        if not isinstance(each, dict):
            raise refuse(str(index), "Expected an object: the input of this call.")
    return found


def paths(calls: str, *, is_batch: bool) -> list[str]:
    """The procedures that are called. Raises Invalid for too many."""
    found = calls.split(",") if is_batch else [calls]
    if len(found) > BATCH_MAX:
        raise Invalid(f"Expected at most {BATCH_MAX} calls in one batch; these are {len(found)}.")
    return found


def head(count: int) -> bytes:
    """The first of the JSON lines: each call's answer comes in a line of its own, numbered like the call."""
    return _encode({str(index): [[0], [None, 0, index]] for index in range(count)}) + b"\n"


def packed(answer: Mapping[str, Any]) -> bytes:
    """A call's whole answer as JSON."""
    return json.dumps(answer, default=str).encode()


def whole(answers: Sequence[bytes], *, is_batch: bool) -> bytes:
    """The packed answers of a request's calls as its body."""
    return b"[" + b",".join(answers) + b"]" if is_batch else answers[0]


def line(index: int, answer: bytes) -> bytes:
    """One call's packed answer."""
    return _encode([index, 0, [[msgspec.Raw(answer)]]]) + b"\n"


def value(data: Any, *, id: str, is_tracked: bool) -> bytes:
    """One value of a subscription. A tracked one is given to its client as `{id, data}`, and so carries its id.

    The others must carry none. That their client still comes back with the id of the last one, it is put behind the
    value in an event that nobody listens to, as tRPC's own server does it.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"not an id for a frame: {id!r}")
    if is_tracked:
        return sse.frame(data, id=id)
    return b"data: " + _encode(data) + b"\nid:\n\n" + b"event: restore-id\ndata: \nid: " + id.encode() + b"\n\n"


def failure(refused: RequestError, path: str) -> bytes:
    """The end of a subscription that could not begin or go on."""
    return sse.frame(error(refused, path), event="serialized-error")


def shared_status(statuses: Sequence[int]) -> int:
    """Of a batch: the one that all calls have, else 207."""
    return statuses[0] if len(set(statuses)) == 1 else 207
