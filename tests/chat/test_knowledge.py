"""A project's knowledge by REST: who reads and changes what up to which level, and what is refused how."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.errors import NotFound
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.sign_in.keys import create_key
from agents import events as ev
from agents.usage import Usage
from chat.eventlog.projection import fold
from chat.models import Chat, Run
from chat.models.facts import facts_of
from chat.runner import runner
from chat.runner.kinds import index
from chat.services import knowledge
from chat.services.messages import lock_chat
from chat.services.repositories import find_project
from tests import documents
from tests.conftest import member
from tests.tools.knowing import in_index, reindexed, stored
from tools.capabilities import KNOWLEDGE, capabilities_of
from tools.knowledge import reading
from tools.knowledge.errors import FULL
from tools.knowledge.levels import level_in, level_of
from tools.knowledge.searching import has_passages
from tools.models import KnowledgeDocument, Passage
from tools.parsing import parsers, process
from tools.parsing.process import Parsed

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
TEXT = {"title": "Doors", "text": "# Doors\n\nThe green door is open."}


@pytest.fixture(autouse=True)
def nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process takes no runs by itself."""
    monkeypatch.setattr(runner, "owner_here", lambda: None)


class Address:
    """The knowledge of a project, as one person sends to it."""

    def __init__(self, client: APIClient, project: Project) -> None:
        self.client, self.path = client, f"/api/projects/{project.pk}/knowledge/"

    def get(self, at: str = "", **query: Any) -> Any:
        return self.client.get(f"{self.path}{at}", query)

    def post(self, at: str = "", **body: Any) -> Any:
        return self.client.post(f"{self.path}{at}", body, format="json")

    def send(self, name: str, data: bytes, **fields: Any) -> Any:
        return self.client.post(self.path, {"file": SimpleUploadedFile(name, data), **fields}, format="multipart")

    def patch(self, id: Any, **body: Any) -> Any:
        return self.client.patch(f"{self.path}{id}/", body, format="json")

    def delete(self, id: Any) -> Any:
        return self.client.delete(f"{self.path}{id}/")

    def titles(self) -> list[str]:
        return sorted(each["title"] for each in self.get().json()["results"])


@pytest.fixture
def hers(api: Api, alice: User, project: Project) -> Address:
    return Address(api(alice), project)


@pytest.fixture
def his(api: Api, bob: User, project: Project) -> Address:
    return Address(api(bob), project)


@pytest.fixture
def viewers(api: Api, organization: Organization, project: Project) -> Address:
    return Address(api(member(organization, "vera", Role.VIEWER)), project)


def found(project: Project, text: str, *, level: int = 1, **fields: Any) -> KnowledgeDocument:
    """A document with one passage, put there without a run."""
    document = stored(project, text, level=level, **fields)
    Passage.objects.create(
        document=document, project=project, level=level, generation=1, position=0, start=0, end=len(text), text=text,
        search=text.lower(),
    )  # fmt: skip
    KnowledgeDocument.objects.filter(pk=document.pk).update(generation=1, begun=1, passages=1, state="ready")
    document.refresh_from_db()
    return document


def code(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]["code"]


def test_a_text_is_taken_with_a_run_that_indexes_it(hers: Address, project: Project, alice: User) -> None:
    made = hers.post(**TEXT, level=2, language="en", source="https://example.com/doors")
    assert made.status_code == 202, made.content
    run = Run.objects.get(pk=made.json()["run"])
    assert (run.kind, run.subject, run.project_id, run.user) == ("index", made.json()["id"], project.pk, alice)
    shown = hers.get(f"{made.json()['id']}/").json()
    assert {name: shown[name] for name in ("title", "level", "language", "state", "media_type", "run", "error")} == {
        "title": "Doors", "level": 2, "language": "en", "state": "pending", "media_type": "text/markdown",
        "run": str(run.pk), "error": None,
    }  # fmt: skip
    assert "text" not in shown and shown["bytes"] == len(TEXT["text"]) and len(shown["sha256"]) == 64
    assert hers.get().json()["results"] == [shown]
    assert code(hers.post(f"{shown['id']}/reindex")) == (409, "work_under_way")


