"""Bad input at every route: always a 4xx in the one error shape that names what is wrong, never a 5xx.

The routes are those of tests/routes.py, the fields and parameters those of the OpenAPI.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from accounts.sign_in.tokens import AccessToken
from chat import openapi
from chat.models import Message, Run
from tests import environment
from tests.routes import ROUTES, Place, Route, told
from tests.test_routes import send_to_door, sender, snapshot, spelled, undone

LONG = "x" * 1_000_001
DEEP = "[" * 2_000 + "]" * 2_000
# JSON that no field takes ...
NEVER = {
    "NaN": "NaN",
    "infinity": "-Infinity",
    "10,000 digits": "9" * 10_000,
    "1e999": "1e999",
    "NUL": '"a\\u0000b"',
    "lone surrogate": '"\\ud800"',
    "2,000 deep": DEEP,
    "NUL in a list": '["\\u0000"]',
    "surrogate as a name": '{"\\udfff": 1}',
    "not JSON": "{",
}
# ... and what only a field of that kind takes.
PERHAPS = {
    "null": "null",
    "true": "true",
    "a number": "5",
    "a huge number": "1" + "0" * 300,
    "a list": "[]",
    "a list of lists": "[[[]]]",
    "an object": "{}",
    "empty": '""',
    "a word": '"x"',
    "too long": json.dumps(LONG),
    "an id": '"00000000-0000-4000-8000-000000000000"',
    "SQL": '"\' OR 1=1 --"',
}
# What the other database could see in another way, where the two runs of the tests share the work.
BY_DATABASE = {
    "NUL",
    "lone surrogate",
    "NUL in a list",
    "surrogate as a name",
    "a huge number",
    "too long",
    "an id",
    "SQL",
}
if environment.profile() == "scaled":
    NEVER = {kind: value for kind, value in NEVER.items() if kind in BY_DATABASE}
    PERHAPS = {kind: value for kind, value in PERHAPS.items() if kind in BY_DATABASE}
BODIES = {
    "null": b"null",
    "a list": b"[]",
    "a word": b'"x"',
    "a number": b"5",
    "true": b"true",
    "half": b'{"content": "x"',
    "not UTF-8": b'{"content": "\xff"}',
    "doubled": b'{"content": "a", "content": "b"}',
    "deep": b'{"content": ' + DEEP.encode() + b"}",
    "unknown": b'{"is_staff": true}',
    "a form": b"content=x",
}
QUERIES = ("", "x", "-1", "%00", "%ff", "9" * 5_000, "1e999", "null", "[]", "' OR 1=1 --", "cD0lMDA=", "cj0xJnA9eA==")
IDS = ("x", "0", "-1", "null", "%00", "%ff", "9" * 5_000, "00000000-0000-0000-0000-00000000000", "' OR 1=1 --", "é")

ID_NAMES = (
    "organization",
    "id", "chat_id", "run_id", "call", "session_id", "response_id", "conversation_id", "item_id", "calls",
    "model_id", "file_id",
)  # fmt: skip

REST = [route for route in ROUTES if route.kind == "rest"]
DOORS = [route for route in ROUTES if route.kind == "door"]
# The same views stand under two addresses each; who may use them is tested at both, what they take at one.
ONCE = [route for route in DOORS if not route.path.startswith(("/v1/", "/chat/start", "/api/trpc/"))]
# Files: tests/chat/test_attachments_stored.py, tests/clients/test_openai_files.py.
TAKES_NO_JSON = ("/api/attachments/", "/api/llm/files", "/v1/files")
NOTHING_NEEDED = ("/api/auth/logout", "/api/chats/{id}/links/", "/api/projects/{id}/document/undo")  # of their fields
# Tickets and tokens take no key: they are always new.
KEYED = [route for route in REST if route.body and route.ok == (201,) and not route.path.startswith("/api/auth/")]


def with_body(routes: list[Route]) -> list[Route]:
    """Those that take JSON."""
    return [
        route for route in routes if route.body is not None and route.ok != (415,) and route.path not in TAKES_NO_JSON
    ]


@pytest.fixture
def here(db: None) -> Place:
    return Place("Here")


def operation(route: Route) -> dict[str, Any]:
    """What the OpenAPI says of the route; nothing where it is not told there."""
    wanted = re.sub(r"{\w+}", "{}", route.path)
    for path, methods in openapi.document()["paths"].items():
        if re.sub(r"{\w+}", "{}", path) == wanted:
            return methods.get(route.method.lower(), {})
    return {}


def fields(route: Route, place: Place) -> list[str]:
    """Of the body."""
    assert route.body
    content = operation(route).get("requestBody", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    documented = openapi.document()["components"]["schemas"].get(name, {}).get("properties", {})
    return sorted({*documented, *route.body(place)})


def bodies(route: Route, place: Place, values: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """(field, kind, body) with one field each that is not right."""
    assert route.body
    for name in fields(route, place):
        rest = json.dumps({key: value for key, value in route.body(place).items() if key != name}, default=str)[1:-1]
        for kind, value in values.items():
            yield name, kind, "{" + ", ".join(part for part in (rest, f'"{name}": {value}') if part) + "}"


def assert_refused(answered: Any, case: Any, name: str = "") -> None:
    """With a 4xx in the one shape; a 400 that names the field, or says what is wrong with the whole body."""
    assert 400 <= answered.status_code < 500, (case, answered.status_code, answered.content[:300])
    error = told(answered)
    assert error["message"], case
    if answered.status_code == 400 and error["fields"] and name:
        assert any(each.split(".")[0] == name for each in error["fields"]) or "surrogate" in str(case), (case, error)


def check(answered: Any, case: Any, name: str, must_be_refused: bool) -> None:
    if must_be_refused or answered.status_code >= 400:
        assert_refused(answered, case, name)


@pytest.mark.parametrize("route", with_body(REST), ids=str)
def test_a_body_that_is_none_is_refused(route, here):
    send, before = sender(route, route.allowed(here)), snapshot()
    with undone():
        for kind, body in BODIES.items():
            answered = send(route.method, route.address(here), body)
            assert_refused(answered, kind)
            assert answered.status_code == 400, kind
        if route.method == "POST" and route.body(here) and route.path not in NOTHING_NEEDED:
            assert_refused(send(route.method, route.address(here), "{}"), "all fields missing")
        assert snapshot() == before


@pytest.mark.parametrize("route", with_body(REST), ids=str)
def test_a_field_that_is_not_right_is_refused_by_name(route, here):
    send = sender(route, route.allowed(here))
    for name, kind, body in bodies(route, here, {**NEVER, **PERHAPS}):
        with undone():
            check(send(route.method, route.address(here), body), (name, kind), name, kind in NEVER)


@pytest.mark.parametrize("route", with_body(REST), ids=str)
def test_an_unknown_field_is_refused_by_name(route, here):
    send = sender(route, route.allowed(here))
    body = json.dumps({**route.body(here), "is_staff": True}, default=str)
    with undone():
        answered = send(route.method, route.address(here), body)
        assert answered.status_code == 400
        assert list(answered.json()["error"]["fields"]) == ["is_staff"]


@pytest.mark.parametrize("route", [route for route in REST if route.ids], ids=str)
def test_an_id_that_is_none_is_not_found(route, here):
    send, before = sender(route, route.allowed(here)), snapshot()
    for id in IDS:
        for name in route.ids(here):
            if f"{{{name}}}" in route.path and name != "emoji":  # a word out of a list, refused as such
                answered = send(route.method, route.path.format(**{**route.ids(here), name: id}), spelled(route, here))
                assert_refused(answered, id)
                assert answered.status_code == 404
    assert snapshot() == before


def beside(route, here, name: str) -> str:
    """The route's address with what it asks for in its query but for this parameter, to be added."""
    needed = {each: value for each, value in (route.query(here) if route.query else {}).items() if each != name}
    return f"{route.path.format(**route.ids(here)) if route.ids else route.path}?{urlencode(needed)}&"


