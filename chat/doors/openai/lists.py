"""Lists as OpenAI's clients page through them: `limit`, `order` and `after` an id."""

from typing import Any

from django.http import HttpRequest

from accounts.errors import Invalid, refuse
from accounts.http.queries import whole_number

LIMIT, LIMIT_MAX = 20, 100


def page(request: HttpRequest, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of the items, oldest first, that the request asks for. Raises Invalid."""
    ordered = items if order_of(request) == "asc" else items[::-1]
    start = _start(request.GET.get("after", ""), ordered)
    limit = limit_of(request)
    return as_list(ordered[start : start + limit], has_more=start + limit < len(ordered))


def as_list(shown: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """These items as a list on the wire."""
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return {"object": "list", "data": shown, "first_id": first, "last_id": last, "has_more": has_more}


def unknown_after() -> Invalid:
    """What is said of an `after` that is not in the list."""
    return refuse("after", "Expected the id of an item of this list.")


def order_of(request: HttpRequest) -> str:
    """asc or desc, which is the default."""
    order = request.GET.get("order", "desc")
    if order not in ("asc", "desc"):
        raise refuse("order", "Expected asc or desc.")
    return order


def limit_of(request: HttpRequest) -> int:
    """How many are asked for."""
    limit = whole_number(request.GET.get("limit", str(LIMIT)), 1, LIMIT_MAX)
    if limit is None:
        raise refuse("limit", f"Expected a whole number from 1 to {LIMIT_MAX}.")
    return limit


def _start(after: str, ordered: list[dict[str, Any]]) -> int:
    if not after:
        return 0
    index = next((number for number, each in enumerate(ordered) if each["id"] == after), None)
    if index is None:
        raise unknown_after()
    return index + 1