@pytest.mark.parametrize(
    ("name", "data", "media_type", "text"),
    [
        ("guide.md", b"\xef\xbb\xbf# Hi\r\nyou\r\n", "text/markdown", "# Hi\nyou"),
        ("NOTES.TXT", "Größe\x00".encode(), "text/plain", "Größe\ufffd"),
    ],
)
def test_a_file_is_taken(his: Address, name: str, data: bytes, media_type: str, text: str) -> None:
    made = his.send(name, data, level="0")
    assert made.status_code == 202, made.content
    row = KnowledgeDocument.objects.get(pk=made.json()["id"])
    assert (row.title, row.source, row.media_type, row.text, row.level) == (name, name, media_type, text, 0)
    assert his.send(name, data, title="Another", source="").status_code == 202
    assert sorted(KnowledgeDocument.objects.values_list("title", flat=True)) == sorted(["Another", name])


def test_other_files_are_read_in_the_child(his: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parsers.PARSERS, "document", "tests.chat.knowledge_parser:parts")
    made = his.send("report.pdf", b"Page one.\fPage two.")
    assert made.status_code == 202, made.content
    row = KnowledgeDocument.objects.get(pk=made.json()["id"])
    assert (row.title, row.text, row.pages) == ("Its own title", "Page one.\n\nPage two.", [[0, 1], [11, 2]])
    assert code(his.send("report.pdf", b"cut")) == (413, "file_too_large")
    assert code(his.send("report.pdf", b"\xff")) == (400, "invalid")


@pytest.mark.django_db(transaction=True)
def test_pdf_word_and_web_pages_are_indexed_and_found_with_their_page(his: Address, project: Project) -> None:
    heading = '<w:style w:styleId="h1"><w:name w:val="heading 1"/></w:style>'
    word = documents.paragraph("Windows", "h1") + documents.paragraph("The blue window is shut.")
    page = b"<!doctype html><title>Roofs</title><h1>Flat ones</h1><p>The red roof leaks.<script>never()</script>"
    files = {
        "report.pdf": documents.pdf("The green door is open.", "", "The yellow gate creaks.", title="Doors"),
        "two.pdf": documents.pdf("First of all.", "A purple fence."),
        "windows.docx": documents.docx(word, heading, "House"),
        "roofs.html": page,
    }
    for name, data in files.items():
        made = his.send(name, data)
        assert made.status_code == 202, made.content
        reindexed(KnowledgeDocument.objects.get(pk=made.json()["id"]))
    expected: dict[str, tuple[Any, ...]] = {
        "green door": ("Doors", "", "The green door is open.", 1, "report.pdf"),
        "yellow gate": ("Doors", "", "The yellow gate creaks.", 3, "report.pdf"),
        "purple fence": ("two.pdf", "", "A purple fence.", 2, "two.pdf"),
        "blue window": ("House", "Windows", "# Windows\n\nThe blue window is shut.", None, "windows.docx"),
        "red roof": ("Roofs", "Flat ones", "# Flat ones\n\nThe red roof leaks.", None, "roofs.html"),
    }
    for question, told in expected.items():
        first = his.get("search/", q=question).json()["results"][0]
        assert tuple(first[name] for name in ("title", "path", "text", "page", "source")) == told


def test_a_run_is_told_of_knowledge_by_the_statement_that_locks_its_chat(chat: Chat, project: Project) -> None:
    stored(project, "Not indexed yet.")
    assert not _has_knowledge(chat)
    found(project, "Green door")
    assert _has_knowledge(chat)
    Chat.objects.filter(pk=chat.pk).update(project=None)
    assert not _has_knowledge(chat)


def _has_knowledge(chat: Chat) -> bool:
    locked: Any = lock_chat(chat)
    assert (KNOWLEDGE in capabilities_of(locked.project_id, has_knowledge=locked.has_knowledge)) == has_passages(
        locked.project_id
    )
    return bool(locked.has_knowledge)


