"""Each row of the table of docs/decisions/0078, for each forge: requests as documented, a code for each refusal."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.forges import Forge, give
from tests.tools.git_http import READS_ONLY, TOKEN, Asked, GitServer, Given
from tests.tools.gits import git, heads
from tools.errors import ForgeError
from tools.forges import Forge as Api
from tools.forges import Pull, Wanted, forge_of
from tools.git.remote.address import Remote

KINDS = ("github", "gitlab", "forgejo")
BRANCH = "parley/chat-1"
WANTED = Wanted(BRANCH, "main", "Cheaper coffee", "Because.", is_draft=False)
pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """It keeps a repository that has the branch."""
    made = GitServer(tmp_path_factory.mktemp("server"))
    place = made.repository()
    tree = git(place, "mktree").strip()
    main = git(place, "commit-tree", tree, "-m", "Begin").strip()
    git(place, "update-ref", "refs/heads/main", main)
    ours = git(place, "commit-tree", tree, "-p", main, "-m", "More").strip()
    git(place, "update-ref", f"refs/heads/{BRANCH}", ours)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def allowed(server: GitServer, settings: Any) -> None:
    settings.OUTWARD_ALLOW = [server.host]


@pytest.fixture
def place(server: GitServer) -> Path:
    return server.root / "acme/website.git"


@pytest.fixture
def forge(kind: str, server: GitServer) -> Forge:
    return Forge(kind, server)


def api(server: GitServer, kind: str, token: str = TOKEN, path: str = "acme/website") -> Api:
    found = forge_of(Remote(f"{server.url}/{path}.git", kind, path, "x", token))
    assert found is not None
    return found


def code_of(work: Any) -> str:
    with pytest.raises(ForgeError) as told:
        asyncio.run(work)
    assert TOKEN not in str(told.value) and READS_ONLY not in str(told.value)
    return told.value.code


def test_it_is_created_found_read_and_updated(kind: str, forge: Forge, server: GitServer) -> None:
    asked = api(server, kind)

    async def walk() -> list[Pull | None]:
        none = await asked.find(BRANCH, "main")
        made = await asked.create(WANTED)
        assert made is not None
        again = await asked.create(WANTED)
        changed = await asked.update(made, "Dearer tea", None)
        return [none, made, again, await asked.find(BRANCH, "main"), changed, await asked.read(made.number)]

    none, made, again, found, changed, read = asyncio.run(walk())
    assert (none, again) == (None, None), "a second one is told as such"
    assert made == found == changed == read
    assert made is not None and made.url.startswith(f"{server.url}/acme/website/")
    assert [(each["title"], each["body"]) for each in forge.pulls] == [("Dearer tea", "Because.")]


def test_a_draft_is_one(kind: str, forge: Forge, server: GitServer) -> None:
    made = asyncio.run(api(server, kind).create(Wanted(BRANCH, "main", "T", "", is_draft=True)))
    assert made is not None and made.is_draft
    asyncio.run(api(server, kind).update(made, "U", None))
    found = asyncio.run(api(server, kind).find(BRANCH, "main"))
    assert found is not None and found.is_draft, "another title leaves it one"


def test_what_became_of_one_is_read(kind: str, forge: Forge, server: GitServer) -> None:
    made = asyncio.run(api(server, kind).create(WANTED))
    assert made is not None
    forge.merge(made.number)
    read = asyncio.run(api(server, kind).read(made.number))
    assert read is not None and read.state == "merged"
    assert asyncio.run(api(server, kind).find(BRANCH, "main")) is None
    assert asyncio.run(api(server, kind).read(99)) is None


def test_others_are_not_taken_for_it(kind: str, forge: Forge, server: GitServer) -> None:
    for number in range(120):  # pages of Forgejo's
        forge.pulls.append(
            {"number": number + 100, "head": f"other-{number}", "base": "main", "title": "x", "body": ""}
            | {"state": "open", "draft": False}
        )
    assert asyncio.run(api(server, kind).find(BRANCH, "main")) is None
    assert asyncio.run(api(server, kind).find("other-119", "main")) is not None


def test_a_strangers_from_a_fork_is_not_ours(kind: str, forge: Forge, server: GitServer) -> None:
    row = {"number": 3, "head": BRANCH, "base": "main", "title": "x", "body": "", "state": "open", "draft": False}
    forge.of_forks.append(row)
    assert asyncio.run(api(server, kind).find(BRANCH, "main")) is None
    made = asyncio.run(api(server, kind).create(WANTED))
    found = asyncio.run(api(server, kind).find(BRANCH, "main"))
    assert made is not None and found is not None and (made.number, found.number) == (7, 7)


def test_a_base_that_is_not_there(kind: str, forge: Forge, server: GitServer) -> None:
    assert not asyncio.run(api(server, kind).has_branch("release/1"))
    assert asyncio.run(api(server, kind).has_branch("main"))
    assert code_of(api(server, kind).create(Wanted(BRANCH, "release/1", "T", "", is_draft=False))) == "base_missing"
    assert forge.pulls == []


def test_nothing_to_merge(kind: str, forge: Forge, server: GitServer, place: Path) -> None:
    main = heads(place)["main"]
    git(place, "update-ref", "refs/heads/main", f"refs/heads/{BRANCH}")
    if kind == "gitlab":  # takes it: we compare first ourselves
        assert asyncio.run(api(server, kind).create(WANTED)) is not None
    else:
        assert code_of(api(server, kind).create(WANTED)) == "nothing_to_propose"
    git(place, "update-ref", "refs/heads/main", main)


def test_a_token_without_the_right(kind: str, forge: Forge, server: GitServer) -> None:
    assert code_of(api(server, kind, READS_ONLY).create(WANTED)) == "forge_forbidden"
    assert code_of(api(server, kind, "nonsense").find(BRANCH, "main")) == "forge_auth"
    assert code_of(api(server, kind, path="acme/elsewhere").find(BRANCH, "main")) == "forge_not_found"


REFUSALS = [
    (give(429, {"message": "slow down"}, **{"Retry-After": "17"}), "forge_rate_limited", 17),
    (give(403, {"message": "secondary rate limit"}, **{"Retry-After": "30"}), "forge_rate_limited", 30),
    (give(403, {"message": "limit"}, **{"X-RateLimit-Remaining": "0"}), "forge_rate_limited", 60),
    (give(403, {}, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}), "forge_rate_limited", 1),
    (give(429, None, **{"Retry-After": "9" * 30}), "forge_rate_limited", 3600),
    (give(403, {"message": "Repository was archived so is read-only."}), "forge_forbidden", None),
    (give(301, None, Location="http://127.0.0.1:1/"), "forge_moved", None),
    (give(400, {"message": "no"}), "forge_invalid", None),
    (give(502), "forge_unavailable", None),
    (give(200, {"message": "not a list"}), "forge_unavailable", None),
    (give(204), "forge_unavailable", None),
    (give(200, [{"head": {"ref": BRANCH, "repo": {"full_name": "acme/website"}}, "base": {"ref": "main"},
                 "source_branch": BRANCH, "target_branch": "main",
                 "source_project_id": 1, "target_project_id": 1,
                 "number": -1, "iid": "7"}]), "forge_unavailable", None),
]  # fmt: skip


def test_each_refusal_has_its_code(kind: str, forge: Forge, server: GitServer) -> None:
    for given, code, wait in REFUSALS:
        forge.fault = partial(_always, given)
        with pytest.raises(ForgeError) as told:
            asyncio.run(api(server, kind).find(BRANCH, "main"))
        assert (told.value.code, told.value.retry_after_s) == (code, wait), given


def _always(given: Given, asked: Asked) -> Given:
    return given


def test_what_a_forge_says_is_cut_and_holds_no_token(kind: str, forge: Forge, server: GitServer) -> None:
    forge.fault = lambda asked: give(400, {"message": f"bad token=ghp_secretsecret123 {TOKEN} {'x' * 5_000}\x00"})
    with pytest.raises(ForgeError) as told:
        asyncio.run(api(server, kind).find(BRANCH, "main"))
    assert TOKEN not in str(told.value)
    assert len(str(told.value)) < 300 and "ghp_secretsecret123" not in str(told.value) and "\x00" not in str(told.value)


def test_an_address_of_another_host_is_not_shown(kind: str, forge: Forge, server: GitServer) -> None:
    row = {
        "number": 7,
        "iid": 7,
        "html_url": "javascript:alert(1)",
        "web_url": "https://evil.example/7",
        "state": "open",
    }
    forge.fault = lambda asked: give(201, row)
    made = asyncio.run(api(server, kind).create(WANTED)) if kind != "gitlab" else asyncio.run(api(server, kind).read(7))
    assert made is not None and made.url.startswith(f"{server.url}/acme/website/")


def test_where_one_opens_it_by_hand(kind: str, server: GitServer) -> None:
    url = api(server, kind).compare_url(BRANCH, "main")
    assert url.startswith(f"{server.url}/acme/website/") and "chat-1" in url and "main" in url


BASES = [
    ("github", "https://github.com/acme/website.git", "https://api.github.com"),
    ("github", "https://git.example/acme/website", "https://git.example/api/v3"),
    ("gitlab", "https://gitlab.com/acme/website.git", "https://gitlab.com/api/v4"),
    ("gitlab", "https://git.example:8443/lab/acme/website.git", "https://git.example:8443/lab/api/v4"),
    ("forgejo", "https://codeberg.org/acme/website.git", "https://codeberg.org/api/v1"),
]


@pytest.mark.parametrize("base", BASES)
def test_where_its_api_is(kind: str, base: tuple[str, str, str]) -> None:
    if base[0] == kind:
        found: Any = forge_of(Remote(base[1], kind, "acme/website", "x", TOKEN))
        assert found.api.base == base[2]
