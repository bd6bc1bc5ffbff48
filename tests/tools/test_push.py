"""Pushing by hand: what comes of it, and what each refusal of a server is."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.git_http import READS_ONLY, TOKEN, Asked, GitServer, Given
from tests.tools.gits import fsck, git, heads
from tools.errors import ForgeError, OutwardError
from tools.git.pktline import FLUSH, NoPackets, packet, packets
from tools.git.push import Pushed, push
from tools.git.remote.address import Remote
from tools.git.repository import Repository

BRANCH = "parley/chat-1"
ALICE = {"author_name": "Alice", "author_email": "alice@example.com"}


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[GitServer]:
    made = GitServer(tmp_path / "server")
    settings.OUTWARD_ALLOW = [made.host]
    yield made
    made.close()


@pytest.fixture
def place(server: GitServer, repository: Repository) -> Path:
    """The remote repository, which has the project's default branch."""
    return server.repository(of=repository.path)


def remote(server: GitServer, token: str = TOKEN, path: str = "acme/website") -> Remote:
    return Remote(f"{server.url}/{path}.git", "none", "", "git", token)


def written(repository: Repository, path: str, text: str, branch: str = BRANCH) -> str:
    return repository.write(branch, path, text, **ALICE).commit


def pushed(repository: Repository, server: GitServer, commit: str, branch: str = BRANCH, **more: Any) -> Pushed:
    return asyncio.run(push(repository, remote(server), branch, commit, **more))


def refused(repository: Repository, to: Remote, commit: str) -> str:
    with pytest.raises(ForgeError) as told:
        asyncio.run(push(repository, to, BRANCH, commit))
    assert TOKEN not in str(told.value) and READS_ONLY not in str(told.value)
    return told.value.code


def test_a_branch_is_pushed_and_pushed_again(repository: Repository, server: GitServer, place: Path) -> None:
    first = written(repository, "src/prices.py", "COFFEE = 1\n")
    assert pushed(repository, server, first) == Pushed(BRANCH, first, is_changed=True)
    assert pushed(repository, server, first) == Pushed(BRANCH, first, is_changed=False)
    written(repository, "src/deep/er/notes.txt", "More.\n")
    second = written(repository, "new/file.txt", "New.\n")
    assert pushed(repository, server, second).is_changed
    assert heads(place)[BRANCH] == second and len(heads(place)) == 2
    assert git(place, "show", f"{BRANCH}:src/prices.py") == "COFFEE = 1\n"
    fsck(place)
    assert list((repository.path / "objects").glob("parley-*")) == [], "nothing of the pack stays"


def test_an_empty_repository_gets_all_of_the_history(repository: Repository, server: GitServer) -> None:
    place, commit = server.repository(), written(repository, "a.txt", "1")
    assert pushed(repository, server, commit).is_changed
    assert git(place, "log", "--format=%s", BRANCH).splitlines()[-1] == "Begin the project"
    fsck(place)


def test_only_what_the_remote_lacks_is_sent(repository: Repository, server: GitServer, place: Path) -> None:
    commit = written(repository, "src/deep/er/notes.txt", "Other.\n")
    pushed(repository, server, commit)
    sent = next(each.body for each in server.asked if each.method == "POST")
    pack = sent[sent.index(b"PACK") :]
    assert int.from_bytes(pack[8:12], "big") == 1 + 4 + 1, "a commit, the folders down to the file, and the file"


def objects_sent(server: GitServer) -> list[int]:
    """How many there were in each pack."""
    bodies = [each.body for each in server.asked if each.method == "POST"]
    return [int.from_bytes(each[each.index(b"PACK") :][8:12], "big") for each in bodies]


def test_a_main_that_moved_there_does_not_have_all_the_history_sent(
    repository: Repository, server: GitServer, place: Path
) -> None:
    git(
        place,
        "update-ref",
        "refs/heads/main",
        git(place, "commit-tree", "main^{tree}", "-p", "main", "-m", "T").strip(),
    )
    pushed(repository, server, written(repository, "src/deep/er/notes.txt", "Other.\n"))
    assert objects_sent(server) == [1 + 4 + 1]
    fsck(place)


