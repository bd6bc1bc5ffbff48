"""What is the same for every operation: its errors, which follow from what it takes, and the Idempotency-Key."""

from collections.abc import Iterator
from typing import Any

from accounts.http.idempotency import KEY_MAX_CHARS

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
ERROR: Schema = {
    "type": "object",
    "description": "What every error answers.",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "description": "For programs; never changes."},
                "message": {"type": "string", "description": "For people."},
                "fields": {
                    "type": "object",
                    "description": "What was expected, by the name of the field; a list's item is `name.0`.",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
            },
        }
    },
}
SAYING = {
    400: "A field, parameter or header is not valid; `fields` names it",
    401: "No credentials, or none that hold",
    402: "A budget does not cover it; Retry-After says when that begins anew, where it does",
    403: "Visible, but your role does not include this",
    404: "Unknown, or not visible to you: the two look the same",
    405: "The address does not take this method",
    409: "The state of things does not allow it now",
    410: "It was here and is not kept any more",
    412: "It has another version by now than the one in If-Match; the answer says which",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The Idempotency-Key was used with another request",
    428: "If-Match is missing",
    429: "Too many at once, or in a short time; Retry-After says when to come back",
    503: "The database cannot be reached; Retry-After says when to come back",
}


# What cannot be seen from the form of an operation.
MORE: dict[tuple[str, str], tuple[int, ...]] = {
    ("post", "/api/auth/token"): (401, 429),
    ("post", "/api/auth/token/refresh"): (401, 409),
    ("post", "/api/auth/logout"): (401,),
    ("post", "/api/messages/{id}/regenerate/"): (402, 429),
    ("post", "/api/schedules/{id}/run-now"): (402, 429),
    ("put", "/api/projects/{id}/document/"): (412, 428),
    ("patch", "/api/projects/{id}/document/"): (412,),
    ("post", "/api/projects/{id}/document/undo"): (410, 412),
    ("get", "/api/projects/{id}/document/versions/{version}/"): (410,),
    ("post", "/api/attachments/"): (429,),
    ("post", "/api/exports/"): (429,),
    ("delete", "/api/users/me/"): (400, 413, 415),  # its body, which OpenAPI 3.0 has no place for
}
# What takes a body and may be refused for the number of requests, and starts no run.
NO_RUNS = {"push_chat", "open_pull_request", "merge_pull_request", "editor_chat_create_pr"}
# Who asks again gets the same one, whatever key they send; of a file one more, which goes by itself if it is not used.
SAME_AGAIN = {"/api/chats/{id}/pull-request/", "/api/attachments/"}
# Where a form of errors that is told is of those statuses alone; a door's is of all its errors.
TOLD_ALONE = {("post", "/api/auth/token/exchange")}
KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS, "pattern": "^[ -~]+$"},
    "description": "Best a new UUID for each new request. The same key and body get the same answer for a day.",
}


def finish(result: Schema) -> Schema:
    """Give every operation that creates its Idempotency-Key, and each its error answers, all of one schema."""
    result["components"]["schemas"]["Error"] = ERROR
    for path, method, operation in _operations(result):
        _allow_empty(operation)
        answers = operation.setdefault("responses", {})
        if _creates(path, method, operation):
            operation.setdefault("parameters", []).append(KEY)
        is_alone = (method, path) in TOLD_ALONE
        for status in sorted(
            {*_statuses(method, operation), *MORE.get((method, path), ())} - ({402} if is_alone else set())
        ):
            answers.setdefault(str(status), {"description": SAYING[status]})
        errors = [said for status, said in answers.items() if int(status) >= 400]
        for status, said in answers.items():
            said["description"] = said["description"] or SAYING.get(int(status), "Done")
        form = _form([] if is_alone else errors)
        for said in errors:
            said.setdefault("content", form)
    return result


def _form(errors: list[Schema]) -> Schema:
    """The form of an operation's errors: its door's own, where it has told any."""
    own = (said["content"] for said in errors if "content" in said)
    return next(own, {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}})


def _operations(result: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in result["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _creates(path: str, method: str, operation: Schema) -> bool:
    """A POST that answers 201, or with the stream of a run that it starts. Tokens and tickets are always new."""
    answers = operation["responses"]
    is_streamed = "text/event-stream" in answers.get("200", {}).get("content", {})
    is_made = method == "post" and ("201" in answers or is_streamed)
    return is_made and not path.startswith("/api/auth/") and path not in SAME_AGAIN


def _statuses(method: str, operation: Schema) -> Iterator[int]:
    """The errors that an operation of this form can answer."""
    places = {each["in"] for each in operation.get("parameters", [])}
    has_body, is_signed_in = "requestBody" in operation, {} not in operation.get("security", [{}])
    if has_body:
        yield from (400, 413, 415)
    if places & {"query", "header"}:
        yield 400
    if is_signed_in:
        yield from (401, 403)  # 403 also where a cookie comes from a page that is not listed
    if is_signed_in and (has_body or "path" in places or _names_rows(operation)):
        yield 404
    if is_signed_in and method != "get" and (has_body or "path" in places):
        yield 409  # also where what it names is changed or deleted at the same moment
    if "429" in operation["responses"] and has_body and operation["operationId"] not in NO_RUNS:
        yield 402
    if KEY in operation.get("parameters", []):
        yield 422
    yield from (405, 503)


def _names_rows(operation: Schema) -> bool:
    """Whether its query names rows by their ids, such as the project that a list is of."""
    return any(each.get("schema", {}).get("format") == "uuid" for each in operation.get("parameters", []))


def _allow_empty(operation: Schema) -> None:
    """A filter that is left empty, as forms send it, is none."""
    for each in operation.get("parameters", []):
        if each["in"] == "query" and not each.get("required") and each.get("schema", {}).get("type") == "string":
            each["allowEmptyValue"] = True
