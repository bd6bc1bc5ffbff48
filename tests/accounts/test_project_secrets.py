"""Secrets of a project: they go in, nobody reads them, and who does not administer the project learns of none."""

import json
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.errors import NotAllowed
from accounts.models import ApiKey, Project, ProjectSecret, User
from accounts.organizations.secrets import require_secrets, secret_of

SECRET = "s3cret-of-billing-1a2b"


@pytest.fixture
def address(project: Project) -> str:
    return f"/api/projects/{project.pk}/secrets/"


def test_a_secret_goes_in_and_never_comes_out(
    alice: User, project: Project, address: str, api: Callable[[User], APIClient]
) -> None:
    made = api(alice).post(address, {"name": "billing", "value": SECRET}, format="json")
    assert made.status_code == 201 and made.json()["value"] == {"set": True, "hint": "...1a2b"}
    assert secret_of(project.pk, "billing") == SECRET and secret_of(project.pk, "other") == ""
    row = ProjectSecret.objects.get()
    changed = api(alice).patch(f"{address}{row.pk}/", {"value": f"{SECRET}-new"}, format="json")
    listed = api(alice).get(address)
    assert [each["name"] for each in listed.json()["results"]] == ["billing"]
    assert secret_of(project.pk, "billing") == f"{SECRET}-new"
    for answered in (made, changed, listed):
        assert SECRET not in answered.content.decode()
    assert SECRET not in json.dumps(list(ProjectSecret.objects.values("name", "value")))
    assert api(alice).delete(f"{address}{row.pk}/").status_code == 204 and secret_of(project.pk, "billing") == ""


def test_what_is_wrong_is_said_and_nothing_is_stored(
    alice: User, address: str, api: Callable[[User], APIClient], settings
) -> None:
    for body, field in (
        ({"name": "Billing", "value": SECRET}, "name"), ({"name": "", "value": SECRET}, "name"),
        ({"name": "billing"}, "value"), ({"name": "billing", "value": ""}, "value"),
        ({"name": "billing", "value": "a\nb"}, "value"), ({"name": "billing", "value": SECRET, "x": 1}, "x"),
    ):  # fmt: skip
        answered = api(alice).post(address, body, format="json")
        assert answered.status_code == 400 and field in answered.json()["error"]["fields"], body
        assert SECRET not in answered.content.decode()
    assert not ProjectSecret.objects.exists()
    settings.SECRETS_PER_PROJECT = 1
    good = {"name": "billing", "value": SECRET}
    assert api(alice).post(address, good, format="json").status_code == 201
    assert api(alice).post(address, {**good, "name": "other"}, format="json").status_code == 409
    settings.SECRETS_PER_PROJECT = 2
    assert api(alice).post(address, good, format="json").json()["error"]["code"] == "secret_exists"
    assert ProjectSecret.objects.count() == 1


def test_it_is_for_who_administers_the_project_and_comes_in_person(
    alice: User, bob: User, charlie: User, project: Project, address: str, api: Callable[[User], APIClient]
) -> None:
    api(alice).post(address, {"name": "billing", "value": SECRET}, format="json")
    row = ProjectSecret.objects.get()
    for user, status in ((bob, 403), (charlie, 404)):
        for answered in (
            api(user).get(address),
            api(user).post(address, {"name": "x", "value": SECRET}, format="json"),
            api(user).patch(f"{address}{row.pk}/", {"value": "y"}, format="json"),
            api(user).delete(f"{address}{row.pk}/"),
        ):
            assert answered.status_code == status and b"billing" not in answered.content
    assert secret_of(project.pk, "billing") == SECRET and ProjectSecret.objects.count() == 1
    alice.key = ApiKey(organization=project.organization, user=alice)
    with pytest.raises(NotAllowed):
        require_secrets(alice, project)
