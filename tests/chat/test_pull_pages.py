"""The pages of pull requests: what they show, to whom, and that nothing of what people and models write is HTML."""

import pytest
from django.test import Client

from accounts.models import Membership, Role, User
from chat.models import Chat, PullRequest
from chat.page import pulls
from tests.conftest import member
from tests.tools.branches import put
from tests.tools.gits import git, heads
from tools.git.repository import Repository

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
ALICE = {"author_name": f"Alice {HOSTILE}", "author_email": "alice@example.com"}


def browser(user: User, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(user)
    return client


@pytest.fixture
def repository(chat: Chat) -> Repository:
    assert chat.project_id is not None
    return Repository(chat.project_id)


@pytest.fixture
def pull(chat: Chat, alice: User, repository: Repository) -> PullRequest:
    head = repository.write(chat.branch_name(), "notes/<b>.md", f"Green {HOSTILE}\n", **ALICE).commit
    return PullRequest.objects.create(
        project=chat.project, chat=chat, forge="none", number=1, title=HOSTILE, body=f"It is **new** {HOSTILE}",
        branch=chat.branch_name(), base="main", head=head, author=alice,
    )  # fmt: skip


def address(pull: PullRequest) -> str:
    return f"/projects/{pull.project_id}/pulls/{pull.number}/"


def shown(client: Client, where: str) -> str:
    answered = client.get(where)
    assert answered.status_code == 200
    return str(answered.content.decode())


def test_it_shows_description_commits_and_differences_and_nothing_of_them_is_html(
    pull: PullRequest, alice: User
) -> None:
    page = shown(browser(alice), address(pull))
    assert "<strong>new</strong>" in page and "notes/&lt;b&gt;.md" in page
    assert (
        '<td class="add"><span class="sign">+</span>Green &lt;script&gt;' in page
        and "Write notes/&lt;b&gt;.md" in page
        and "To its chat" in page
    )
    listed = shown(browser(alice), f"/projects/{pull.project_id}/pulls/")
    assert address(pull) in listed
    for text in (page, listed):
        assert "<script>alert" not in text and "<img src=x" not in text and "&lt;script&gt;alert" in text


def test_only_what_one_may_do_is_offered(pull: PullRequest, alice: User, bob: User, charlie: User) -> None:
    viewer = member(bob.memberships.get().organization, "victor", Role.VIEWER)
    offered = {alice: (True, True), bob: (False, True), viewer: (False, False)}
    for user, (merge, close) in offered.items():
        page = shown(browser(user), address(pull))
        assert ('data-do="merge"' in page, 'data-do="close"' in page) == (merge, close), user
    for where in (address(pull), f"/projects/{pull.project_id}/pulls/"):
        assert browser(charlie).get(where).status_code == 404
        assert Client().get(where).status_code == 302
    Membership.objects.filter(user=bob).delete()
    assert browser(bob).get(address(pull)).status_code == 404


def test_conflicts_are_named_and_then_nobody_is_offered_to_merge(
    chat: Chat, alice: User, pull: PullRequest, repository: Repository
) -> None:
    pull.head = repository.write(chat.branch_name(), "README.md", "ours\n", **ALICE).commit
    pull.save()
    repository.write("other", "README.md", "theirs\n", **ALICE)
    git(repository.path, "update-ref", "refs/heads/main", "refs/heads/other")
    page = shown(browser(alice), address(pull))
    assert "<li><code><bdi>README.md</bdi></code></li>" in page and 'data-do="merge"' not in page


def test_nothing_that_is_merged_is_hidden(chat: Chat, alice: User, pull: PullRequest, repository: Repository) -> None:
    """What turns the direction of writing, or is not seen, would show other code than what is merged."""
    hidden = "\u202e\u2066\u200b\x1b"
    put(repository, chat.branch_name(), {f"a{hidden}.py": f"if{hidden}: pass\r\n".encode()})
    pull.head = heads(repository.path)[chat.branch_name()]
    pull.title = f"Title{hidden}"
    pull.save()
    page = shown(browser(alice), address(pull)).partition("<main")[2]
    assert not set(hidden) & set(page)
    assert all(page.count(f">U+{ord(each):04X}<") >= 2 for each in hidden) and ">CR<" in page


def test_what_is_too_large_to_merge_is_told_and_not_offered(
    chat: Chat, alice: User, pull: PullRequest, repository: Repository
) -> None:
    put(repository, chat.branch_name(), {"big.txt": b"a\nb\n" * 30_000})
    pull.head = heads(repository.path)[chat.branch_name()]
    pull.save()
    put(repository, "main", {"big.txt": b"b\nc\n" * 30_000})
    page = shown(browser(alice), address(pull))
    assert "too large to be merged here" in page and 'data-do="merge"' not in page and 'data-do="close"' in page


def test_of_long_files_the_start_is_shown_and_no_more_than_there_is_room_for(
    chat: Chat, alice: User, pull: PullRequest, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write(chat.branch_name(), "long.txt", "long line\n" * 30_000, **ALICE)
    pull.head = repository.write(chat.branch_name(), "second.txt", "another line\n" * 5_000, **ALICE).commit
    pull.save()
    monkeypatch.setattr(pulls, "SHOWN_LINES", 10_000)
    page = shown(browser(alice), address(pull))
    assert all(name in page for name in ("long.txt", "second.txt"))
    assert "another line" not in page and page.count("long line") < 12_000 and "This is the start" in page


def test_why_it_was_refused_is_said_in_the_readers_language(pull: PullRequest, alice: User) -> None:
    german = browser(alice, **{"accept-language": "de"})
    assert "hat sich bewegt" in shown(german, f"{address(pull)}?said=base_moved")
    assert "Das geht gerade nicht." in shown(german, f"{address(pull)}?said={HOSTILE}")
    assert 'role="alert"' not in shown(german, address(pull))


def test_one_at_a_forge_has_its_page_there(pull: PullRequest, alice: User) -> None:
    PullRequest.objects.update(forge="github", url="https://git.example/acme/website/pull/1")
    assert browser(alice).get(address(pull)).status_code == 404
    listed = shown(browser(alice), f"/projects/{pull.project_id}/pulls/")
    assert 'href="https://git.example/acme/website/pull/1" rel="noreferrer"' in listed
