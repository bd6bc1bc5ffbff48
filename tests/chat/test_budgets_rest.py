"""Budgets by REST: who sets which, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiKey, Membership, Organization, Project, Role, User
from chat.models import Budget, Unit

Api = Callable[[User], APIClient]


@pytest.fixture
def admin(organization: Organization, bob: User) -> User:
    Membership.objects.filter(user=bob, organization=organization).update(role=Role.ADMIN)
    return bob


@pytest.fixture
def path(organization: Organization) -> str:
    return f"/api/organizations/{organization.pk}/budgets/"


def body(scope: str, id: object, **fields: Any) -> dict[str, Any]:
    return {"scope": scope, "scope_id": str(id), "unit": "tokens", "amount": "5000", "period": "month", **fields}


def test_an_admin_sets_those_of_projects_people_and_keys(
    admin: User, alice: User, project: Project, organization: Organization, path: str, api: Api
) -> None:
    key = ApiKey.objects.create(
        user=alice, organization=organization, key_hash="x", prefix="p", name="For the shop", scopes=[]
    )
    asked = [
        body("project", project.pk), body("user", alice.pk, unit="money", amount="12.5", at_end="warn"),
        body("key", key.pk, period="week", warn_percent=50),
    ]  # fmt: skip
    made = [api(admin).post(path, each, format="json") for each in asked]
    assert [each.status_code for each in made] == [201] * 3, [each.json() for each in made]
    listed = api(admin).get(path).json()["results"]
    assert [each["scope_name"] for each in listed] == ["For the shop", alice.display_name, project.name]
    assert made[1].json() | {"id": 0, "updated_at": ""} == {
        "id": 0, "scope": "user", "scope_id": str(alice.pk), "scope_name": alice.display_name, "unit": "money",
        "currency": "USD", "amount": "12.500000000", "period": "month", "warn_percent": 80, "at_end": "warn",
        "used": "0.000000000", "reserved": "0.000000000", "left": "12.500000000",
        "resets_at": made[1].json()["resets_at"], "updated_at": "",
    }  # fmt: skip
    one = f"{path}{made[0].json()['id']}/"
    changed = api(admin).patch(one, {"amount": 7000, "at_end": "warn"}, format="json").json()
    assert (changed["amount"], changed["at_end"], changed["left"]) == ("7000", "warn", "7000")
    assert api(admin).delete(one).status_code == 204 and Budget.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"amount": "1.5"}, 400, "amount"),
        ({"amount": -1}, 400, "amount"),
        ({"amount": True}, 400, "amount"),
        ({"amount": 10**20}, 400, "amount"),
        ({"unit": "money", "amount": 1.5}, 400, "amount"),
        ({"unit": "money", "amount": "1e3"}, 400, "amount"),
        ({"unit": "money", "amount": "0.0000000001"}, 400, "amount"),
        ({"unit": "hours"}, 400, "unit"),
        ({"period": "year"}, 400, "period"),
        ({"warn_percent": 0}, 400, "warn_percent"),
        ({"at_end": "stop"}, 400, "at_end"),
        ({"scope": "chat"}, 400, "scope"),
        ({"scope_id": "x"}, 400, "scope_id"),
        ({"used": 0}, 400, "used"),
        ({"scope_id": "00000000-0000-0000-0000-000000000001"}, 404, "scope_id"),
        ({"scope": "organization"}, 403, None),
    ],
)
def test_what_is_no_budget_is_refused(
    change: dict[str, Any], status: int, field: str | None, admin: User, project: Project, path: str, api: Api
) -> None:
    said = api(admin).post(path, body("project", project.pk) | change, format="json")
    assert said.status_code == status, said.json()
    assert field is None or field in said.json()["error"]["fields"]
    assert not Budget.objects.exists()


def test_what_is_elsewhere_has_none_here_and_two_alike_are_a_conflict(
    admin: User, charlie: User, project: Project, path: str, api: Api
) -> None:
    assert api(admin).post(path, body("user", charlie.pk), format="json").status_code == 404
    assert api(admin).post(path, body("project", project.pk), format="json").status_code == 201
    again = api(admin).post(path, body("project", project.pk, amount=1), format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "budget_exists")


def test_an_organizations_own_is_its_operators(admin: User, organization: Organization, path: str, api: Api) -> None:
    own = Budget.objects.create(organization=organization, amount=5)
    one = f"{path}{own.pk}/"
    assert api(admin).get(path).json()["results"][0]["scope"] == "organization"
    assert api(admin).patch(one, {"amount": 9}, format="json").status_code == 403
    assert api(admin).delete(one).status_code == 403
    assert Budget.objects.get().amount == 5


def test_nobody_else_reads_or_sets_any(
    alice: User, bob: User, charlie: User, organization: Organization, project: Project, path: str, api: Api
) -> None:
    made = Budget.objects.create(inside=organization, project=project, amount=5)
    for person, status in ((bob, 403), (charlie, 404)):
        client = api(person)
        for answer in (
            client.get(path), client.post(path, body("project", project.pk), format="json"),
            client.patch(f"{path}{made.pk}/", {"amount": 1}, format="json"), client.delete(f"{path}{made.pk}/"),
        ):  # fmt: skip
            assert answer.status_code == status, answer.json()
    elsewhere = Organization.objects.create(name="Elsewhere")
    Membership.objects.create(organization=elsewhere, user=charlie, role=Role.OWNER)
    theirs = f"/api/organizations/{elsewhere.pk}/budgets/"
    assert api(charlie).get(theirs).json()["results"] == []
    assert api(charlie).patch(f"{theirs}{made.pk}/", {"amount": 1}, format="json").status_code == 404
    assert Budget.objects.get().amount == 5


def test_a_budget_goes_with_whose_it_is(alice: User, organization: Organization, project: Project) -> None:
    Budget.objects.create(inside=organization, project=project, amount=5)
    Budget.objects.create(inside=organization, unit=Unit.MONEY, amount=5)
    project.delete()
    assert Budget.objects.get().unit == Unit.MONEY
