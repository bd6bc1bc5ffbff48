"""The page of a project's knowledge: its forms, who sees them, what it says of documents and of what is refused."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Project, User
from chat.runner import runner
from tests.chat.test_knowledge import found
from tools.models import KnowledgeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process takes no runs by itself."""
    monkeypatch.setattr(runner, "owner_here", lambda: None)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_documents_are_added_found_indexed_anew_and_deleted(bob: User, project: Project) -> None:
    client, page = signed_in(bob), f"/projects/{project.pk}/knowledge/"
    assert (
        client.post(page, {"do": "text", "title": "House", "text": "Red.\r\nGreen.", "level": "2"}).status_code == 302
    )
    file = SimpleUploadedFile("guide.md", b"# Guide\n\nGreen door.")
    assert client.post(page, {"do": "file", "file": file, "level": "0", "title": ""}).status_code == 302
    house, guide = KnowledgeDocument.objects.order_by("created_at")
    assert (house.text, house.level, guide.title, guide.level) == ("Red.\nGreen.", 2, "guide.md", 0)
    row = found(project, "The <b>green</b> door", title="<i>Door</i>")
    said = client.get(page, {"q": "green"}).content.decode()
    assert "&lt;b&gt;green&lt;/b&gt;" in said and "<i>Door" not in said and "waits to be indexed" in said
    assert client.post(page, {"do": "reindex", "id": str(row.pk)}).status_code == 302
    assert client.post(page, {"do": "delete", "id": str(row.pk)}).status_code == 302
    assert not KnowledgeDocument.objects.filter(pk=row.pk).exists()


def test_what_is_refused_is_said_in_the_readers_language(bob: User, project: Project) -> None:
    client, page = signed_in(bob), f"/projects/{project.pk}/knowledge/"
    for form, status, told in (
        ({"do": "text", "title": "x", "text": "x", "level": "3"}, 400, "so weit liest Ihre Rolle"),
        ({"do": "file"}, 400, "Wählen Sie eine Datei."),
        ({"do": "file", "file": SimpleUploadedFile("a.exe", b"MZ\x90\x00\x03\x00")}, 400, "Das ist kein Text."),
        ({"do": "file", "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7\n")}, 400, "Dieses PDF ist beschädigt"),
        ({"do": "delete", "id": "x"}, 400, "UUID"),
        ({"do": "delete", "id": str(uuid.uuid4())}, 404, ""),
        ({"do": "nothing"}, 400, ""),
    ):
        answered = client.post(page, form, headers={"Accept-Language": "de"})
        assert answered.status_code == status and told in answered.content.decode(), (form, answered.content[-900:])
    assert not KnowledgeDocument.objects.exists()


def test_who_reads_less_sees_less(bob: User, alice: User, charlie: User, project: Project) -> None:
    found(project, "Green door", level=3, title="Top secret")
    page = f"/projects/{project.pk}/knowledge/"
    assert "Top secret" in signed_in(alice).get(page, {"q": "green"}).content.decode()
    said = signed_in(bob).get(page, {"q": "green"}).content.decode()
    assert "Top secret" not in said and "Nothing was found." in said and "restricted" not in said
    assert signed_in(charlie).get(page).status_code == 404
