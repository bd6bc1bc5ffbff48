"""Tasks by REST: for who sees their project, changed by who may write in it."""

import uuid
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Project, Role, User
from chat.models import Task

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
TASKS = "/api/tasks/"


@pytest.fixture
def task(project: Project) -> Task:
    return Task.objects.create(project=project, title="Opening hours", external_id="OPS-1")


def test_a_task_is_made_read_changed_and_deleted(api: Api, alice: User, project: Project) -> None:
    made = api(alice).post(TASKS, {"project": str(project.pk), "title": "Hours", "external_id": "OPS-7"}, format="json")
    assert made.status_code == 201
    assert made.json()["status"] == "open" and made.json()["project"] == str(project.pk)
    address = f"{TASKS}{made.json()['id']}/"
    changed = api(alice).patch(address, {"status": "done"}, format="json").json()
    assert changed["status"] == "done" and changed["title"] == "Hours"
    assert api(alice).get(address).json() == changed
    assert api(alice).delete(address).status_code == 204
    assert api(alice).get(address).status_code == 404


def test_the_list_is_filtered_by_name_of_each_filter(api: Api, alice: User, project: Project, task: Task) -> None:
    Task.objects.create(project=project, title="Prices", status="done")
    for query, titles in {
        "": ["Prices", "Opening hours"],
        "status=done": ["Prices"],
        "external_id=OPS-1": ["Opening hours"],
        "search=hours": ["Opening hours"],
        f"project={project.pk}&status=open": ["Opening hours"],
    }.items():
        assert [each["title"] for each in api(alice).get(f"{TASKS}?{query}").json()["results"]] == titles, query


def test_charlie_sees_changes_and_makes_nothing(api: Api, charlie: User, project: Project, task: Task) -> None:
    client = api(charlie)
    assert client.get(TASKS).json()["results"] == []
    assert client.get(f"{TASKS}?project={project.pk}").status_code == 404
    for id in (task.pk, uuid.uuid4()):
        address = f"{TASKS}{id}/"
        answers = [client.get(address), client.patch(address, {"title": "x"}, format="json"), client.delete(address)]
        assert [each.status_code for each in answers] == [404] * 3
    assert client.post(TASKS, {"project": str(project.pk), "title": "x"}, format="json").status_code == 404
    assert Task.objects.get() == task


def test_a_viewer_reads_and_does_not_write(api: Api, bob: User, project: Project, task: Task) -> None:
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    client, address = api(bob), f"{TASKS}{task.pk}/"
    assert client.get(address).status_code == 200
    assert client.patch(address, {"title": "x"}, format="json").status_code == 403
    assert client.delete(address).status_code == 403
    assert client.post(TASKS, {"project": str(project.pk), "title": "x"}, format="json").status_code == 403


def test_an_external_id_is_of_one_task_of_its_project(api: Api, alice: User, project: Project, task: Task) -> None:
    client, body = api(alice), {"project": str(project.pk), "title": "x", "external_id": "OPS-1"}
    taken = client.post(TASKS, body, format="json")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "external_id_taken")
    other = Project.objects.create(organization=project.organization, name="Other")
    assert client.post(TASKS, {**body, "project": str(other.pk)}, format="json").status_code == 201
    second = client.post(TASKS, {**body, "external_id": ""}, format="json").json()
    client.post(TASKS, {**body, "external_id": ""}, format="json")
    assert client.patch(f"{TASKS}{second['id']}/", {"external_id": "OPS-1"}, format="json").status_code == 409
