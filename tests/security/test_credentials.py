"""Every route that is about something of a place x every credential that does not reach it: nothing is told or changed.

tests/test_routes.py tries each role by a good token; here are the credentials that people lose, narrow or never had.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import (
    ApiKey,
    IdempotencyKey,
    Membership,
    Organization,
    Project,
    ProjectMember,
    Role,
    Ticket,
    User,
)
from accounts.sign_in import keys
from accounts.sign_in.tokens import AccessToken, CookieToken
from chat.models import Chat, ChatShare, Message, Run, Task
from tests.routes import ADMIN, MINE, OWNER, READ, ROUTES, WRITE, Place, Route

pytestmark = pytest.mark.django_db(transaction=True)
ROUTES_OF_PLACES = [each for each in ROUTES if each.kind != "page" and each.needs in (READ, WRITE, MINE, ADMIN, OWNER)]
LLM = ("/v1/", "/api/llm/")
Headers = dict[str, str]


def bearer(token: object) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def key_of(user: User, place: Place, *scopes: str, **changes: Any) -> Headers:
    """A new key of that person's; `changes` are what became of it."""
    key, token = keys.create_key(
        user=user, organization=place.organization, scopes=scopes or ("chat", "llm"), name="x", expires_at=None
    )
    ApiKey.objects.filter(pk=key.pk).update(**changes)
    return bearer(token)


def expired(here: Place, there: Place) -> Headers:
    token = AccessToken.of(here.people["owner"])
    token.set_exp(lifetime=timedelta(hours=-1))
    return bearer(token)


def of_before(here: Place, there: Place) -> Headers:
    """Signed before the person signed out everywhere."""
    token = AccessToken.of(here.people["owner"])
    User.objects.filter(pk=here.people["owner"].pk).update(token_version=7)
    return bearer(token)


def of_another_use(here: Place, there: Place) -> Headers:
    return bearer(CookieToken.of(here.people["admin"]))


def forged(here: Place, there: Place) -> Headers:
    return bearer(keys.PREFIX + "x" * keys.SECRET_CHARS)


def revoked(here: Place, there: Place) -> Headers:
    return key_of(here.people["editor"], here, revoked_at=timezone.now())


def lapsed(here: Place, there: Place) -> Headers:
    return key_of(here.people["editor"], here, expires_at=timezone.now() - timedelta(seconds=1))


def of_a_deactivated_person(here: Place, there: Place) -> Headers:
    made = key_of(here.people["admin"], here)
    User.objects.filter(pk=here.people["admin"].pk).update(is_active=False)
    return made


def of_another_organization(here: Place, there: Place) -> Headers:
    """The person may do anything here; this key of theirs is for another organization."""
    person = here.people["editor"]
    Membership.objects.create(organization=there.organization, user=person, role=Role.OWNER)
    return key_of(person, there)


def of_an_ex_member(here: Place, there: Place) -> Headers:
    person = here.spare
    member = Membership.objects.create(organization=here.organization, user=person, role=Role.OWNER)
    made = key_of(person, here)
    member.delete()
    return made


def of_a_guest(here: Place, there: Place) -> Headers:
    guest = User.objects.create_user("guest@guest.invalid", name="Guest", is_guest=True)
    Membership.objects.create(organization=Organization.objects.create(name="Guests"), user=guest, role=Role.EDITOR)
    return bearer(AccessToken.of(guest))


def that_only_reads(here: Place, there: Place) -> Headers:
    return key_of(here.people["owner"], here, "read")


def for_models_alone(here: Place, there: Place) -> Headers:
    return key_of(here.people["owner"], here, "llm")


def everywhere(route: Route) -> bool:
    return True


def where_written(route: Route) -> bool:
    return route.method != "GET"


def beside_models(route: Route) -> bool:
    return not route.path.startswith(LLM)


Case = tuple[Callable[[Place, Place], Headers], tuple[int, ...], Callable[[Route], bool]]
CREDENTIALS: list[Case] = [
    (lambda here, there: {}, (401,), everywhere),
    (expired, (401,), everywhere),
    (of_before, (401,), everywhere),
    (of_another_use, (401,), everywhere),
    (forged, (401,), everywhere),
    (revoked, (401,), everywhere),
    (lapsed, (401,), everywhere),
    (of_a_deactivated_person, (401,), everywhere),
    (of_another_organization, (403, 404), everywhere),
    (of_an_ex_member, (401, 403, 404), everywhere),
    (of_a_guest, (404,), everywhere),
    (that_only_reads, (403,), where_written),
    (for_models_alone, (403,), beside_models),
]


def told(route: Route, place: Place, headers: Headers) -> tuple[int, str]:
    """The answer's status and all of its text."""
    named = route.headers(place) if route.headers else {}
    body = json.dumps(route.body(place), default=str) if route.body else ""
    answered = Client(raise_request_exception=False).generic(
        route.method, route.address(place), body, content_type="application/json", headers={**headers, **named}
    )
    text = b"".join(answered.streaming_content) if answered.streaming else answered.content
    return answered.status_code, text.decode()


@pytest.mark.parametrize(("make", "expected", "where"), CREDENTIALS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_does_not_reach_a_place_is_told_nothing_of_it_and_changes_nothing(
    make: Callable[[Place, Place], Headers], expected: tuple[int, ...], where: Callable[[Route], bool], settings: Any
) -> None:
    settings.CHAT_RUN_HERE = False
    settings.CHAT_ANSWER_TIMEOUT_S = 0.1
    here, there = Place("Here"), Place("There")
    headers = make(here, there)
    for route in filter(where, ROUTES_OF_PLACES):
        before = rows()
        status, text = told(route, here, headers)
        assert status in expected, (str(route), status, text[:300])
        assert not [id for id in here.ids() if id in text and id not in route.address(here)], str(route)
        assert rows() == before, str(route)


def rows() -> list[int]:
    """How much there is of what a request could make or take away."""
    of_accounts = (IdempotencyKey, Membership, Organization, Project, ProjectMember, Ticket)
    return [each.objects.count() for each in (*of_accounts, Chat, ChatShare, Message, Run, Task)]


def test_there_are_enough_routes_for_this_to_mean_something() -> None:
    assert len(ROUTES_OF_PLACES) > 80
