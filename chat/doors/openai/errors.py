"""Errors as OpenAI's clients know them. Source: https://platform.openai.com/docs/guides/error-codes and openai 3.52.0,
which chooses its exception by the status (read 2026-11).

`{"error": {"message", "type", "code", "param"}}`; `param` is the field, `code` is for programs.
"""

from typing import Any

from accounts.errors import RequestError

TYPES = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error"}
CODES = {
    "not_authenticated": "invalid_api_key",
    "too_many": "rate_limit_exceeded",
    "rate_limited": "rate_limit_exceeded",
    "invalid": "invalid_value",
    "plan_model": "model_not_found",
    "quota_exceeded": "insufficient_quota",  # 402: a client waits and asks again at OpenAI's own 429
}


def error(told: RequestError) -> dict[str, Any]:
    """The error's object, without the envelope."""
    return {
        "message": _sentence(told),
        "type": type_of(told.status),
        "code": CODES.get(told.code, told.code),
        "param": next(iter(told.fields), None),
    }


def type_of(status: int) -> str:
    """The class of errors that a status stands for."""
    return "server_error" if status >= 500 else TYPES.get(status, "invalid_request_error")


def _sentence(told: RequestError) -> str:
    """The message; where it does not name the field itself, with what was expected of the field."""
    field = next(iter(told.fields), "")
    if not field or field in told.message or not told.fields[field]:
        return told.message
    return f"{field}: {told.fields[field][0]}"
