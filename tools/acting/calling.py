"""One call of an action: the request is made, the viewset answers it, and the answer is told."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db import connections, transaction
from django.http import HttpResponseBase

from accounts.models import User
from tools.acting.actions import Action
from tools.acting.arguments import Argument, parts_of
from tools.acting.requests import address_of, person_of, request_for
from tools.base import ToolContext
from tools.cleaning import clean_json
from tools.errors import RetryTool, ToolError

FINAL = {401, 403, 405, 429}  # other arguments would not help
LINKS = ("next", "previous")
View = Callable[..., HttpResponseBase]


def caller(
    action: Action, name: str, arguments: Sequence[Argument], *, public: bool
) -> Callable[[ToolContext, dict[str, Any]], Any]:
    """The function that makes the call, for a database thread. Raises ToolFault; for a guest, unless it is public."""
    view: View = action.acting.as_view({action.method: action.name}, **action.initial())
    path = f"/api/tools/{name}"

    def call(ctx: ToolContext, given: dict[str, Any]) -> Any:
        return _called(view, action, path, arguments, person_of(ctx, for_guests=public), ctx, given)

    return call


def _called(
    view: View,
    action: Action,
    path: str,
    arguments: Sequence[Argument],
    user: User,
    ctx: ToolContext,
    given: dict[str, Any],
) -> Any:
    parts = parts_of(arguments, given)
    body = b"" if action.is_safe else json.dumps(parts.body).encode()
    once = "" if action.is_safe else f"{ctx.run_id}:{ctx.call_id}"[:200]
    request = request_for(user, action.method, path, parts.query, body, once)
    response = _in_transactions(view)(request, **parts.path)
    answer = _json(response)
    if response.status_code >= 300:
        raise _fault(response.status_code, answer)
    return _without_addresses(answer, address_of(path), arguments)


def _in_transactions(view: View) -> View:
    """As in a request: within a transaction of each database that has ATOMIC_REQUESTS, unless the view is exempt."""
    exempt: set[str] = getattr(view, "_non_atomic_requests", set())
    for alias, values in connections.settings.items():
        if values["ATOMIC_REQUESTS"] and alias not in exempt:
            view = transaction.atomic(using=alias)(view)
    return view


def _json(response: HttpResponseBase) -> Any:
    """What the response holds. Raises ToolError for a file, a stream or a page."""
    render = getattr(response, "render", None)
    if render is not None:
        render()
    if response.streaming:
        response.close()
        raise ToolError("The answer is a file or a stream, which you cannot read.")
    content = getattr(response, "content", b"")
    try:
        return json.loads(content) if content.strip() else {"done": True}
    except ValueError:
        raise ToolError(f"The answer has the status {response.status_code} and is not JSON.") from None


def _fault(status: int, answer: Any) -> ToolError | RetryTool:
    """What the model is told: the viewset's own words, which are made for whoever sent the request."""
    if status >= 500:
        return ToolError(f"It failed with the status {status}, for a reason that is not in the arguments.")
    text = f"Refused with the status {status}: {json.dumps(clean_json(answer), ensure_ascii=False)}"
    return ToolError(text) if status in FINAL or status < 400 else RetryTool(text)


def _without_addresses(answer: Any, address: str, arguments: Sequence[Argument]) -> Any:
    """The answer with the arguments of the next page in place of its address, which leads nowhere."""
    if not isinstance(answer, dict):
        return answer
    names = {each.target: each for each in arguments if each.place == "query"}
    for link in LINKS:
        told = answer.get(link)
        if isinstance(told, str) and told.split("?")[0] == address:
            sent = parse_qs(urlsplit(told).query, keep_blank_values=True)
            answer[link] = {names[key].name: _typed(names[key], texts) for key, texts in sent.items() if key in names}
    return answer


def _typed(argument: Argument, texts: list[str]) -> Any:
    """As the model sent it, or may send it: the other way round of `parts_of`."""
    match argument.schema.get("type"):
        case "array":
            return texts[0].split(",") if argument.is_joined else texts
        case "integer" | "number" | "boolean":
            return json.loads(texts[0])
        case _:
            return texts[0]
