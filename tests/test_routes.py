"""Every route x role x organization: who gets what, and that nobody else learns or changes anything."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import connection, transaction
from django.test import AsyncClient, Client
from django.urls import get_resolver, reverse

from accounts.audit.models import AuditChain, AuditEntry
from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chore, Process, Total
from tests.routes import (
    ALLOWED,
    APART,
    OWN,
    PUBLIC,
    ROLES,
    ROUTES,
    STRANGERS,
    UNKNOWN,
    Place,
    Route,
    elsewhere_of,
    paths_of_resolver,
    refusal,
    told,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SYNC = [route for route in ROUTES if route.kind not in ("door", "key")]
DOORS = [route for route in ROUTES if route.kind == "door"]


@pytest.fixture
def here(db: None) -> Place:
    return Place("Here")


@pytest.fixture
def there(db: None) -> Place:
    return Place("There")


def person(role: str, here: Place, there: Place) -> User | None:
    """Who plays the role: an outsider is somebody, even an owner, of another organization."""
    return None if role == "nobody" else there.people["owner"] if role == "outsider" else here.people[role]


def cases(here: Place, there: Place) -> Iterator[tuple[str, User | None, Place]]:
    """Every role at home, and every member at the other organization: there they are outsiders."""
    for role in ROLES:
        yield role, person(role, here, there), here
    for role in ALLOWED["who may read there"]:
        yield "outsider", here.people[role], there


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def snapshot() -> dict[str, list[Any]]:
    """All rows there are, but for those that a process writes of itself, and what the audit log tells of a refusal."""
    return {table: rows_by(query) for table, query in queries_of_tables().items()}


def rows_by(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@cache
def queries_of_tables() -> dict[str, str]:
    """A query for each table, built once: they are read two thousand times."""
    models = [
        model
        for label in ("accounts", "chat", "chat_feedback", "chat_links", "chat_sent", "chat_webhooks", "tools")
        for model in apps.get_app_config(label).get_models()
    ]
    kept = [model._meta for model in models if model not in (Process, Chore, AuditChain, AuditEntry, Total)]
    return {each.db_table: f'SELECT * FROM "{each.db_table}" ORDER BY "{each.pk.column}"' for each in kept}


Send = Callable[[str, str, str], Any]  # method, address, body


def sender(route: Route, user: User | None) -> Send:
    """Sends as this user: pages by session, the rest by token."""
    client, headers = Client(raise_request_exception=False), {}
    if user and route.kind == "page":
        client.force_login(user)
    elif user:
        headers["Authorization"] = f"Bearer {AccessToken.of(user)}"
    return lambda method, address, body: client.generic(
        method, address, body, content_type="application/json", headers=headers
    )


def spelled(route: Route, place: Place) -> str:
    return json.dumps(route.body(place), default=str) if route.body else ""


def is_allowed(route: Route, role: str) -> bool:
    return role in ALLOWED[route.needs]


def test_the_table_knows_every_route_and_no_other():
    assert {route.path for route in ROUTES} | {APART} == paths_of_resolver()


def test_the_table_names_each_route_once():
    names = [str(route) for route in ROUTES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("route", SYNC, ids=str)
def test_each_role_gets_what_the_rule_says(route, here, there):
    for role, user, place in cases(here, there):
        send, before = sender(route, user), snapshot()
        with undone():
            answered = send(route.method, route.address(place), spelled(route, place))
            if is_allowed(route, role):
                assert answered.status_code in route.ok, (role, answered.content)
            else:
                assert_refused(route, role, answered)
                assert snapshot() == before, role
        if role in STRANGERS and not is_allowed(route, role):
            assert_like_missing(route, send, place, answered)
        if role in STRANGERS and route.needs != PUBLIC:
            leaks = [id for id in place.ids() if id in answered.content.decode()]
            assert not leaks, (role, answered.content)


def assert_refused(route: Route, role: str, answered: Any) -> None:
    """With the status of the role; pages send who is not signed in to the sign-in page."""
    if route.kind == "page" and refusal(role) == 401:
        assert (answered.status_code, answered.url.partition("?")[0]) == (302, "/login/"), role
        return
    expected = 404 if route.needs == OWN and role not in UNKNOWN else refusal(role)
    assert answered.status_code == expected, (role, answered.content)
    if route.kind in ("page", "frame"):
        return
    assert told(answered)["code"]
    if answered.status_code == 401:
        assert answered["WWW-Authenticate"].startswith("Bearer")


def assert_like_missing(route: Route, send: Send, place: Place, answered: Any) -> None:
    """What a stranger is told is what anybody is told of a thing that is not there."""
    address, body = elsewhere_of(route.address(place), place), elsewhere_of(spelled(route, place), place)
    assert (address, body) != (route.address(place), spelled(route, place))
    missing = send(route.method, address, body)
    assert (missing.status_code, missing.content) == (answered.status_code, answered.content)


@pytest.mark.parametrize(
    "address", ["/", "/api/organizations/", "/api/projects/", "/api/chats/", "/api/runs/", "/api/pulls/"]
)
def test_the_lists_that_hide_things_from_strangers_do_hold_them_for_members(address, here, there):
    (route,) = (each for each in SYNC if str(each) == f"GET {address}")
    answered = sender(route, here.people["viewer"])("GET", address, "")
    assert any(id in answered.content.decode() for id in here.ids())
    assert not any(id in answered.content.decode() for id in there.ids())


@pytest.mark.parametrize("path", sorted({route.path for route in SYNC}))
def test_a_method_that_the_table_does_not_name_is_refused(path, here, there):
    known = [route for route in ROUTES if route.path == path]
    send = sender(known[0], None if known[0].needs == PUBLIC else here.people["owner"])
    for method in set(METHODS) - {route.method for route in known}:
        before = snapshot()
        with undone():
            answered = send(method, known[0].address(here), "{}")
            assert answered.status_code == 405, (method, answered.content)
            assert answered["Allow"]
            assert snapshot() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", DOORS, ids=str)
async def test_each_role_gets_what_the_rule_says_at_the_doors(route, settings):
    settings.CHAT_RUN_HERE = False  # the runs that are started stay queued
    settings.CHAT_ANSWER_TIMEOUT_S = 0.1
    settings.SEARCH_EVERY_S = 0.0  # messages tell that they are indexed
    here, there = await sync_to_async(Place)("Here"), await sync_to_async(Place)("There")
    tried = await sync_to_async(lambda: list(cases(here, there)))()
    for role, user, place in sorted(tried, key=lambda case: is_allowed(route, case[0])):  # who may delete, last
        before = await sync_to_async(snapshot)()
        named = route.headers(place) if route.headers else {}
        answered = await send_to_door(route, user, route.address(place), spelled(route, place), named)
        if is_allowed(route, role):
            assert answered.status_code in route.ok, role
        else:
            assert_refused(route, role, answered)
            assert await sync_to_async(snapshot)() == before, role
        if role in STRANGERS and not is_allowed(route, role):
            address = await sync_to_async(elsewhere_of)(route.address(place), place)
            nowhere = {name: await sync_to_async(elsewhere_of)(value, place) for name, value in named.items()}
            missing = await send_to_door(route, user, address, spelled(route, place), nowhere)
            assert (missing.status_code, missing.content) == (answered.status_code, answered.content)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", sorted({route.path for route in DOORS}))
async def test_a_method_that_the_table_does_not_name_is_refused_at_the_doors(path):
    here = await sync_to_async(Place)("Here")
    known = [route for route in ROUTES if route.path == path]
    for method in set(METHODS) - {route.method for route in known}:
        unknown = Route(method, path, known[0].needs, ids=known[0].ids, kind="door")
        answered = await send_to_door(unknown, here.people["owner"], unknown.address(here), "{}")
        assert answered.status_code == 405, method
        assert answered["Allow"]


async def send_to_door(
    route: Route, user: User | None, address: str, body: str, named: dict[str, Any] | None = None
) -> Any:
    """The answer; of a stream its head only."""
    headers = {**({"Authorization": f"Bearer {AccessToken.of(user)}"} if user else {}), **(named or {})}
    client = AsyncClient(raise_request_exception=False)
    return await client.generic(route.method, address, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "operator"])
def test_the_admin_is_for_staff_only(role, here, there):
    user = person(role, here, there)
    client = Client()
    if user:
        client.force_login(user)
    for address in admin_addresses():
        answered = client.get(address)
        assert (answered.status_code, answered.url.partition("?")[0]) == (302, "/admin/login/"), address


def test_the_admin_opens_for_staff(here):
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    for address in admin_addresses():
        assert client.get(address).status_code in (200, 302, 403), address


def admin_addresses() -> list[str]:
    """The admin's pages that need no id; its sign-in and sign-out are open to all."""
    admin = next(each for each in get_resolver().url_patterns if f"/{each.pattern}" == APART)
    names = {each.name for each in admin.url_patterns if getattr(each, "name", None)} - {
        "login",
        "logout",
        "view_on_site",
    }
    plain = [reverse(f"admin:{name}") for name in names if name != "app_list"]
    tables = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in apps.get_models()
        if f"/admin/{model._meta.app_label}/{model._meta.model_name}/" in _registered()
    ]
    assert tables
    return plain + tables


def _registered() -> set[str]:
    from django.contrib import admin

    return {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}


def test_static_files_are_for_anybody_and_nothing_beside_them_is():
    client = Client()
    assert client.get("/static/docs.js").status_code == 200
    for address in ("/static/", "/static/../config/settings.py", "/static/%2e%2e/manage.py", "/manage.py"):
        assert client.get(address).status_code == 404, address


def test_the_docs_page_is_for_development_only(settings):
    assert Client().get("/api/docs/").status_code == 200
    settings.IS_DEVELOPMENT = False
    assert Client().get("/api/docs/").status_code == 404