def test_no_more_files_are_read_at_once_than_may_be(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    most, now, lock = 0, 0, threading.Lock()

    def whole(child: Any) -> Parsed:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return Parsed(
            {
                "media_type": "application/pdf",
                "title": "",
                "parts": [{"text": "A page.", "page": 1}],
                "truncated": False,
                "charset": "",
            },
            b"",
        )

    settings.PARSING_AT_ONCE = 1
    monkeypatch.setitem(parsers.PARSERS, "document", "tests.chat.knowledge_parser:parts")
    monkeypatch.setattr(process.Child, "whole", whole)
    with ThreadPoolExecutor(5) as uploads:
        assert {each.text for each in uploads.map(lambda n: reading.of_file(f"{n}.pdf", b"x"), range(5))} == {"A page."}
    assert most == 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "title"),
    ({"title": "x"}, "text"),
    ({"title": "", "text": "x"}, "title"),
    ({"title": "x" * 201, "text": "x"}, "title"),
    ({"title": "a\nb", "text": "x"}, "title"),
    ({"title": "x", "text": ""}, "text"),
    ({"title": "x", "text": " \n\t "}, "text"),
    ({"title": "x", "text": 1}, "text"),
    ({"title": "x", "text": "x", "level": 4}, "level"),
    ({"title": "x", "text": "x", "level": -1}, "level"),
    ({"title": "x", "text": "x", "level": "secret"}, "level"),
    ({"title": "x", "text": "x", "level": 3}, "level"),  # his role reads up to 2
    ({"title": "x", "text": "x", "language": "german"}, "language"),
    ({"title": "x", "text": "x", "language": "de'; --"}, "language"),
    ({"title": "x", "text": "x", "media_type": "text/html"}, "media_type"),
    ({"title": "x", "text": "x", "source": "s" * 1001}, "source"),
    ({"title": "x", "text": "x", "state": "ready"}, "state"),
    ({"title": "x", "text": "x", "project": str(uuid.uuid4())}, "project"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED)
def test_what_is_refused_names_its_field_and_leaves_nothing(his: Address, body: dict[str, Any], field: str) -> None:
    answered = his.post(**body)
    assert answered.status_code == 400 and field in answered.json()["error"]["fields"], answered.content
    assert not KnowledgeDocument.objects.exists() and not Run.objects.exists()


def test_files_that_are_refused(his: Address, settings: Any) -> None:
    refused = {
        "a.exe": b"MZ\x90\x00\x03\x00\x00\x00",
        "a.txt": b"\xff\xfe",
        "a.md": b"  \n",
        "noending": b"\x7fELF\x02\x01\x01",
        "a.pdf": b"%PDF-1.7\n",
        "scanned.pdf": documents.pdf("", ""),
        "a.docx": documents.zipped({"a.txt": "x"}),
        "a.html": b"<html><script>x</script></html>",
        "a.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "empty.pdf": b"",
    }
    for name, data in refused.items():
        answered = his.send(name, data)
        assert answered.status_code == 400 and "file" in answered.json()["error"]["fields"], name
    assert his.client.post(his.path, {"title": "x"}, format="multipart").status_code == 400
    settings.KNOWLEDGE_TEXT_MAX_BYTES = 10
    assert code(his.send("a.txt", b"x" * 11)) == (413, "file_too_large")
    assert code(his.post(title="x", text="é" * 6)) == (413, "file_too_large")
    settings.KNOWLEDGE_FILE_MAX_BYTES = 5
    assert code(his.send("a.txt", b"x" * 6)) == (413, "file_too_large")
    assert not KnowledgeDocument.objects.exists()


def test_a_project_keeps_no_more_documents_than_it_may(his: Address, settings: Any) -> None:
    settings.KNOWLEDGE_DOCUMENTS_MAX = 1
    assert his.post(**TEXT).status_code == 202
    full = his.post(**TEXT)
    assert code(full) == (409, "knowledge_full") and full.json()["error"]["message"] == FULL
    assert KnowledgeDocument.objects.count() == 1


def test_each_role_reads_up_to_its_level_and_the_rest_is_not_there(
    hers: Address, his: Address, viewers: Address, project: Project
) -> None:
    rows = {level: found(project, f"Green door {level}", level=level, title=f"{level}") for level in range(4)}
    for address, most in ((viewers, 1), (his, 2), (hers, 3)):
        expected = [str(level) for level in range(most + 1)]
        assert address.titles() == expected
        results = address.get("search/", q="green door").json()["results"]
        assert sorted(each["title"] for each in results) == expected
        assert [each["score"] for each in results] == [round(1 / n, 4) for n in range(1, most + 2)]
        for level, row in rows.items():
            assert address.get(f"{row.pk}/").status_code == (200 if level <= most else 404)
    secret = rows[3]
    unknown = his.get(f"{uuid.uuid4()}/").json()
    for answered in (his.get(f"{secret.pk}/"), his.patch(secret.pk, level=0), his.delete(secret.pk)):
        assert answered.status_code == 404 and answered.json() == unknown
    assert his.post(f"{secret.pk}/reindex").json() == unknown
    page = his.get(page_size=1).json()
    assert len(page["results"]) == 1 and "count" not in page
    secret.refresh_from_db()
    assert secret.level == 3