def test_a_remote_that_lacks_what_was_assumed_gets_all_of_it(repository: Repository, server: GitServer) -> None:
    place = server.repository()
    tree = git(place, "mktree").strip()
    git(place, "update-ref", "refs/heads/main", git(place, "commit-tree", tree, "-m", "Another").strip())
    commit = written(repository, "a.txt", "1")
    assert pushed(repository, server, commit).is_changed and heads(place)[BRANCH] == commit
    assert len(objects_sent(server)) == 2 and objects_sent(server)[0] < objects_sent(server)[1]
    fsck(place)


def test_what_a_server_has_without_a_branch_is_not_sent(repository: Repository, server: GitServer, place: Path) -> None:
    """As one has that keeps a repository and its forks in one place."""
    main, commit = heads(place)["main"], written(repository, "a.txt", "1")
    first = packet(f"{main} .have\0report-status\n".encode())

    def of_fork(asked: Asked) -> Given:
        return server._git(asked) if asked.method == "POST" else Given(200, HEAD + first + FLUSH, ADVERTISEMENT)

    server.instead = of_fork
    assert pushed(repository, server, commit).is_changed and objects_sent(server) == [3]


def test_a_server_that_repeats_the_token_does_not_show_it(
    repository: Repository, server: GitServer, place: Path
) -> None:
    pair = base64.b64encode(f"git:{TOKEN}".encode()).decode()
    said = packet(b"unpack ok\n") + packet(f"ng refs/heads/{BRANCH} bad {pair} {TOKEN}\n".encode()) + FLUSH
    result = {"Content-Type": "application/x-git-receive-pack-result"}
    server.instead = lambda asked: Given(200, said, result) if asked.method == "POST" else server._git(asked)
    with pytest.raises(ForgeError) as told:
        pushed(repository, server, written(repository, "a.txt", "1"))
    assert "bad *** ***" in str(told.value)


def test_what_others_pushed_stays(repository: Repository, server: GitServer, place: Path) -> None:
    first = written(repository, "a.txt", "1")
    pushed(repository, server, first)
    theirs = git(place, "commit-tree", f"{first}^{{tree}}", "-p", first, "-m", "Theirs").strip()
    git(place, "update-ref", f"refs/heads/{BRANCH}", theirs)
    assert refused(repository, remote(server), written(repository, "a.txt", "2")) == "branch_moved"
    assert heads(place)[BRANCH] == theirs


def test_a_branch_that_went_elsewhere_is_not_forced(repository: Repository, server: GitServer, place: Path) -> None:
    pushed(repository, server, written(repository, "a.txt", "1", "other"), "other")
    git(place, "update-ref", f"refs/heads/{BRANCH}", "refs/heads/other")
    assert refused(repository, remote(server), written(repository, "b.txt", "2")) == "branch_moved"


def test_onto_is_a_compare_and_set(repository: Repository, server: GitServer, place: Path) -> None:
    main, commit = heads(place)["main"], written(repository, "a.txt", "1")
    with pytest.raises(ForgeError, match="nothing is overwritten"):
        pushed(repository, server, commit, "main", onto="1" * 40)
    assert pushed(repository, server, commit, "main", onto=main).is_changed
    assert heads(place) == {"main": commit}


def test_two_push_at_once(repository: Repository, server: GitServer, place: Path) -> None:
    commits = {name: written(repository, f"{name}.txt", name, name) for name in ("one", "two")}

    async def both() -> None:
        await asyncio.gather(
            *(push(repository, remote(server), name, commit) for name, commit in commits.items()),
            push(repository, remote(server), "one", commits["one"]),
        )

    asyncio.run(both())
    assert {name: heads(place)[name] for name in commits} == commits
    fsck(place)
    fsck(repository.path)