@pytest.mark.parametrize("route", [route for route in REST if route.method == "GET"], ids=str)
def test_a_parameter_that_is_not_right_is_refused_by_name(route, here):
    send = sender(route, route.allowed(here))
    names = [each["name"] for each in operation(route).get("parameters", []) if each["in"] == "query"]
    for name in names:
        for value in QUERIES:
            answered = send("GET", f"{beside(route, here, name)}{name}={value}", "")
            check(answered, (name, value[:20]), name, False)


@pytest.mark.parametrize(
    "route", [each for each in REST if "cursor" in str(operation(each).get("parameters"))], ids=str
)
def test_a_parameter_that_no_list_has_is_refused_by_name(route, here):
    answered = sender(route, route.allowed(here))("GET", f"{beside(route, here, '')}user__password=x", "")
    assert answered.status_code == 400
    assert list(answered.json()["error"]["fields"]) == ["user__password"]


@pytest.mark.parametrize("route", KEYED, ids=str)
def test_a_key_that_is_not_right_is_refused_by_name(route, here):
    assert any(each["name"] == "Idempotency-Key" for each in operation(route)["parameters"])
    for key in ("", "x" * 201, "a\x7fb", "é"):
        answered = keyed(route, here, key)
        assert answered.status_code == 400, key
        assert list(answered.json()["error"]["fields"]) == ["Idempotency-Key"]


