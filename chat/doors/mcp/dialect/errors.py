"""Errors of the protocol, and ours in its form."""

from typing import Any

from accounts.errors import RequestError

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
NAMES = {
    PARSE_ERROR: "parse_error",
    INVALID_REQUEST: "invalid_request",
    UNKNOWN_METHOD: "unknown_method",
    INVALID_PARAMS: "invalid_params",
    HEADER_MISMATCH: "header_mismatch",
    UNSUPPORTED_VERSION: "unsupported_version",
}
OF_THE_CALL = (UNKNOWN_METHOD, INVALID_PARAMS)  # to clients of before 2026 these come with 200


class ProtocolError(RequestError):
    """A message that the protocol does not allow; `number` is its code there."""

    id: str | int | None = None  # of the message, where that is known

    def __init__(self, number: int, message: str, *, data: dict[str, Any] | None = None) -> None:
        super().__init__(message, code=NAMES[number])
        self.status = 404 if number == UNKNOWN_METHOD else 400
        self.number = number
        self.data = data or {}


class NotAcceptable(RequestError):
    """A client that would not take what may come."""

    status = 406
    code = "not_acceptable"


def refused(error: RequestError, id: str | int | None = None) -> dict[str, Any]:
    """The error as JSON-RPC has it. What the protocol has no code for has its HTTP status for one."""
    if isinstance(error, ProtocolError):
        return _error(error.id if id is None else id, error.number, error, error.data)
    number = INTERNAL if error.status >= 500 else INVALID_PARAMS if error.status == 400 else error.status
    return _error(id, number, error, {})


def _error(id: str | int | None, number: int, error: RequestError, more: dict[str, Any]) -> dict[str, Any]:
    data = {"code": error.code, "fields": error.fields, **more}
    return {"jsonrpc": "2.0", "id": id, "error": {"code": number, "message": error.message, "data": data}}


def status_of(error: RequestError, *, is_modern: bool) -> int:
    """Its HTTP status. Older clients take any but 200 for a broken transport, and read no further."""
    is_of_call = isinstance(error, ProtocolError) and error.number in OF_THE_CALL
    return 200 if is_of_call and not is_modern else error.status