REFUSALS = [
    ("without", "forge_auth"),
    ("wrong", "forge_auth"),
    ("reads only", "forge_forbidden"),
    ("elsewhere", "forge_not_found"),
    ("protected", "branch_protected"),
]


@pytest.mark.parametrize(("case", "code"), REFUSALS)
def test_each_refusal_has_its_code(
    case: str, code: str, repository: Repository, server: GitServer, place: Path
) -> None:
    to = {
        "without": remote(server, ""),
        "wrong": remote(server, "nonsense"),
        "reads only": remote(server, READS_ONLY),
        "elsewhere": remote(server, path="acme/elsewhere"),
    }.get(case, remote(server))
    if case == "protected":
        server.protect(place)
    before = heads(place)
    assert refused(repository, to, written(repository, "a.txt", "1")) == code
    assert heads(place) == before
    fsck(place)


ADVERTISEMENT = {"Content-Type": "application/x-git-receive-pack-advertisement"}
HEAD = packet(b"# service=git-receive-pack\n") + FLUSH
STRANGE = [
    (Given(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}), "forge_moved"),
    (Given(500), "forge_unavailable"),
    (Given(200, b"<html>", {"Content-Type": "text/html"}), "forge_unavailable"),
    (Given(200, b"<html>", ADVERTISEMENT), "forge_unavailable"),
    (Given(200, b"", ADVERTISEMENT), "forge_unavailable"),
    (Given(200, HEAD + b"00zz", ADVERTISEMENT), "forge_unavailable"),
    (Given(200, HEAD + packet(b"x" * 40 + b" refs/heads/main\n"), ADVERTISEMENT), "forge_unavailable"),
    (Given(200, HEAD + packet(b"a" * 40 + b" refs/heads/main\0report-status\n"), ADVERTISEMENT), "forge_unavailable"),
    (Given(200, HEAD + packet(b"a" * 40 + b" refs/heads/main\0ofs-delta\n") + FLUSH, ADVERTISEMENT), "forge_invalid"),
]


@pytest.mark.parametrize(("given", "code"), STRANGE)
def test_what_is_no_git_server_is_told(given: Given, code: str, repository: Repository, server: GitServer) -> None:
    server.instead = lambda asked: given
    assert refused(repository, remote(server), written(repository, "a.txt", "1")) == code
    assert len(server.asked) == 1, "nobody is asked after that, and no redirect is followed"


def test_an_answer_without_a_report_is_not_taken_for_a_push(
    repository: Repository, server: GitServer, place: Path
) -> None:
    result = {"Content-Type": "application/x-git-receive-pack-result"}

    def silent(asked: Asked) -> Given:
        return Given(200, b"", result) if asked.method == "POST" else server._git(asked)

    server.instead = silent
    assert refused(repository, remote(server), written(repository, "a.txt", "1")) == "forge_unavailable"


def test_a_push_is_bounded(repository: Repository, server: GitServer, place: Path, settings: Any) -> None:
    settings.PUSH_MAX_BYTES = 200
    assert refused(repository, remote(server), written(repository, "a.txt", "1")) == "push_too_large"
    assert list((repository.path / "objects").glob("parley-*")) == [] and BRANCH not in heads(place)


def test_no_address_of_ours_is_asked(repository: Repository, server: GitServer, settings: Any) -> None:
    settings.OUTWARD_ALLOW = []
    with pytest.raises(OutwardError):
        asyncio.run(push(repository, remote(server), BRANCH, written(repository, "a.txt", "1")))
    assert server.asked == []


@pytest.mark.parametrize(
    "body", [b"0", b"000", b"0001", b"0003", b"zzzz", b"-001", b"+010xxxxxxxxxxxx", b"0009ab", b"ffff" + b"a"]
)
def test_what_is_no_packet_is_refused(body: bytes) -> None:
    with pytest.raises(NoPackets):
        list(packets(body))