def keyed(route: Route, place: Place, key: str) -> Any:
    headers = {"Authorization": f"Bearer {AccessToken.of(route.allowed(place))}", "Idempotency-Key": key}
    return Client(raise_request_exception=False).generic(
        route.method, route.address(place), spelled(route, place), content_type="application/json", headers=headers
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", with_body(ONCE), ids=str)
async def test_a_door_refuses_what_is_not_right_and_starts_nothing(route, settings):
    settings.CHAT_RUN_HERE = False
    settings.CHAT_ANSWER_TIMEOUT_S = 0.01
    here = await sync_to_async(Place)("Here")
    user, address = route.allowed(here), route.address(here)
    count = await Run.objects.acount(), await Message.objects.acount()
    for kind, raw in BODIES.items():
        if kind != "unknown":  # each door says itself whether it is closed
            assert_refused(await send_to_door(route, user, address, raw), kind)
    for name, kind, body in await sync_to_async(lambda: list(bodies(route, here, NEVER)))():
        assert_refused(await send_to_door(route, user, address, body), (name, kind), name)
    assert (await Run.objects.acount(), await Message.objects.acount()) == count


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", with_body(ONCE), ids=str)
async def test_a_door_names_the_field_that_is_not_right(route, settings):
    settings.CHAT_RUN_HERE = False
    settings.CHAT_ANSWER_TIMEOUT_S = 0.01
    here = await sync_to_async(Place)("Here")
    user, address = route.allowed(here), route.address(here)
    for name, kind, body in await sync_to_async(lambda: list(bodies(route, here, PERHAPS)))():
        answered = await send_to_door(route, user, address, body)
        if answered.status_code not in route.ok:
            check(answered, (name, kind), name, must_be_refused=False)
    if not route.is_closed:
        return
    known = await sync_to_async(spelled)(route, here)
    unknown = await send_to_door(route, user, address, json.dumps({**json.loads(known), "is_staff": True}))
    assert (unknown.status_code, list(told(unknown)["fields"])) == (400, ["is_staff"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", [route for route in DOORS if route.ids and 204 not in route.ok], ids=str)
async def test_a_door_does_not_find_an_id_that_is_none(route):
    here = await sync_to_async(Place)("Here")
    for id in IDS:
        address = route.path.format(**dict.fromkeys(ID_NAMES, id))
        answered = await send_to_door(route, route.allowed(here), address, spelled(route, here))
        assert_refused(answered, id)
        assert answered.status_code == 404
