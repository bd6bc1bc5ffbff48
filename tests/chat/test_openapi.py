"""The OpenAPI says what the routes do: all of them, with their errors, and answers have the shape it tells."""

import re
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from chat import openapi
from chat.doors.openapi.refusals import SAME_AGAIN
from tests.routes import ROUTES, Place, Route
from tests.test_routes import sender, spelled, undone

APART = ("/api/schema/", "/api/docs/")
ERRORS = {  # of doors with their own form
    "/agent/": "AgentError",
    "/v1/": "OpenAIError",
    "/api/llm/": "OpenAIError",
    "/mcp": "McpAnswer",
    "/trpc/{calls}": "TrpcErrors",
    "/api/trpc/{calls}": "TrpcErrors",
    "/trpc/": "TrpcError",
    "/api/trpc/": "TrpcError",
}
API = [
    route
    for route in ROUTES
    if route.path.startswith(("/api/", "/v1/", "/trpc/", "/chat/", "/agent/", "/mcp"))
    and route.path not in APART
    and route.kind != "page"
]
REST = [route for route in API if route.kind == "rest"]


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), nameless(path)): operation
        for path, methods in openapi.document()["paths"].items()
        for method, operation in methods.items()
    }


def told(route: Route) -> dict[str, Any]:
    return operations()[route.method, nameless(route.path)]


def json_schema(part: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(part, list):
        return [json_schema(each) for each in part]
    if not isinstance(part, dict):
        return part
    plain = {name: json_schema(value) for name, value in part.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if part.get("nullable") is True else plain


def check_shape(route: Route, answered: Any) -> None:
    said = told(route)["responses"][str(answered.status_code)]
    if answered.status_code == 204:
        assert not said.get("content")
        return
    schema = {**said["content"]["application/json"]["schema"], "components": openapi.document()["components"]}
    Draft202012Validator(json_schema(schema)).validate(answered.json())


def test_the_document_is_valid_openapi():
    validate_schema(openapi.document())


def test_it_is_served_to_anybody_as_json():
    answered = Client().get("/api/schema/", headers={"Accept": "application/json"})
    assert answered.status_code == 200
    assert answered["Content-Type"] == "application/json"
    assert answered.json() == openapi.document()


def test_it_tells_every_route_and_no_other():
    assert {(route.method, nameless(route.path)) for route in API} == set(operations())


def test_metrics_are_told_to_whoever_brings_a_token_and_in_development_without() -> None:
    assert operations()["GET", "/api/metrics"]["security"] == [{"bearer": []}, {}]


@pytest.mark.parametrize("route", API, ids=str)
def test_each_operation_tells_its_errors_and_how_to_sign_in(route):
    operation = told(route)
    errors = {int(status) for status in operation["responses"] if int(status) >= 400}
    expected = {405}
    if route.needs != "anybody" and route.path != "/api/metrics":  # which is 404 to strangers
        by_cookie = [] if route.kind == "key" else [{"cookie": []}]
        assert operation["security"] == [{"bearer": []}, *by_cookie]
        expected |= {401}
    if route.ids:
        expected |= {401, 403, 404}
    if "requestBody" in operation:
        expected |= {400, 413, 415}
    if route.method == "POST" and 201 in route.ok and not route.path.startswith("/api/auth/"):
        expected |= set() if route.path in SAME_AGAIN else {422}
    assert expected <= errors
    for status in errors:
        content = operation["responses"][str(status)]["content"]
        name = next((name for start, name in ERRORS.items() if route.path.startswith(start)), "Error")
        if route.path == "/api/auth/token/exchange" and status in (400, 429, 503):
            name = "RefusedExchange"  # RFC 6749's
        assert content == {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))


def test_choices_have_names_that_say_of_what():
    schemas = openapi.document()["components"]["schemas"]
    assert {"PullState", "RepositoryState"} <= set(schemas)
    assert not [name for name in schemas if re.search(r"[0-9a-f]{3}Enum$", name)]


def test_nothing_of_it_lies_on_another_host():
    page = Client().get("/api/docs/").content.decode()
    assert re.findall(r'(?:src|href)="(?!/static/|/logo)', page) == []
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert Client().get(address).status_code == 200, address


@pytest.mark.parametrize("route", [route for route in REST if route.needs != "anybody"], ids=str)
def test_answers_have_the_shape_that_is_told(route, db):
    here = Place("Here")
    send = sender(route, route.allowed(here))
    with undone():
        answered = send(route.method, route.address(here), spelled(route, here))
        assert answered.status_code in route.ok
        check_shape(route, answered)
    check_shape(route, sender(route, None)(route.method, route.address(here), spelled(route, here)))
