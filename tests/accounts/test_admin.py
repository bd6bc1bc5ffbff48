"""The admin: every table of accounts is there and searchable, and shows no secret."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.http.idempotency import Answer, once
from accounts.models import Membership, Ticket, User
from accounts.sign_in import tickets
from accounts.sign_in.tokens import AccessToken
from tests.accounts.signing import post, sign_in
from tests.conftest import PASSWORD

TABLES = [*apps.get_app_config("accounts").get_models(), *apps.get_app_config("token_blacklist").get_models()]
SECRET = "swordfish"


@pytest.fixture
def staff(alice: User) -> Client:
    """Alice's browser in the admin."""
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def filled(alice: User, bob: User, project: object) -> list[str]:
    """Rows with secrets in them; the secrets."""
    pair = sign_in().json()
    post("/api/auth/token/refresh", {"refresh": pair["refresh"]})
    ticket = tickets.make(bob, origin="", run_id=alice.pk)
    once(user=bob, key="key-1", route="POST /x", body=b"{}", make=lambda: Answer(201, {"text": SECRET}))
    hashes = [Ticket.objects.get().token_hash, *(user.password for user in User.objects.all())]
    return [pair["refresh"], pair["access"], ticket, SECRET, *hashes]


def test_every_table_is_registered_and_searchable() -> None:
    for table in TABLES:
        assert admin.site.is_registered(table), table
        assert admin.site.get_model_admin(table).search_fields, table


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_lists_searches_and_rows_show_no_secret(staff: Client, filled: list[str], table: type) -> None:
    path = f"/admin/{table._meta.app_label}/{table._meta.model_name}/"
    pages = [path, f"{path}?q=bob", f"{path}?q=%27%22%25"]
    pages += [f"{path}{row.pk}/change/" for row in table.objects.all()]
    for page in pages:
        response = staff.get(page)
        assert response.status_code == 200, page
        assert not [secret for secret in filled if secret in response.content.decode()], page


def test_people_sign_in_by_e_mail_in_any_case(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    client = Client()
    assert client.post("/admin/login/", {"username": "Alice@Example.COM", "password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_who_is_not_staff_stays_outside(bob: User) -> None:
    client = Client()
    assert client.post("/admin/login/", {"username": bob.email, "password": PASSWORD}).status_code == 200
    client.force_login(bob)
    assert client.get("/admin/accounts/user/").status_code == 302


NO_INLINES = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}


def test_a_person_can_be_made_and_signs_in(staff: Client) -> None:
    password = "a long enough password"
    form = {"email": "Dora@Example.com", "usable_password": "true", "password1": password, "password2": password}
    response = staff.post("/admin/accounts/user/add/", form | NO_INLINES)
    assert response.status_code == 302, response.content
    assert sign_in("dora@example.com", password).status_code == 200


def test_one_address_is_one_person_in_any_case(staff: Client, bob: User) -> None:
    password = "a long enough password"
    form = {"email": "BOB@example.com", "usable_password": "true", "password1": password, "password2": password}
    assert staff.post("/admin/accounts/user/add/", form | NO_INLINES).status_code == 200
    assert User.objects.count() == 2


def test_a_password_set_here_ends_tokens(staff: Client, bob: User) -> None:
    password = "a long enough password"
    form = {"usable_password": "true", "password1": password, "password2": password}
    assert staff.post(f"/admin/accounts/user/{bob.pk}/password/", form).status_code == 302
    before, bob.token_version = bob.token_version, User.objects.get(pk=bob.pk).token_version
    assert bob.token_version == before + 1
    assert sign_in(bob.email, password).status_code == 200


def test_saving_a_person_leaves_what_was_not_changed(staff: Client, bob: User) -> None:
    form = {"email": bob.email, "name": "Robert", "is_active": "on"} | NO_INLINES
    form |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, **membership_form(bob)}
    assert staff.post(f"/admin/accounts/user/{bob.pk}/change/", form).status_code == 302
    changed = User.objects.get(pk=bob.pk)
    assert (changed.name, changed.password, changed.token_version) == ("Robert", bob.password, bob.token_version)


def membership_form(user: User) -> dict[str, str]:
    row = Membership.objects.get(user=user)
    values = {"id": row.pk, "user": user.pk, "organization": row.organization_id, "role": row.role}
    return {f"memberships-0-{name}": str(value) for name, value in values.items()}


def test_staff_can_sign_somebody_out_everywhere(staff: Client, bob: User) -> None:
    token = str(AccessToken.of(bob))
    form = {"action": "sign_out_everywhere", "_selected_action": [str(bob.pk)]}
    assert staff.post("/admin/accounts/user/", form).status_code == 302
    assert Client(headers={"Authorization": f"Bearer {token}"}).get("/api/users/me/").status_code == 401


def test_what_the_program_writes_cannot_be_edited(staff: Client, filled: list[str]) -> None:
    row = OutstandingToken.objects.first()
    assert row is not None
    assert staff.get("/admin/token_blacklist/outstandingtoken/add/").status_code == 403
    assert staff.post(f"/admin/token_blacklist/outstandingtoken/{row.pk}/change/", {"jti": "x"}).status_code == 403
