"""An organization's time zone: set by its admins, by a name that is one, over the API and in the admin."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Organization, User

Api = Callable[[User], APIClient]
WRONG = ["Mars/Olympus", "", "europe/berlin", "localtime", "../etc/passwd", 1, None]


@pytest.mark.django_db
def test_admins_set_it_and_others_do_not(
    api: Api, organization: Organization, alice: User, bob: User, charlie: User
) -> None:
    address = f"/api/organizations/{organization.pk}/"
    assert api(bob).get(address).json()["timezone"] == "UTC"
    changed = api(alice).patch(address, {"timezone": "Pacific/Auckland"}, format="json")
    assert (changed.status_code, changed.json()["timezone"]) == (200, "Pacific/Auckland")
    told = [api(who).patch(address, {"timezone": "UTC"}, format="json").status_code for who in (bob, charlie)]
    organization.refresh_from_db()
    assert (told, organization.timezone) == ([403, 404], "Pacific/Auckland")


@pytest.mark.django_db
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_zone_is_refused(api: Api, organization: Organization, alice: User, name: object) -> None:
    refused = api(alice).patch(f"/api/organizations/{organization.pk}/", {"timezone": name}, format="json")
    assert refused.status_code == 400 and "timezone" in refused.json()["error"]["fields"]
    organization.refresh_from_db()
    assert organization.timezone == "UTC"


@pytest.mark.django_db
def test_the_admin_takes_no_other(organization: Organization) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    address = f"/admin/accounts/organization/{organization.pk}/change/"
    empty = {f"memberships-{each}_FORMS": "0" for each in ("TOTAL", "INITIAL")}
    for name, status in (("Mars/Olympus", 200), ("America/Lima", 302)):
        body = {"name": organization.name, "plan": organization.plan, "timezone": name, "fallbacks": "", **empty}
        assert client.post(address, body).status_code == status
    organization.refresh_from_db()
    assert organization.timezone == "America/Lima"
