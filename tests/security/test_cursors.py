"""A cursor is what we gave: at every list, one that somebody made is 400, and names the field."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from tests.routes import ROUTES, Place, Route

pytestmark = pytest.mark.django_db(transaction=True)


def made_up(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORGED = [
    "cD0yMDI2LTAxLTAx",
    *map(made_up, ("p=2026-01-01", "o=5", "r=1", "o=0", "r=1&p=2026-01-01 00:00:00", "")),
    "x",
    "{}",
    "WzAsZmFsc2UsbnVsbF0",
    "WzAsZmFsc2UsbnVsbF0:x",
    ":",
    "é",
    "x" * 5_000,
    str(uuid4()),
]
PAGED = (
    *("organizations/", "projects/", "chats/", "runs/", "tasks/", "characters/"),
    *("organizations/{organization}/members/", "projects/{project}/members/"),
    *("chats/{id}/messages/", "chats/{id}/shares/"),
)
LISTS = [each for each in ROUTES if each.method == "GET" and each.path.removeprefix("/api/") in PAGED]
DOORS = {  # at a door: the field that names a place
    "/chat/threads": "cursor",
    "/chat/threads/{chat_id}/messages": "cursor",
    "/api/chat/history": "cursor",
    "/agent/chat/history/{session_id}": "before",
    "/v1/conversations/{conversation_id}/items": "after",
    "/v1/responses/{response_id}/input_items": "after",
    "/api/llm/conversations/{conversation_id}/items": "after",
    "/api/llm/responses/{response_id}/input_items": "after",
}


def get(user: User, address: str) -> tuple[int, Any]:
    answered = Client().get(address, headers={"Authorization": f"Bearer {AccessToken.of(user)}"})
    return answered.status_code, json.loads(answered.content)


def test_every_list_that_is_paged_is_tried() -> None:
    assert len(LISTS) == 10


@pytest.mark.parametrize("route", LISTS, ids=str)
def test_rest_takes_no_cursor_that_it_did_not_make(route: Route) -> None:
    here = Place("Here")
    user, address = route.allowed(here), route.address(here)
    for forged in FORGED:
        status, told = get(user, f"{address}?cursor={quote(forged)}")
        assert (status, list(told["error"]["fields"])) == (400, ["cursor"]), forged


def test_a_cursor_is_for_its_list_and_order_and_may_not_be_changed() -> None:
    here = Place("Here")
    user = here.people["editor"]
    _, page = get(user, "/api/chats/?page_size=1")
    cursor = parse_qs(urlsplit(page["next"]).query)["cursor"][0]
    assert get(user, f"/api/chats/?page_size=1&cursor={quote(cursor)}")[0] == 200
    for address in (
        f"/api/runs/?cursor={quote(cursor)}",
        f"/api/chats/?ordering=created_at&cursor={quote(cursor)}",
        f"/api/chats/?cursor={quote(cursor[:-1])}",
        f"/api/chats/?cursor={quote('x' + cursor)}",
    ):
        assert get(user, address)[0] == 400, address


@pytest.mark.parametrize(("path", "field"), DOORS.items(), ids=DOORS.keys())
def test_a_door_takes_no_place_that_is_not_in_its_list(path: str, field: str) -> None:
    here, there = Place("Here"), Place("There")
    (route,) = [each for each in ROUTES if each.path == path and each.method == "GET"]
    user, address = route.allowed(here), route.address(here)
    foreign = [str(there.run.message_id), str(there.chat.pk), f"msg_{there.run.message_id}", f"msg_{uuid4()}"]
    for forged in [each for each in FORGED if each] + foreign:
        status, told = get(user, f"{address}?{field}={quote(forged)}")
        assert status == 400, (forged, told)
        assert field in json.dumps(told), told
    assert get(user, address)[0] == 200
