"""Clone and fetch from a real git server: what comes, what is refused and by which word, and that nothing is left."""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gitserver import GitServer
from tests.tools.gits import fsck, git, heads
from tools.errors import RemoteError
from tools.git import arriving
from tools.git.remote import proxy
from tools.git.remote.process import Progress, Received, from_remote, job
from tools.git.repository import Repository

MANY = {f"src/{number}.txt": f"{number}\n" for number in range(60)}


@pytest.fixture(scope="module")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with GitServer(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture
def allowed(git_server: GitServer, repositories: Path, settings: Any) -> GitServer:
    """The server, where the operator means it."""
    settings.OUTWARD_ALLOW = [git_server.host]
    settings.CLONE_CA_FILE = str(git_server.ca)
    git_server.seen.clear()
    return git_server


def new_name(server: GitServer, *arguments: Any, **options: Any) -> str:
    name = f"team/{uuid.uuid4().hex}"
    server.add(name, *arguments, **options)
    return name


async def clone(url: str, project: uuid.UUID | None = None, **more: Any) -> tuple[Path, Received, list[Progress]]:
    place = arriving.waiting_room(project or uuid.uuid4())
    told, received = [], None
    asked = job(does="clone", folder=str(place), url=url, **{"token_user": "git", **more})
    async for each in from_remote(asked):
        if isinstance(each, Received):
            received = each
        else:
            told.append(each)
    assert received is not None
    return place, received, told


async def refusal(url: str, **more: Any) -> str:
    with pytest.raises(RemoteError) as told:
        await clone(url, **more)
    assert "s3cret" not in str(told.value) and "127.0.0.1:" not in str(told.value)
    return told.value.code


async def test_a_repository_comes_whole_with_its_one_branch(allowed: GitServer) -> None:
    name = new_name(allowed, MANY, branch="trunk")
    tip = allowed.commit(name, {"b.txt": "b"}, branch="trunk")
    allowed.commit(name, {"c.txt": "c"}, branch="parley/chat-123456789abc", parent=tip)
    place, received, told = await clone(allowed.url(name))
    assert received == Received("trunk", tip, 61)
    assert heads(place) == {"trunk": tip} and git(place, "rev-list", "--count", "HEAD") == "2\n"
    assert "remote" not in (place / "config").read_text() and not (place / "hooks").exists()
    assert told[-1].text == "looks through the history"
    fsck(place)


async def test_a_branch_may_be_chosen_and_its_history_cut(allowed: GitServer) -> None:
    name = new_name(allowed)
    tip = allowed.commit(name, {"b.txt": "b"}, branch="next", parent=allowed.commit(name, {"a.txt": "a"}))
    place, received, _ = await clone(allowed.url(name), branch="next", depth=1)
    assert (received.branch, received.commit) == ("next", tip)
    assert git(place, "rev-list", "--count", "HEAD") == "1\n"
    fsck(place)
    assert await refusal(allowed.url(name), branch="nowhere") == "remote_not_found"


async def test_a_private_one_by_its_token_which_is_sent_there_alone_and_once(allowed: GitServer) -> None:
    name = new_name(allowed, token="s3cret", user="git")
    _, received, _ = await clone(allowed.url(name), token="s3cret")
    assert received.files == 2 and allowed.credentials() == {"git:s3cret"}
    assert await refusal(allowed.url(name)) == "remote_auth"
    allowed.seen.clear()
    assert await refusal(allowed.url(name), token="s3cret-no-more") == "remote_auth"
    assert len([each for each in allowed.seen if each.credentials]) == 1, "a wrong token was sent again and again"


async def test_a_redirect_to_another_host_is_not_followed_and_gets_no_token(allowed: GitServer, tmp_path: Path) -> None:
    with GitServer(tmp_path / "other") as other, GitServer(tmp_path / "plain", is_plain=True) as plain:
        for number, far in enumerate((other, plain)):
            far.add("there", token="s3cret")
            allowed.redirect(f"away{number}", far.url("there"))
            assert await refusal(allowed.url(f"away{number}"), token="s3cret") in (
                "remote_refused",
                "remote_unavailable",
            )
            assert far.seen == []
        name = new_name(allowed, token="s3cret")
        allowed.redirect("moved", allowed.url(name))
        _, received, _ = await clone(allowed.url("moved"), token="s3cret")
        assert received.files == 2, "a repository that was renamed at its server is found"


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "remote_auth"), (404, "remote_not_found"), (500, "remote_unavailable"), (204, "remote_unavailable")],
)
async def test_what_the_server_says_is_told_by_its_word(allowed: GitServer, status: int, code: str) -> None:
    allowed.status(f"status{status}", status)
    assert await refusal(allowed.url(f"status{status}")) == code


