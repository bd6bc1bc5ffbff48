"""Errors: one shape, from every kind of view; a bug tells an id and nothing else."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from accounts.errors import NotFound
from accounts.models import User
from config.handler import Handler
from tests.config.routes import SECRET

pytestmark = [pytest.mark.urls("tests.config.routes"), pytest.mark.django_db]

EXPECTED = {
    "conflict": (409, "busy"),
    "too-many": (429, "too_many"),
    "operational": (503, "unavailable"),
    "interface": (503, "unavailable"),
    "bug": (500, "internal_error"),
    "missing": (404, "not_found"),
    "denied": (403, "not_allowed"),
    "suspicious": (400, "bad_request"),
}
KINDS = ["rest", "door", "sync"]


async def fetch(path: str, method: str = "get", **extra: Any) -> Any:
    client = AsyncClient(raise_request_exception=False)
    return await getattr(client, method)(path, **extra)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXPECTED)
async def test_every_kind_of_view_answers_errors_alike(kind: str, name: str) -> None:
    response = await fetch(f"/api/test/{kind}/fails/{name}")
    status, code = EXPECTED[name]
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"] == code
    assert SECRET not in response.content.decode() + str(response.headers)
    assert response["Cache-Control"] == "private, no-store"


async def test_fields_and_waiting_times_are_told() -> None:
    response = await fetch("/api/test/door/fails/conflict")
    assert response.json()["error"]["fields"] == {"name": ["taken"]}
    assert (await fetch("/api/test/rest/fails/too-many"))["Retry-After"] == "7"
    assert int((await fetch("/api/test/door/fails/operational"))["Retry-After"]) > 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bug_tells_an_id_that_is_in_the_log_with_its_trace(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    from config.logs import ErrorIds

    caplog.handler.addFilter(ErrorIds())
    with caplog.at_level(logging.ERROR):
        response = await fetch(f"/api/test/{kind}/fails/bug")
    id = response["X-Error-Id"]
    assert id in response.json()["error"]["message"]
    [record] = [record for record in caplog.records if id in record.getMessage()]
    assert record.exc_info and SECRET in str(record.exc_info[1])


def test_pages_get_a_page() -> None:
    client = Client(raise_request_exception=False)
    for name, (status, _) in EXPECTED.items():
        response = client.get(f"/page/fails/{name}")
        assert response.status_code == status
        assert response["Content-Type"].startswith("text/html")
        assert SECRET not in response.content.decode()
    assert client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/api/nowhere", "/v1/nowhere", "/chat/nowhere", "/agent/nowhere"])
async def test_an_unknown_path_is_404_in_json(path: str) -> None:
    response = await fetch(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("path", "allow"), [("/api/test/only-post", "POST"), ("/api/auth/token", "POST, OPTIONS")])
async def test_a_wrong_method_is_405_in_json_and_says_which_are_right(path: str, allow: str) -> None:
    response = await fetch(path, "delete")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert response["Allow"] == allow


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/nowhere", {"type": "invalid_request_error", "code": "not_found", "param": None}),
        ("/api/llm/nowhere", {"type": "invalid_request_error", "code": "not_found", "param": None}),
        ("/trpc/a/b", {"code": -32004, "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "a/b"}}),
        ("/chat/nowhere", {"code": "not_found", "fields": {}}),
    ],
)
async def test_below_a_door_errors_have_its_form(path: str, told: dict[str, Any]) -> None:
    response = await fetch(path)
    assert response.status_code == 404
    assert response.json()["error"] == {"message": NotFound.message, **told}


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize(
    ("path", "code"),
    [("/v1/responses", "too_large"), ("/trpc/editorChat.create", -32013), ("/api/chat", "too_large")],
)
async def test_a_body_that_is_too_large_is_told_in_the_form_of_its_door(path: str, code: object) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        if not sent:
            await asyncio.Event().wait()  # it is refused by its announced length
        return {"type": "http.disconnect"}

    headers = [(b"content-length", b"99999999"), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await Handler()(scope, receive, send)
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["error"]["code"] == code


async def test_the_agent_door_says_it_where_its_clients_look() -> None:
    assert (await fetch("/agent/nowhere")).json()["detail"] == NotFound.message


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("path", ["/v1/responses", "/agent/chat", "/chat/threads", "/trpc/editorChat.create"])
async def test_who_asks_what_an_address_takes_is_told(path: str) -> None:
    response = await fetch(path, "options")
    assert (response.status_code, response.content) == (204, b"")
    assert "POST" in response["Allow"]


@pytest.mark.parametrize(
    "host", ["evil.test", "a b", "evil.test:80", "127.0.0.1, evil.test", "127.0.0.1@evil.test", ""]
)
async def test_a_host_that_is_not_ours_is_400(host: str) -> None:
    assert (await fetch("/api/users/me/", headers={"Host": host})).status_code == 400


async def test_a_forwarded_host_is_not_believed() -> None:
    response = await fetch("/login/", headers={"X-Forwarded-Host": "evil.test"})
    assert response.status_code == 200
    assert b"evil.test" not in response.content


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"]
)
def test_rest_takes_json_only(api: Callable[[User], APIClient], alice: User, kind: str) -> None:
    response = api(alice).generic("POST", "/api/test/rest", b"{}", kind)
    assert (response.status_code, set(response.json()["error"])) == (415, {"code", "message", "fields"})


BAD_BODIES = [b"", b"null", b"[]", b'"x"', b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 5000, b'{"a": "\\ud800"}']


@pytest.mark.parametrize("view", ["rest", "door"])
@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_bad_body_is_400_at_rest_and_doors(
    api: Callable[[User], APIClient], alice: User, transactional_db: None, view: str, body: bytes
) -> None:
    response = api(alice).generic("POST", f"/api/test/{view}", body, "application/json")
    if body or view == "door":  # REST reads no body as an empty object
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid")


def test_nested_details_name_their_fields() -> None:
    from rest_framework.exceptions import ValidationError

    from config.middleware.errors import request_error

    error = request_error(
        ValidationError(
            {"a": ["no"], "b": {"c": ["not", "that"]}, "d": [{}, {"e": ["bad"]}], "non_field_errors": ["All."]}
        )
    )
    assert error is not None
    assert error.message == "All."
    assert error.fields == {"a": ["no"], "b.c": ["not", "that"], "d.1.e": ["bad"]}


def test_a_form_without_its_csrf_token_is_403_in_words(alice: User) -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert b"Reload" in response.content
