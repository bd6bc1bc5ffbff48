"""Organizations, projects and members: who sees them, who may change them, and how far."""

import threading
from collections import Counter
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from accounts.errors import Conflict, NotAllowed
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.organizations.services import remove_member
from accounts.permissions import PERMISSIONS, permissions_in, require
from tests.conftest import member

Api = Callable[[User], APIClient]
ROLES = list(Role)


@pytest.fixture
def cast(organization: Organization, alice: User) -> dict[Role, User]:
    """One member of each role."""
    return {Role.OWNER: alice, **{role: member(organization, role, role) for role in ROLES if role != Role.OWNER}}


def call(api: Api, user: User, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    response = getattr(api(user), method)(path, body, format="json")
    return response.status_code, response.json() if response.content else None


def of(organization: Organization, user: User) -> str:
    return f"/api/organizations/{organization.pk}/members/{Membership.objects.get(user=user).pk}/"


# --- Permissions ------------------------------------------------------------------------------------------------------


def test_roles_hold_what_they_hold() -> None:
    assert {role: set(has) for role, has in PERMISSIONS.items()} == {
        Role.VIEWER: {"read"},
        Role.EDITOR: {"read", "write", "deploy"},
        Role.ADMIN: {"read", "write", "deploy", "admin"},
        Role.OWNER: {"read", "write", "deploy", "admin"},
    }


def test_a_project_role_decides_in_its_project(cast: dict[Role, User], project: Project) -> None:
    place = project.organization
    ProjectMember.objects.create(project=project, user=cast[Role.EDITOR], role=Role.VIEWER)
    ProjectMember.objects.create(project=project, user=cast[Role.VIEWER], role=Role.EDITOR)
    assert permissions_in(cast[Role.EDITOR], organization=place, project=project) == {"read"}
    assert permissions_in(cast[Role.EDITOR], organization=place) == PERMISSIONS[Role.EDITOR]
    assert permissions_in(cast[Role.VIEWER], organization=place.pk, project=project.pk) == PERMISSIONS[Role.EDITOR]
    assert permissions_in(cast[Role.ADMIN], organization=place, project=project) == PERMISSIONS[Role.ADMIN]


def test_outside_there_is_nothing(charlie: User, project: Project, elsewhere: Organization) -> None:
    ProjectMember.objects.create(project=project, user=charlie, role=Role.OWNER)  # a row that should not be
    assert permissions_in(charlie, organization=project.organization, project=project) == frozenset()
    # And a project does not lend its role to another organization.
    assert permissions_in(charlie, organization=elsewhere, project=project) == PERMISSIONS[Role.OWNER]
    Membership.objects.filter(user=charlie).update(role=Role.VIEWER)
    assert permissions_in(charlie, organization=elsewhere, project=project) == {"read"}


def test_a_deactivated_person_has_nothing(alice: User, organization: Organization) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert permissions_in(alice, organization=organization) == frozenset()


def test_permissions_cost_one_query(bob: User, project: Project, django_assert_num_queries: Callable[..., Any]) -> None:
    with django_assert_num_queries(1):
        permissions_in(bob, organization=project.organization_id, project=project.pk)


def test_a_missing_permission_is_named() -> None:
    with pytest.raises(NotAllowed, match="deploy"):
        require(frozenset({"read"}), "deploy")


# --- Organizations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def everyone(settings: Any) -> None:
    """May make organizations."""
    settings.ORGANIZATIONS_BY = "everyone"


def nobody_said(user: User) -> None: ...


def make_staff(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)


def allow_by_command(user: User) -> None:
    call_command("allow_organizations", user.email.upper(), stdout=StringIO())


def allow_and_take_back(user: User) -> None:
    allow_by_command(user)
    call_command("allow_organizations", user.email, "--no-more", stdout=StringIO())


@pytest.mark.parametrize(
    ("by", "before", "status"),
    [
        ("operators", nobody_said, 403),
        ("operators", make_staff, 201),
        ("operators", allow_by_command, 201),
        ("operators", allow_and_take_back, 403),
        ("everyone", nobody_said, 201),
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_make_organizations(
    api: Api, cast: dict[Role, User], settings: Any, role: Role, by: str, before: Callable[[User], None], status: int
) -> None:
    settings.ORGANIZATIONS_BY = by
    before(cast[role])
    answered, told = call(api, cast[role], "post", "/api/organizations/", {"name": "New"})
    assert answered == status
    assert status == 201 or told["error"]["code"] == "organizations_by"
    assert Organization.objects.filter(name="New").exists() == (status == 201)


def test_so_many_are_made_by_one_person_ever(api: Api, bob: User, everyone: None, settings: Any) -> None:
    settings.ORGANIZATIONS_PER_PERSON = 2
    for number in range(2):
        made = call(api, bob, "post", "/api/organizations/", {"name": f"No. {number}"})[1]
        assert call(api, bob, "delete", f"/api/organizations/{made['id']}/")[0] == 204
    status, told = call(api, bob, "post", "/api/organizations/", {"name": "No. 3"})
    assert (status, told["error"]["code"]) == (409, "too_many_organizations")
    assert not Organization.objects.filter(name="No. 3").exists()


def test_a_new_one_begins_with_a_budget(api: Api, bob: User, everyone: None, settings: Any) -> None:
    for tokens in (settings.ORGANIZATION_TOKENS, 0):
        settings.ORGANIZATION_TOKENS = tokens
        made = call(api, bob, "post", "/api/organizations/", {"name": "New"})[1]
        budget = call(api, bob, "get", f"/api/organizations/{made['id']}/budget/")[1]["budget"]
        assert (budget and (budget["tokens"], budget["period"])) == ((tokens, "month") if tokens else None)


def test_who_makes_one_owns_it(api: Api, bob: User, everyone: None) -> None:
    status, made = call(api, bob, "post", "/api/organizations/", {"name": "Bob's"})
    assert status == 201
    assert Membership.objects.get(organization=made["id"], user=bob).role == Role.OWNER


def test_the_same_post_again_makes_no_second(api: Api, bob: User, everyone: None) -> None:
    client = api(bob)
    answers = [
        client.post("/api/organizations/", {"name": "Once"}, format="json", headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Organization.objects.filter(name="Once").count() == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("admin", 200), ("owner", 200)])
def test_admins_rename_it(api: Api, cast: dict[Role, User], organization: Organization, role: str, status: int) -> None:
    path = f"/api/organizations/{organization.pk}/"
    assert call(api, cast[Role(role)], "patch", path, {"name": "New"})[0] == status
    organization.refresh_from_db()
    assert organization.name == ("New" if status == 200 else "Acme")


def test_only_owners_delete_it(api: Api, cast: dict[Role, User], organization: Organization) -> None:
    path = f"/api/organizations/{organization.pk}/"
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
        assert call(api, cast[role], "delete", path)[0] == 403
    assert call(api, cast[Role.OWNER], "delete", path)[0] == 204
    assert not Organization.objects.filter(pk=organization.pk).exists()


@pytest.mark.parametrize("body", [{"plan": "gold"}, {"id": "no"}, {"created_at": "2020-01-01"}, {"owner": "me"}])
def test_other_fields_cannot_be_set(api: Api, alice: User, organization: Organization, body: dict[str, str]) -> None:
    path = f"/api/organizations/{organization.pk}/"
    status, answer = call(api, alice, "patch", path, {"name": "New", **body})
    assert status == 400
    assert set(answer["error"]["fields"]) == set(body)
    organization.refresh_from_db()
    assert (organization.name, organization.plan) == ("Acme", "free")


@pytest.mark.parametrize("name", [None, "", " ", 1, [], "x" * 151, True])
def test_a_name_is_text_of_1_to_150(api: Api, alice: User, name: object) -> None:
    status, answer = call(api, alice, "post", "/api/organizations/", {"name": name})
    assert status == 400
    assert "name" in answer["error"]["fields"]


# --- Members ----------------------------------------------------------------------------------------------------------


def test_members_see_each_other_and_nobody_else_does(
    api: Api, alice: User, bob: User, charlie: User, organization: Organization
) -> None:
    path = f"/api/organizations/{organization.pk}/members/"
    status, page = call(api, bob, "get", path)
    assert status == 200
    assert {row["user"]["email"] for row in page["results"]} == {"alice@example.com", "bob@example.com"}
    assert call(api, charlie, "get", path)[0] == 404


@pytest.mark.parametrize("giver", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_an_operator_gives_roles_up_to_their_own(
    api: Api, cast: dict[Role, User], charlie: User, organization: Organization, giver: Role, role: Role
) -> None:
    path = f"/api/organizations/{organization.pk}/members/"
    User.objects.filter(pk=cast[giver].pk).update(is_staff=True)
    allowed = giver in (Role.ADMIN, Role.OWNER) and ROLES.index(role) <= ROLES.index(giver)
    status, _ = call(api, cast[giver], "post", path, {"email": "Charlie@Example.com", "role": role})
    assert status == (201 if allowed else 403)
    assert Membership.objects.filter(organization=organization, user=charlie).exists() == allowed


@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("target", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_a_person_changes_and_removes_roles_up_to_their_own(
    api: Api, cast: dict[Role, User], organization: Organization, actor: Role, target: Role, role: Role
) -> None:
    other = member(organization, "other", target)  # so that owners are two
    reach = ROLES.index(actor)
    is_admin = actor in (Role.ADMIN, Role.OWNER)
    changes = is_admin and ROLES.index(target) <= reach and ROLES.index(role) <= reach
    assert call(api, cast[actor], "patch", of(organization, other), {"role": role})[0] == (200 if changes else 403)
    now = Role(Membership.objects.get(user=other).role)
    assert now == (role if changes else target)
    removes = is_admin and ROLES.index(now) <= reach
    assert call(api, cast[actor], "delete", of(organization, other))[0] == (204 if removes else 403)
    assert Membership.objects.filter(user=other).exists() != removes


def test_the_last_owner_stays(api: Api, alice: User, bob: User, organization: Organization) -> None:
    assert call(api, alice, "delete", of(organization, alice))[0] == 409
    assert call(api, alice, "patch", of(organization, alice), {"role": "admin"})[0] == 409
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    User.objects.filter(pk=bob.pk).update(is_active=False)  # an owner who cannot come is none
    assert call(api, alice, "delete", of(organization, alice))[0] == 409
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert call(api, alice, "delete", of(organization, alice))[0] == 204


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays(alice: User, bob: User, organization: Organization) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    barrier, ended = threading.Barrier(2), Counter[str]()

    def leave(user: User) -> None:
        barrier.wait()
        try:
            remove_member(actor=user, membership=Membership.objects.get(user=user))
            ended["left"] += 1
        except Conflict as error:
            ended[error.code] += 1
        connection.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {"left": 1, "last_owner": 1}


def test_anybody_may_leave_and_leaves_the_projects_too(
    api: Api, bob: User, alice: User, project: Project, elsewhere: Organization
) -> None:
    theirs = Project.objects.create(organization=elsewhere, name="Other")
    Membership.objects.create(organization=elsewhere, user=bob, role=Role.VIEWER)
    for place in (project, theirs):
        ProjectMember.objects.create(project=place, user=bob, role=Role.ADMIN)
    membership = Membership.objects.get(user=bob, organization=project.organization)
    path = f"/api/organizations/{project.organization_id}/members/{membership.pk}/"
    assert call(api, bob, "delete", path)[0] == 204
    assert [row.project for row in ProjectMember.objects.filter(user=bob)] == [theirs]
    assert call(api, bob, "get", f"/api/projects/{project.pk}/")[0] == 404


def test_nobody_is_added_twice(api: Api, alice: User, bob: User, organization: Organization) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    path = f"/api/organizations/{organization.pk}/members/"
    assert call(api, alice, "post", path, {"email": bob.email, "role": "viewer"})[0] == 409
    assert Membership.objects.get(user=bob).role == Role.EDITOR


def test_who_is_unknown_cannot_be_added(api: Api, alice: User, bob: User, organization: Organization) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    path = f"/api/organizations/{organization.pk}/members/"
    status, answer = call(api, alice, "post", path, {"email": "nobody@example.com"})
    assert status == 400 and "email" in answer["error"]["fields"]
    # Who may not add members does not learn who has an account either.
    assert call(api, bob, "post", path, {"email": "nobody@example.com"})[0] == 403


@pytest.mark.parametrize(
    "body", [{"role": "god"}, {"role": None}, {"role": ["admin"]}, {"user": "x"}, {"organization": "x"}]
)
def test_a_role_is_one_of_four(
    api: Api, alice: User, bob: User, organization: Organization, body: dict[str, Any]
) -> None:
    status, answer = call(api, alice, "patch", of(organization, bob), body)
    assert status == 400
    assert set(answer["error"]["fields"]) == set(body)
    assert Membership.objects.get(user=bob).role == Role.EDITOR


# --- Projects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("admin", 201), ("owner", 201)])
def test_admins_make_projects(
    api: Api, cast: dict[Role, User], organization: Organization, role: str, status: int
) -> None:
    body = {"organization": str(organization.pk), "name": "Docs", "description": "All of them"}
    assert call(api, cast[Role(role)], "post", "/api/projects/", body)[0] == status
    assert Project.objects.filter(name="Docs").exists() == (status == 201)


def test_nobody_makes_one_elsewhere(api: Api, alice: User, elsewhere: Organization) -> None:
    for id in (elsewhere.pk, uuid4()):
        assert call(api, alice, "post", "/api/projects/", {"organization": str(id), "name": "X"})[0] == 404
    assert not Project.objects.exists()


@pytest.mark.parametrize("organization_id", [None, 7, "x", [], True])
def test_an_organization_is_named_by_its_uuid(api: Api, alice: User, organization_id: object) -> None:
    status, answer = call(api, alice, "post", "/api/projects/", {"organization": organization_id, "name": "X"})
    assert status == 400 and "organization" in answer["error"]["fields"]


def test_a_project_s_admin_runs_it(api: Api, bob: User, project: Project) -> None:
    path = f"/api/projects/{project.pk}/"
    assert call(api, bob, "patch", path, {"name": "Mine"})[0] == 403
    ProjectMember.objects.create(project=project, user=bob, role=Role.ADMIN)
    assert call(api, bob, "patch", path, {"description": "New"})[0] == 200
    assert call(api, bob, "patch", path, {"organization": str(uuid4())})[0] == 400
    assert call(api, bob, "delete", path)[0] == 204


def test_a_project_s_admin_does_not_reach_its_owner(api: Api, alice: User, bob: User, project: Project) -> None:
    ProjectMember.objects.create(project=project, user=bob, role=Role.ADMIN)
    path = f"/api/projects/{project.pk}/members/"
    assert call(api, bob, "post", path, {"email": alice.email, "role": "viewer"})[0] == 403
    assert call(api, bob, "post", path, {"email": bob.email, "role": "owner"})[0] == 403


def test_nobody_raises_themselves_by_dropping_a_lower_role(api: Api, alice: User, bob: User, project: Project) -> None:
    lowered = ProjectMember.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert call(api, bob, "delete", f"/api/projects/{project.pk}/members/{lowered.pk}/")[0] == 403
    assert call(api, alice, "delete", f"/api/projects/{project.pk}/members/{lowered.pk}/")[0] == 204


def test_the_organization_s_admins_can_always_mend_a_project(api: Api, alice: User, project: Project) -> None:
    own = ProjectMember.objects.create(project=project, user=alice, role=Role.VIEWER)
    path = f"/api/projects/{project.pk}/members/{own.pk}/"
    assert call(api, alice, "patch", path, {"role": "admin"})[0] == 200


def test_only_members_of_the_organization_get_project_roles(
    api: Api, alice: User, charlie: User, project: Project
) -> None:
    path = f"/api/projects/{project.pk}/members/"
    status, answer = call(api, alice, "post", path, {"email": charlie.email, "role": "viewer"})
    assert status == 400 and "email" in answer["error"]["fields"]
    assert not ProjectMember.objects.exists()


def test_charlie_finds_nothing_here(
    api: Api, alice: User, bob: User, charlie: User, organization: Organization, project: Project
) -> None:
    row = ProjectMember.objects.create(project=project, user=bob, role=Role.VIEWER)
    place, here = f"/api/organizations/{organization.pk}/", f"/api/projects/{project.pk}/"
    for path in (place, here, of(organization, bob), f"{here}members/{row.pk}/"):
        for method, body in (("get", None), ("patch", {"name": "X"}), ("patch", {"role": "viewer"}), ("delete", None)):
            assert call(api, charlie, method, path, body)[0] == 404, (method, path)
    for path in (f"{place}members/", f"{here}members/"):
        assert call(api, charlie, "get", path)[0] == 404
        assert call(api, charlie, "post", path, {"email": charlie.email, "role": "viewer"})[0] == 404
    assert call(api, charlie, "get", "/api/projects/")[1]["results"] == []
    assert call(api, charlie, "get", f"/api/projects/?organization={organization.pk}")[1]["results"] == []
    assert [each["name"] for each in call(api, charlie, "get", "/api/organizations/")[1]["results"]] == ["Elsewhere"]
    assert call(api, alice, "get", f"/api/projects/?organization={organization.pk}")[1]["results"] != []


def test_a_member_of_another_organization_is_not_found_through_this_one(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    theirs = Membership.objects.get(user=charlie)
    path = f"/api/organizations/{organization.pk}/members/{theirs.pk}/"
    for method, body in (("get", None), ("patch", {"role": "viewer"}), ("delete", None)):
        assert call(api, alice, method, path, body)[0] == 404


# --- How many ---------------------------------------------------------------------------------------------------------


def project_of(place: Project) -> dict[str, Any]:
    return {"organization": str(place.organization_id), "name": "P"}


def task_of(place: Project) -> dict[str, Any]:
    return {"project": str(place.pk), "title": "T"}


def character_of(place: Project) -> dict[str, Any]:
    return {
        "id": uuid4().int % 10**9,
        "organization": str(place.organization_id),
        "name": "C",
        "archetype": "generalist",
    }


@pytest.mark.parametrize(
    ("path", "setting", "body", "already"),
    [
        ("/api/projects/", "PROJECTS_PER_ORGANIZATION", project_of, 1),
        ("/api/tasks/", "TASKS_PER_PROJECT", task_of, 0),
        ("/api/characters/", "CHARACTERS_PER_ORGANIZATION", character_of, 0),
    ],
)
def test_what_people_make_has_a_limit(
    api: Api, alice: User, project: Project, settings: Any, path: str, setting: str, body: Any, already: int
) -> None:
    setattr(settings, setting, already + 1)
    assert [call(api, alice, "post", path, body(project))[0] for _ in range(2)] == [201, 409]
    setattr(settings, setting, 0)
    assert call(api, alice, "post", path, body(project))[0] == 201


# --- Me ---------------------------------------------------------------------------------------------------------------


def test_me_is_the_caller(api: Api, bob: User) -> None:
    status, me = call(api, bob, "get", "/api/users/me/")
    assert status == 200
    assert (me["email"], me["memberships"][0]["role"]) == ("bob@example.com", "editor")
    assert "password" not in me and "is_staff" not in me


def test_the_name_can_be_changed_and_nothing_else(api: Api, bob: User) -> None:
    assert call(api, bob, "patch", "/api/users/me/", {"name": "Robert"})[1]["name"] == "Robert"
    for field in ("email", "is_staff", "is_superuser", "token_version", "password", "id", "memberships"):
        status, answer = call(api, bob, "patch", "/api/users/me/", {"name": "X", field: "x"})
        assert status == 400 and field in answer["error"]["fields"]
    bob.refresh_from_db()
    assert (bob.name, bob.is_staff) == ("Robert", False)