async def test_addresses_that_are_not_public_are_refused_at_the_connection(
    allowed: GitServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = new_name(allowed)
    settings.OUTWARD_ALLOW = []
    assert await refusal(allowed.url(name)) == "remote_refused"  # its port
    settings.OUTWARD_PORTS = [allowed.port]
    assert await refusal(allowed.url(name)) == "remote_refused"  # its address
    for url in ("http://example.org/a/b", "file:///etc", "git://example.org/a", "ssh://git@example.org/a", "/etc"):
        assert await refusal(url) == "remote_refused"
    assert allowed.seen == []
    settings.OUTWARD_ALLOW = [allowed.host]
    settings.CLONE_CA_FILE = ""
    assert await refusal(allowed.url(name)) == "remote_refused"  # its certificate
    assert allowed.seen == []


async def test_the_proxy_leads_to_the_one_host_alone(allowed: GitServer) -> None:
    name = new_name(allowed)
    async with proxy.Proxy(allowed.url(name), max_bytes=1_000) as way:
        port = int(way.url.rpartition(":")[2])
        for head in ("CONNECT 127.0.0.1:1 HTTP/1.1", "CONNECT localhost:443 HTTP/1.1", "GET http://a/ HTTP/1.1", "x"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"{head}\r\n\r\n".encode())
            assert b"403" in await reader.read()
            writer.close()
        assert way.fault is not None and way.received == 0


BOUNDS = {
    "CLONE_MAX_BYTES": (20_000, "remote_too_large"),
    "CLONE_MAX_OBJECTS": (50, "remote_too_large"),
    "CLONE_MAX_FILE_BYTES": (630, "remote_too_large"),
    "TOOLS_REPOSITORY_MAX_FILES": (50, "remote_too_large"),
    "TOOLS_REPOSITORY_MAX_BYTES": (2_000, "remote_too_large"),
    "CLONE_MEMORY_BYTES": (30_000_000, "remote_too_large"),
}


@pytest.mark.parametrize(("name", "bound", "code"), [(name, *each) for name, each in BOUNDS.items()])
async def test_what_is_too_much_is_refused(allowed: GitServer, settings: Any, name: str, bound: int, code: str) -> None:
    noise = {f"{number}.bin": os.urandom(600) for number in range(60)}
    repository = new_name(allowed, {**noise, **{f"n{n}": uuid.uuid4().hex * 20 for n in range(60)}})
    await clone(allowed.url(repository))
    setattr(settings, name, bound)
    assert await refusal(allowed.url(repository)) == code


async def test_a_default_branch_that_stands_in_the_way_of_chats_is_refused(allowed: GitServer) -> None:
    for branch in ("parley", "Parley", "parley/chat-123456789abc"):
        name = new_name(allowed, MANY, branch=branch)
        assert await refusal(allowed.url(name)) == "remote_invalid"
    name = new_name(allowed, MANY, branch="parleys")
    assert (await clone(allowed.url(name)))[1].branch == "parleys"


async def test_branches_without_end_and_silence_have_an_end(allowed: GitServer, settings: Any) -> None:
    allowed.endless("endless")
    settings.CLONE_MAX_BYTES = 1_000_000
    assert await refusal(allowed.url("endless")) == "remote_too_large"
    allowed.silent("silent")
    settings.CLONE_IDLE_S = 1
    assert await refusal(allowed.url("silent")) == "remote_unavailable"


async def test_who_leaves_in_between_leaves_no_process_and_no_connection(allowed: GitServer) -> None:
    name = new_name(allowed, {f"{n}": uuid.uuid4().hex * 50 for n in range(60)})
    hold = allowed.hold(name)
    work = asyncio.create_task(clone(allowed.url(name)))
    await asyncio.to_thread(hold.reached.wait, 10)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    hold.release.set()
    assert [each.cmdline for each in _children()] == []


def _children() -> list[Any]:
    import psutil

    return [each for each in psutil.Process().children(recursive=True) if "remote.child" in " ".join(each.cmdline())]


async def placed(server: GitServer, name: str) -> tuple[uuid.UUID, Path, str]:
    """A project whose repository was cloned from there: its newest commit."""
    project = uuid.uuid4()
    place, received, _ = await clone(server.url(name), project)
    arriving.take_place(project, place, work="w", replace=False)
    arriving.leave(place)
    return project, Repository(project).path, received.commit


async def fetch(server: GitServer, name: str, project: uuid.UUID, branch: str = "main") -> str:
    path = Repository(project).path
    tip = heads(path)[branch]
    place = arriving.waiting_room(project)
    asked = job(
        does="fetch", folder=str(place), url=server.url(name), branch=branch, known=str(path), tip=tip, token_user="git"
    )
    try:
        *_, received = [each async for each in from_remote(asked)]
        assert isinstance(received, Received)
        if received.commit != tip:
            arriving.take_over(project, place, branch=branch, old=tip, new=received.commit)
        return received.commit
    finally:
        arriving.leave(place)


async def test_a_fetch_moves_the_branch_forward_and_brings_only_what_is_new(allowed: GitServer) -> None:
    name = new_name(allowed, MANY)
    project, path, first = await placed(allowed, name)
    assert await fetch(allowed, name, project) == first
    for number in range(2):
        tip = allowed.commit(name, {f"new{number}.txt": "new"})
        assert await fetch(allowed, name, project) == tip == heads(path)["main"]
        fsck(path)
    assert "alternates" not in {each.name for each in (path / "objects" / "info").glob("*")}
    assert {each.name for each in path.parent.iterdir()} == {path.name, path.with_suffix(".lock").name}


async def test_commits_of_here_are_never_overwritten(allowed: GitServer) -> None:
    name = new_name(allowed, MANY)
    project, path, first = await placed(allowed, name)
    Repository(project).write("parley/chat-1", "here.txt", "x", author_name="A", author_email="a@b")
    git(path, "update-ref", "refs/heads/main", "refs/heads/parley/chat-1")
    ahead = heads(path)
    assert await fetch(allowed, name, project) == ahead["main"], "the server is behind: nothing to do"
    allowed.commit(name, {"there.txt": "x"})
    with pytest.raises(RemoteError) as told:
        await fetch(allowed, name, project)
    assert told.value.code == "diverged" and heads(path) == ahead
    allowed.commit(name, {"rewritten.txt": "x"}, parent=first)
    git(path, "update-ref", "refs/heads/main", first)
    fsck(path)


async def test_what_is_there_is_put_aside_or_kept(allowed: GitServer) -> None:
    name = new_name(allowed, MANY)
    project, path, first = await placed(allowed, name)
    place, _, _ = await clone(allowed.url(name), project)
    with pytest.raises(RemoteError, match="has got files"):
        arriving.take_place(project, place, work="w", replace=False)
    assert heads(path)["main"] == first
    arriving.take_place(project, place, work="other", replace=True)
    assert arriving.came_by(project, "other") and heads(path.with_suffix(".before"))["main"] == first
    fsck(path)


def test_what_was_left_is_removed_once_it_is_old(repositories: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = uuid.uuid4()
    arriving.waiting_room(project).mkdir()
    (Repository(project).path.with_suffix(".uploading") / "left").mkdir(parents=True)
    assert not arriving.remove_left(project)
    monkeypatch.setattr(arriving, "LEFT_FOR_S", -1)
    assert arriving.remove_left(project) and list(repositories.iterdir()) == []
    shutil.rmtree(repositories, ignore_errors=True)