def test_a_role_in_the_project_decides_there(api: Api, bob: User, project: Project, hers: Address) -> None:
    found(project, "Secret.", level=2, title="secret")
    address = Address(api(bob), project)
    assert address.titles() == ["secret"]
    row = ProjectMember.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert address.titles() == [] and address.get("search/", q="secret").json() == {"results": [], "degraded": False}
    assert code(address.post(**TEXT)) == (403, "not_allowed")
    row.delete()
    Membership.objects.filter(user=bob).delete()
    assert address.get().status_code == 404 and hers.titles() == ["secret"]


def test_who_is_outside_finds_nothing_there(api: Api, charlie: User, project: Project, his: Address) -> None:
    row = found(project, "Green door")
    run = his.post(**TEXT).json()["run"]
    outside = Address(api(charlie), project)
    answers = [outside.get(), outside.get("search/", q="green"), outside.get(f"{row.pk}/"), outside.post(**TEXT)]
    answers += [outside.patch(row.pk, title="x"), outside.delete(row.pk), outside.post(f"{row.pk}/reindex")]
    answers += [outside.send("a.txt", b"x"), outside.client.get(f"/api/runs/{run}/")]
    assert {each.status_code for each in answers} == {404}
    own = Project.objects.create(organization=charlie.memberships.get().organization, name="Own")
    assert Address(api(charlie), own).get(f"{row.pk}/").status_code == 404, "by the address of another project"


def test_viewers_read_and_change_nothing(viewers: Address, project: Project) -> None:
    row = found(project, "Green door")
    assert viewers.get(f"{row.pk}/").status_code == 200
    for answered in (viewers.post(**TEXT), viewers.patch(row.pk, title="x"), viewers.delete(row.pk)):
        assert code(answered) == (403, "not_allowed")
    assert code(viewers.post(f"{row.pk}/reindex")) == (403, "not_allowed")
    assert viewers.send("a.txt", b"x").status_code == 403


def test_the_run_is_seen_by_whoever_began_it_alone(
    his: Address, hers: Address, api: Api, alice: User, bob: User
) -> None:
    made = hers.post(**TEXT, level=3).json()
    run = f"/api/runs/{made['run']}/"
    assert api(alice).get(run).status_code == 200 and api(bob).get(run).status_code == 404
    listed = [each["id"] for each in api(bob).get("/api/runs/").json()["results"]]
    assert made["run"] not in listed and made["run"] in str(api(alice).get("/api/runs/").json())
    other = his.post(**TEXT).json()
    assert (
        hers.get(f"{other['id']}/").json()["run"] is None and his.get(f"{other['id']}/").json()["run"] == other["run"]
    )


def test_title_level_and_language_change_with_all_passages(hers: Address, his: Address, project: Project) -> None:
    row = found(project, "Green door", title="Door")
    changed = hers.patch(row.pk, title="Doors", level=3, language="de")
    assert changed.status_code == 200 and changed.json()["title"] == "Doors"
    assert list(Passage.objects.values_list("level", "language")) == [(3, "de")]
    assert his.titles() == [] and his.get("search/", q="green").json()["results"] == []
    assert hers.get("search/", q="green").json()["results"][0]["title"] == "Doors"
    for title, words in (("Käufe & Keys", {"käufe", "keys"}), ("Gate", {"gate"})):
        assert hers.patch(row.pk, title=title).status_code == 200
        for query in ("käufe", "keys", "gate", "green"):
            count = len(hers.get("search/", q=query).json()["results"])
            assert count == (query in {*words, "green"}), (title, query)
    for body, field in (
        ({"level": 4}, "level"),
        ({"text": "x"}, "text"),
        ({"title": ""}, "title"),
        ({"state": "x"}, "state"),
    ):
        assert field in hers.patch(row.pk, **body).json()["error"]["fields"]
    assert hers.patch(row.pk).status_code == 200
    assert "level" in his.patch(found(project, "x").pk, level=3).json()["error"]["fields"]


