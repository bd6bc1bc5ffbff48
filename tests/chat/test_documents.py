"""A project's document by REST: ETag and If-Match, both kinds of patch, its versions, and what is refused how."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiKey, Membership, Organization, Project, Role, User
from accounts.sign_in.keys import create_key
from tools.models import Document, DocumentVersion

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
PATCH, MERGE, JSON = "application/json-patch+json", "application/merge-patch+json", "application/json"


class Address:
    """The document of a project, as one person sends to it."""

    def __init__(self, client: APIClient, project: Project) -> None:
        self.client, self.path = client, f"/api/projects/{project.pk}/document/"

    def send(self, method: str, body: Any = None, kind: str = JSON, *, at: str = "", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, self.path + at, data, content_type=kind, headers=named)

    def get(self, at: str = "", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(self.path + at, headers=named)

    def patch(self, *operations: Any, **headers: str) -> Any:
        return self.send("PATCH", list(operations), PATCH, **headers)


@pytest.fixture
def mine(api: Api, alice: User, project: Project) -> Address:
    return Address(api(alice), project)


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def code(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]["code"]


def test_it_is_read_put_and_patched_with_its_version_as_etag(mine: Address) -> None:
    first = mine.get()
    assert (first.status_code, first.content, first["ETag"]) == (200, b"{}", '"0"')
    assert first["Content-Type"] == JSON
    made = mine.send("PUT", {"z": 1, "a": [1]}, If_Match='"0"')
    assert (made.status_code, made["ETag"]) == (200, '"1"')
    assert made.json() == {"version": 1, "bytes": 15, "changed": [""]}
    patched = mine.patch(add("/a/-", 2), If_Match='"1"')
    assert patched.json() == {"version": 2, "bytes": 17, "changed": ["/a/1"]}
    merged = mine.send("PATCH", {"z": None, "b": {"c": "é"}}, MERGE)
    assert merged.json()["version"] == 3 and merged.json()["changed"] == ["/z", "/b/c"]
    now = mine.get()
    assert (now.content.decode(), now["ETag"]) == ('{"a":[1,2],"b":{"c":"é"}}', '"3"')


def test_who_has_it_already_gets_nothing(mine: Address) -> None:
    mine.send("PUT", {"a": 1}, If_Match="*")
    for tags in ('"1"', 'W/"1"', '"0", "1"', '"x","1"', "*"):
        answered = mine.get(If_None_Match=tags)
        assert (answered.status_code, answered.content, answered["ETag"]) == (304, b"", '"1"')
    for tags in ('"0"', "1", '"11"', '"01"', "*x"):
        assert mine.get(If_None_Match=tags).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": '"1", "2"'}, 200),
        ({"If_Match": '"x","2"'}, 200),
        ({"If_Match": 'W/"2"'}, 200),
        ({"If_Match": '"1", "3"'}, 412),
        ({"If_Match": '"02"'}, 412),
        ({"If_Match": '"abc"'}, 412),
        ({"If_None_Match": "*"}, 412),
        ({"If_None_Match": '"1", "2"'}, 412),
        ({"If_None_Match": '"1"'}, 200),
        ({"If_Match": "*", "If_None_Match": "*"}, 412),
        ({"If_Match": '"2"', "If_None_Match": '"1"'}, 200),
        ({"If_Match": '"2"', "If_None_Match": '"2"'}, 412),
    ],
    ids=str,
)
def test_conditions_hold_as_http_says(mine: Address, headers: dict[str, str], status: int) -> None:
    for number in (1, 2):
        mine.send("PUT", number, If_Match="*")
    for send in (
        lambda: mine.send("PUT", 3, **headers),
        lambda: mine.patch({"op": "replace", "path": "", "value": 3}, **headers),
        lambda: mine.send("PATCH", 3, MERGE, **headers),
    ):
        Document.objects.update(version=2, content="2")
        DocumentVersion.objects.filter(version__gt=2).delete()
        assert send().status_code == status
        assert mine.get().content == (b"3" if status == 200 else b"2")


def test_who_makes_the_first_version_says_so_by_if_none_match(mine: Address) -> None:
    assert mine.send("PUT", 1, If_None_Match="*").json()["version"] == 1
    assert code(mine.send("PUT", 2, If_None_Match="*")) == (412, "version_conflict")


@pytest.mark.parametrize(
    "value",
    [5, "text", None, True, [1, [2]], {"10": 1, "2": 2, "": {}}, 12345678901234567890123, {"a": "\u2028\U0001f600"}],
)
def test_any_json_value_is_a_document(mine: Address, value: Any) -> None:
    assert mine.send("PUT", value, If_Match='"0"').status_code == 200
    assert json.dumps(json.loads(mine.get().content)) == json.dumps(value)


def test_another_version_is_told_with_the_present_one(mine: Address, api: Api, bob: User, project: Project) -> None:
    assert Address(api(bob), project).patch(add("/a", 1)).status_code == 200
    for answered in (
        mine.send("PUT", {}, If_Match='"0"'),
        mine.patch(add("/b", 1), If_Match='"0"'),
        mine.send("PATCH", {"b": 1}, MERGE, If_Match='"7"'),
        mine.send("POST", {}, at="undo", If_Match='"0"'),
    ):
        assert code(answered) == (412, "version_conflict")
        fields = answered.json()["error"]["fields"]
        made = DocumentVersion.objects.get()
        assert fields == {"version": ["1"], "by": [bob.display_name], "at": [made.created_at.isoformat()]}
    assert mine.get().content == b'{"a":1}'


@pytest.mark.parametrize(
    ("method", "body", "kind", "headers", "told"),
    [
        ("PUT", {}, JSON, {}, (428, "version_missing")),
        ("PUT", {}, JSON, {"If_Match": "7"}, (400, "invalid")),
        ("PUT", {}, JSON, {"If_Match": ""}, (400, "invalid")),
        ("PUT", {}, JSON, {"If_Match": '"1" "2"'}, (400, "invalid")),
        ("PUT", {}, JSON, {"If_None_Match": "x"}, (400, "invalid")),
        ("PUT", {}, JSON, {"If_Match": '"1", "2"'}, (412, "version_conflict")),
        ("PUT", {}, JSON, {"If_Match": '"9999999999999"'}, (412, "version_conflict")),
        ("PUT", {}, JSON, {"If_Match": '"abc"'}, (412, "version_conflict")),
        ("PUT", {}, JSON, {"If_None_Match": '"0"'}, (412, "version_conflict")),
        ("PUT", b"", JSON, {"If_Match": "*"}, (400, "invalid")),
        ("PUT", b"{", JSON, {"If_Match": "*"}, (400, "invalid")),
        ("PUT", b'"\\u0000"', JSON, {"If_Match": "*"}, (400, "invalid")),
        ("PUT", b'["\\ud800"]', JSON, {"If_Match": "*"}, (400, "invalid")),
        ("PUT", b"NaN", JSON, {"If_Match": "*"}, (400, "invalid")),
        ("PUT", {"a": {"__proto__": 1}}, JSON, {"If_Match": "*"}, (400, "document_invalid")),
        ("PUT", ["x" * 200_000] * 6, JSON, {"If_Match": "*"}, (413, "document_too_large")),
        ("PUT", {}, MERGE, {"If_Match": "*"}, (415, "unsupported_media_type")),
        ("PATCH", {}, JSON, {}, (415, "unsupported_media_type")),
        ("PATCH", {}, "text/plain", {}, (415, "unsupported_media_type")),
        ("PATCH", {}, "", {}, (415, "unsupported_media_type")),
        ("PATCH", {"op": "add"}, PATCH, {}, (400, "patch_invalid")),
        ("PATCH", [{"op": "add"}], PATCH, {}, (400, "patch_invalid")),
        ("PATCH", [add("/a", 1)] * 101, PATCH, {}, (400, "patch_invalid")),
        ("PATCH", [{"op": "remove", "path": "/x"}], PATCH, {}, (409, "patch_failed")),
        ("PATCH", [add("/a", "x" * 300_000)], PATCH, {}, (413, "document_too_large")),
        ("PATCH", {"constructor": 1}, MERGE, {}, (400, "document_invalid")),
    ],
    ids=str,
)
def test_what_is_refused(
    mine: Address, method: str, body: Any, kind: str, headers: dict[str, str], told: tuple[int, str]
) -> None:
    answered = mine.send(method, body, kind, **headers)
    assert code(answered) == told, answered.content
    assert mine.get()["ETag"] == '"0"' and not Document.objects.exists()


def test_a_patch_that_fails_names_operation_and_path(mine: Address) -> None:
    mine.send("PUT", {"a": {"b": 1}}, If_Match="*")
    error = mine.patch(add("/c", 1), {"op": "test", "path": "/a/b", "value": True}).json()["error"]
    assert set(error["fields"]) == {"patch.1", "path"} and error["fields"]["path"] == ["/a/b"]
    assert "/a/b is 1." in error["message"]
    error = mine.patch(add("/c", 1), add("c", 1)).json()["error"]
    assert list(error["fields"]) == ["patch.1"] and "begins with /" in error["message"]
    assert mine.get().content == b'{"a":{"b":1}}'


def test_versions_are_listed_read_and_gone_back_to(mine: Address, alice: User, settings: Any) -> None:
    settings.DOCUMENT_VERSIONS = 3
    for number in range(1, 6):
        mine.send("PUT", {"n": number}, If_Match="*")
    page = mine.get("versions/?page_size=2").json()
    assert [each["version"] for each in page["results"]] == [5, 4]
    assert page["results"][0]["by"] == str(alice.pk) and page["results"][0]["by_name"] == alice.display_name
    assert "content" not in page["results"][0]
    assert [each["version"] for each in mine.client.get(page["next"]).json()["results"]] == [3]
    assert mine.get("versions/4/").json()["content"] == {"n": 4}
    assert code(mine.get("versions/2/")) == (410, "gone")
    for wrong in ("0", "6", "9" * 30):
        assert code(mine.get(f"versions/{wrong}/")) == (404, "not_found")
    undone = mine.send("POST", {"to": 3}, at="undo")
    assert (undone.status_code, undone.json()["version"], undone.json()["note"]) == (201, 6, "As version 3")
    assert code(mine.send("POST", {"to": 2}, at="undo")) == (410, "gone")
    assert code(mine.send("POST", {"to": 7}, at="undo")) == (404, "not_found")
    assert mine.send("POST", {}, at="undo").json()["version"] == 7
    assert mine.get().content == b'{"n":5}'
    for wrong_body in ({"to": -1}, {"to": "x"}, {"to": None}, {"too": 1}):
        assert mine.send("POST", wrong_body, at="undo").status_code == 400


def test_undo_with_one_key_is_done_once(mine: Address) -> None:
    mine.send("PUT", 1, If_Match="*")
    mine.send("PUT", 2, If_Match="*")
    answers = [mine.send("POST", {}, at="undo", Idempotency_Key="k").json() for _ in range(2)]
    assert answers[0] == answers[1] and mine.get()["ETag"] == '"3"'
    DocumentVersion.objects.filter(version=3).delete()  # as later versions do
    assert code(mine.send("POST", {}, at="undo", Idempotency_Key="k")) == (410, "gone")


def changes(address: Address) -> list[Any]:
    """Every way to change it, as good as they come."""
    return [
        address.send("PUT", {"a": 2}, If_Match="*"),
        address.patch(add("/a", 2)),
        address.send("PATCH", {"a": 2}, MERGE),
        address.send("POST", {"to": 0}, at="undo"),
    ]


def test_a_viewer_reads_and_changes_nothing(mine: Address, api: Api, bob: User, project: Project) -> None:
    mine.send("PUT", {"a": 1}, If_Match="*")
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    theirs = Address(api(bob), project)
    assert [each.status_code for each in changes(theirs)] == [403] * 4
    assert theirs.get().json() == {"a": 1} and theirs.get("versions/1/").json()["content"] == {"a": 1}
    assert mine.get()["ETag"] == '"1"'


def test_charlie_finds_nothing(mine: Address, api: Api, charlie: User, project: Project) -> None:
    mine.send("PUT", {"secret": "the green door"}, If_Match="*")
    theirs = Address(api(charlie), project)
    answers = [*changes(theirs), *(theirs.get(at) for at in ("", "versions/", "versions/1/"))]
    assert [code(each) for each in answers] == [(404, "not_found")] * 7
    assert theirs.client.get(f"/projects/{project.pk}/document/").status_code in (302, 404)
    assert not any(b"green" in each.content for each in answers) and mine.get()["ETag"] == '"1"'


def test_the_document_of_one_project_is_not_anothers(mine: Address, api: Api, alice: User, project: Project) -> None:
    other = Project.objects.create(organization=project.organization, name="Other")
    mine.send("PUT", {"a": 1}, If_Match="*")
    assert Address(api(alice), other).get().content == b"{}"


@pytest.mark.parametrize(("scope", "reads", "writes"), [("chat", 200, 200), ("read", 200, 403), ("llm", 403, 403)])
def test_an_api_key_reaches_it_by_its_scope(
    alice: User, organization: Organization, project: Project, scope: str, reads: int, writes: int
) -> None:
    _, token = create_key(user=alice, organization=organization, scopes=[scope], name="CI", expires_at=None)
    client = APIClient(headers={"Authorization": f"Bearer {token}"})
    address = Address(client, project)
    assert (address.get().status_code, address.patch(add("/a", 1)).status_code) == (reads, writes)
    assert client.delete(f"/api/projects/{project.pk}/").status_code == 403
    assert ApiKey.objects.count() == 1


def test_it_goes_with_its_project_and_stays_without_its_author(
    mine: Address, bob: User, api: Api, project: Project
) -> None:
    Address(api(bob), project).patch(add("/a", 1))
    bob.delete()
    assert mine.get("versions/").json()["results"][0]["by"] is None
    project.delete()
    assert not Document.objects.exists() and not DocumentVersion.objects.exists()


def test_the_admin_finds_documents_and_shows_none(mine: Address, project: Project) -> None:
    mine.send("PUT", {"door": "the green door"}, If_Match="*")
    staff = Client()
    staff.force_login(User.objects.create_superuser("root@example.com"))
    document, version = Document.objects.get(), DocumentVersion.objects.get()
    for page, row in (("document", document), ("documentversion", version)):
        one, query = f"/admin/tools/{page}/{row.pk}/change/", {"q": str(project.pk)}
        answers = [staff.get(f"/admin/tools/{page}/", query), staff.get(one)]
        assert [each.status_code for each in answers] == [200, 200]
        assert one in answers[0].content.decode() and not any(b"green" in each.content for each in answers)
