"""The admin's page of a project's repository: what there is, what failed, and no token."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from accounts.secrets import seal
from chat.models import Chat, PullRequest, ToolGrant
from tools.models import ProjectRepository, RepositoryState

pytestmark = pytest.mark.django_db


def test_it_shows_state_and_error_and_no_token(project: Project) -> None:
    sealed = seal("ghp_swordfish_0123456789")
    ProjectRepository.objects.create(
        project=project,
        state=RepositoryState.FAILED,
        remote_url="https://github.com/acme/<script>",
        token=sealed,
        error={"code": "remote_auth", "message": "<img src=x onerror=alert(1)>"},
    )
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    for path in ("", f"{project.pk}/change/", f"?q={project.pk}", "?state=failed"):
        shown = client.get(f"/admin/tools/projectrepository/{path}", follow=True)
        text = shown.content.decode()
        assert shown.status_code == 200 and "Website" in text, path
        assert sealed not in text and "swordfish" not in text and "<script>" not in text.replace("<script>alert", "")
        assert "<img src=x" not in text
    assert client.get(f"/admin/tools/projectrepository/?token__startswith={sealed[:4]}").status_code in (302, 400, 403)


def test_the_list_tells_the_error_s_code(project: Project) -> None:
    told = {"code": "remote_auth", "message": "x"}
    ProjectRepository.objects.create(project=project, remote_url="https://github.com/acme/shop", error=told)
    assert "remote_auth" in rows("tools/projectrepository/")


@pytest.fixture
def stored(project: Project, chat: Chat, alice: User) -> None:
    """A row of each."""
    ProjectRepository.objects.create(
        project=project, remote_url="https://github.com/acme/shop", forge="github", forge_path="acme/shop"
    )
    PullRequest.objects.create(
        **{"project": project, "forge": "github", "number": 7, "url": "https://github.com/acme/shop/pull/7"},
        **{"title": "A note", "branch": "chat/1", "base": "main", "head": "0" * 40},
    )
    for tool, hours, revoked_at in (("holds_now", 1, None), ("is_over", -1, None), ("was_revoked", 1, timezone.now())):
        until = timezone.now() + timedelta(hours=hours)
        ToolGrant.objects.create(chat=chat, tool=tool, by=alice, expires_at=until, revoked_at=revoked_at)


def rows(path: str) -> str:
    """The list's table, as text; empty where nothing was found."""
    client = Client()
    client.force_login(User.objects.create_superuser(f"root{User.objects.count()}@example.com"))
    shown = client.get(f"/admin/{path}")
    assert shown.status_code == 200, path
    return shown.content.decode().partition('id="result_list"')[2].partition("</table>")[0]


@pytest.mark.parametrize(
    ("path", "there", "not_there"),
    [
        ("tools/projectrepository/?q=https://github.com/acme", "acme/shop", ""),
        ("tools/projectrepository/?q=acme/sh", "acme/shop", ""),
        ("tools/projectrepository/?q=https://gitlab.com", "", "acme/shop"),
        ("chat/pullrequest/?q=7", "chat/1", ""),
        ("chat/pullrequest/?q=%237", "chat/1", ""),
        ("chat/pullrequest/?q=8", "", "chat/1"),
        ("chat/pullrequest/?q=99999999999999999999", "", "chat/1"),
        ("chat/pullrequest/?q=https://github.com/acme/shop/pull", "chat/1", ""),
        ("chat/toolgrant/?holds=yes", "holds_now", "is_over"),
        ("chat/toolgrant/?holds=yes", "holds_now", "was_revoked"),
        ("chat/toolgrant/?holds=no", "is_over", "holds_now"),
        ("chat/toolgrant/?holds=no", "was_revoked", "holds_now"),
        ("chat/toolgrant/?holds=x", "holds_now", ""),
    ],
)
def test_rows_are_found(stored: None, path: str, there: str, not_there: str) -> None:
    shown = rows(path)
    assert there in shown and (not not_there or not_there not in shown)