@pytest.mark.parametrize(
    ("gone", "who"),
    [
        ("", "bob"),  # who had it indexed before
        ("left", "alice"),
        ("inactive", "alice"),
        ("reads only", "alice"),
        ("reads only in the project", "alice"),
        ("all", None),
    ],
)
def test_an_operator_indexes_anew_for_somebody_who_may_write(
    his: Address, project: Project, bob: User, alice: User, gone: str, who: str | None
) -> None:
    row = found(project, "Green door")
    Run.objects.filter(pk=his.post(f"{row.pk}/reindex").json()["run"]).update(status="succeeded")
    theirs = Membership.objects.filter(user=bob)
    if gone == "left":
        theirs.delete()
    elif gone in ("inactive", "all"):
        User.objects.filter(pk__in=[bob.pk, alice.pk] if gone == "all" else [bob.pk]).update(is_active=False)
    elif gone == "reads only":
        theirs.update(role=Role.VIEWER)
    elif gone:
        ProjectMember.objects.create(project=project, user=bob, role=Role.VIEWER)
    if who is None:
        with pytest.raises(NotFound, match="nobody on whose behalf"):
            knowledge.reindex_by_operator(row)
    else:
        begun = knowledge.reindex_by_operator(row)
        assert Run.objects.get(pk=begun.run).user == {"bob": bob, "alice": alice}[who]


def test_deleting_leaves_no_row_and_no_word(his: Address, project: Project) -> None:
    before = in_index()
    row = found(project, "Green door")
    assert in_index() == before + 1
    assert his.delete(row.pk).status_code == 204
    assert not KnowledgeDocument.objects.exists() and not Passage.objects.exists() and in_index() == before
    assert his.get("search/", q="green").json()["results"] == []
    found(project, "Green door")
    project.delete()
    assert not Passage.objects.exists() and in_index() == before


FAILED = ev.RunFailed(at=1.0, code="embeddings_failed", message="It is away.", retryable=True, usage=Usage())
CANCELLED = ev.RunCancelled(at=1.0, by="", usage=Usage())


@pytest.mark.parametrize(("last", "code"), [(FAILED, "embeddings_failed"), (CANCELLED, "cancelled")])
@pytest.mark.parametrize(("generation", "state"), [(0, "failed"), (1, "ready")])
def test_a_run_that_comes_to_nothing_says_why_and_what_was_found_is_found(
    his: Address, project: Project, last: Any, code: str, generation: int, state: str
) -> None:
    row = found(project, "Green door")
    KnowledgeDocument.objects.update(generation=generation)
    run = Run.objects.get(pk=his.post(f"{row.pk}/reindex").json()["run"])
    shown = his.get(f"{row.pk}/").json()
    assert shown["state"] == "pending" and len(his.get("search/", q="green").json()["results"]) == generation
    index.end(facts_of(run), fold([last]))
    shown = his.get(f"{row.pk}/").json()
    assert (shown["state"], shown["error"]["code"]) == (state, code)
    assert len(his.get("search/", q="green").json()["results"]) == generation


@pytest.mark.parametrize("query", [{"q": "x" * 2001}, {"q": "x", "limit": 0}, {"q": "x", "limit": 51}])
def test_searches_that_are_refused(his: Address, query: dict[str, Any]) -> None:
    assert his.get("search/", **query).status_code == 400
    assert his.get("search/", q="x", deep="y").status_code == 400
    assert his.get("search/").json() == his.get("search/", q="").json() == {"results": [], "degraded": False}


def test_an_api_key_reads_and_writes_by_its_scope(project: Project, bob: User, organization: Organization) -> None:
    found(project, "Green door")
    for scope, writes in (("chat", 202), ("read", 403), ("llm", 403)):
        _, key = create_key(user=bob, organization=organization, scopes=[scope], name="CI", expires_at=None)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        address = Address(client, project)
        assert address.get("search/", q="green").status_code == (403 if scope == "llm" else 200)
        assert address.post(**TEXT).status_code == writes


def test_levels_by_role_are_a_setting(settings: Any, bob: User, project: Project, charlie: User) -> None:
    assert [level_of(role) for role in Role] == [1, 2, 3, 3] and level_of(None) == -1
    settings.KNOWLEDGE_LEVELS = {**settings.KNOWLEDGE_LEVELS, "editor": 0}
    assert level_in(bob, project) == 0 and level_in(charlie, find_project(bob, project.pk)) == -1
