"""GitHub, GitLab and Forgejo as far as Parley asks them, over real HTTP, beside a real git server.

They take what is documented and refuse everything else: another forge's headers, unknown fields, wrong types. What they
refuse, and in which words, is as those servers do it (docs/decisions/0078-push-and-pull-requests.md has the table).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from jsonschema import Draft202012Validator

from tests.tools.git_http import READS_ONLY, TOKEN, Asked, GitServer, Given
from tests.tools.gits import git

Row = dict[str, Any]
TEXT = {"type": "string"}
TITLE = {"type": "string", "minLength": 1, "maxLength": 255}


def _closed(required: tuple[str, ...], **properties: Any) -> Draft202012Validator:
    return Draft202012Validator(
        {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}
    )


SCHEMAS = {
    ("github", "POST"): _closed(
        ("title", "head", "base"), title=TITLE, head=TEXT, base=TEXT, body=TEXT, draft={"type": "boolean"}
    ),
    ("github", "PATCH"): _closed((), title=TITLE, body=TEXT, state={"enum": ["open", "closed"]}, base=TEXT),
    ("gitlab", "POST"): _closed(
        ("source_branch", "target_branch", "title"),
        source_branch=TEXT,
        target_branch=TEXT,
        title=TITLE,
        description=TEXT,
    ),
    ("gitlab", "PUT"): _closed((), title=TITLE, description=TEXT),
    ("forgejo", "POST"): _closed(("title", "head", "base"), title=TITLE, head=TEXT, base=TEXT, body=TEXT),
    ("forgejo", "PATCH"): _closed((), title=TITLE, body=TEXT),
}
QUERIES = {
    "github": {"state", "base", "head"},
    "gitlab": {"state", "source_branch", "target_branch"},
    "forgejo": {"state", "limit", "page"},
}
LISTS = {"github": "pulls", "gitlab": "merge_requests", "forgejo": "pulls"}
BASES = {"github": "/api/v3/repos/", "gitlab": "/api/v4/projects/", "forgejo": "/api/v1/repos/"}
PAGE = 50


def give(status: int, value: Any = None, **headers: str) -> Given:
    return Given(
        status, b"" if value is None else json.dumps(value).encode(), {"Content-Type": "application/json", **headers}
    )


@dataclass
class Forge:
    """One kind of forge on a git server. `fault` answers instead, where it gives something."""

    kind: str
    server: GitServer
    pulls: list[Row] = field(default_factory=list)
    path: str = "acme/website"
    of_forks: list[Row] = field(default_factory=list)  # that strangers opened from their own copies
    fault: Callable[[Asked], Given | None] = lambda asked: None
    calls: list[str] = field(default_factory=list)  # "METHOD last/parts"

    def __post_init__(self) -> None:
        self.server.api = self.answer

    @property
    def created(self) -> int:
        """How many requests made one."""
        return sum(each.startswith("POST") for each in self.calls)

    def merge(self, number: int) -> None:
        self._pull(number)["state"] = "merged"

    def answer(self, asked: Asked) -> Given:
        """What the forge says."""
        if not asked.path.startswith(BASES[self.kind]):
            return give(404, {"message": "404 page not found"})
        path, rest = self._split(asked.path.removeprefix(BASES[self.kind]))
        self.calls.append(f"{asked.method} {rest}")
        if given := self.fault(asked) or self._unfit(asked):
            return given
        place = self.server.root / f"{path}.git"
        if not place.is_dir():
            return give(404, {"message": "Not Found"})
        name, _, more = rest.partition("/")
        if name in ("branches", "repository"):
            branch = unquote(more.removeprefix("branches/") if name == "repository" else more)
            return (
                give(200, {"name": branch})
                if branch in _heads(place)
                else give(404, {"message": "404 Branch Not Found"})
            )
        assert name == LISTS[self.kind], rest
        return self._asked(asked, place, more)

    def _split(self, path: str) -> tuple[str, str]:
        """The repository, and what of it. GitLab has the repository's path as one part."""
        parts = path.split("/")
        if self.kind == "gitlab":
            assert "%2F" in parts[0], "the path of the project is one part"
            return unquote(parts[0]), "/".join(parts[1:])
        return "/".join(parts[:2]), "/".join(parts[2:])

    def _unfit(self, asked: Asked) -> Given | None:
        """The refusal of what is not as documented, or of who may not."""
        headers = asked.headers
        signed = {"github": f"Bearer {TOKEN}", "forgejo": f"token {TOKEN}"}
        has_other = "authorization" in headers if self.kind == "gitlab" else "private-token" in headers
        said = headers.get("private-token" if self.kind == "gitlab" else "authorization", "")
        if has_other or "user-agent" not in headers:
            return give(400, {"message": "another forge's headers"})
        if self.kind == "github" and (
            headers.get("accept") != "application/vnd.github+json"
            or headers.get("x-github-api-version") != "2022-11-28"
        ):
            return give(400, {"message": "unknown API version"})
        if said.endswith(READS_ONLY) and asked.method != "GET":
            # Forgejo says that there is nothing, though a push worked.
            return give(404 if self.kind == "forgejo" else 403, {"message": "Resource not accessible by this token"})
        if said != signed.get(self.kind, TOKEN) and not said.endswith(READS_ONLY):
            return give(401, {"message": "401 Unauthorized"})
        return self._unfit_body(asked)

    def _unfit_body(self, asked: Asked) -> Given | None:
        query = parse_qs(asked.query)
        if asked.method == "GET":
            return give(400, {"message": "unknown query"}) if set(query) - QUERIES[self.kind] else None
        if headers_say(asked) != "application/json":
            return give(415, {"message": "not JSON"})
        faults = [each.message for each in SCHEMAS[self.kind, asked.method].iter_errors(json.loads(asked.body))]
        return (
            give(422, {"message": "Validation Failed", "errors": [{"message": each} for each in faults]})
            if faults
            else None
        )

    def _asked(self, asked: Asked, place: Path, more: str) -> Given:
        if more:
            found = next((each for each in self.pulls if str(each["number"]) == more), None)
            if found is None:
                return give(404, {"message": "Not Found"})
            if asked.method != "GET":
                body = json.loads(asked.body)
                found.update({"title": body.get("title", found["title"])})
                found.update({"body": body.get("body", body.get("description", found["body"]))})
            return give(200, self._shown(found))
        return (
            self._list(parse_qs(asked.query)) if asked.method == "GET" else self._create(json.loads(asked.body), place)
        )

    def _list(self, query: dict[str, list[str]]) -> Given:
        rows = [each for each in (*self.of_forks, *self.pulls) if each["state"] == "open"]
        if self.kind == "forgejo":
            begin = (int(query["page"][0]) - 1) * PAGE
            return give(200, [self._shown(each) for each in rows[begin : begin + PAGE]])
        if self.kind == "github":
            assert query["state"] == ["open"]
            rows = [each for each in rows if query["head"] == [f"acme:{each['head']}"]]  # nothing without the owner
            return give(200, [self._shown(each) for each in rows if query["base"] == [each["base"]]])
        assert query["state"] == ["opened"]
        rows = [each for each in rows if query["source_branch"] == [each["head"]]]
        return give(200, [self._shown(each) for each in rows if query["target_branch"] == [each["base"]]])

    def _create(self, body: Row, place: Path) -> Given:
        head, base = body.get("head", body.get("source_branch")), body.get("base", body.get("target_branch"))
        if refused := self._refused(head, base, place):
            return refused
        row = {
            "number": len(self.pulls) + 7,
            "head": head,
            "base": base,
            "title": body["title"],
            "body": body.get("body", body.get("description", "")),
            "state": "open",
            "draft": body.get("draft", False),
        }
        self.pulls.append(row)
        return give(201, self._shown(row))

    def _refused(self, head: str, base: str, place: Path) -> Given | None:
        heads = _heads(place)
        has_one = any(each["state"] == "open" and (each["head"], each["base"]) == (head, base) for each in self.pulls)
        if self.kind == "github":
            return _refused_by_github(head, base, heads, has_one=has_one)
        if self.kind == "gitlab":  # a base that does not exist, and no commits, are taken
            words = ["Another open merge request already exists for this source branch: !7"]
            return give(409, {"message": words}) if has_one else None
        if base not in heads or head not in heads:
            return give(404, {"message": "The target couldn't be found."})
        if heads[head] == heads[base]:
            return give(422, {"message": "There are no changes between the head and the base"})
        return give(409, {"message": "pull request already exists for these targets"}) if has_one else None

    def _shown(self, row: Row) -> Row:
        number, place = row["number"], f"{self.server.url}/{self.path}"
        if self.kind == "gitlab":
            state = {"open": "opened"}.get(row["state"], row["state"])
            is_draft = row["title"].startswith("Draft: ")
            url = f"{place}/-/merge_requests/{number}"
            sides = {"source_branch": row["head"], "target_branch": row["base"]}
            sides |= {"source_project_id": 2 if row in self.of_forks else 1, "target_project_id": 1}
            return {"iid": number, "web_url": url, "state": state, "title": row["title"], "draft": is_draft, **sides}
        merged = {"merged_at": "2026-12-01T00:00:00Z"} if self.kind == "github" else {"merged": True}
        return {
            "number": number,
            "html_url": f"{place}/{'pull' if self.kind == 'github' else 'pulls'}/{number}",
            "state": "open" if row["state"] == "open" else "closed",
            "title": row["title"],
            "draft": row["draft"] or row["title"].startswith("WIP: "),
            "head": {"ref": row["head"], "repo": {"full_name": self._owner(row)}},
            "base": {"ref": row["base"]},
            **(merged if row["state"] == "merged" else {}),
        }

    def _owner(self, row: Row) -> str:
        return "stranger/website" if row in self.of_forks else self.path

    def _pull(self, number: int) -> Row:
        return next(each for each in self.pulls if each["number"] == number)


def _refused_by_github(head: str, base: str, heads: dict[str, str], *, has_one: bool) -> Given | None:
    def failed(**error: str) -> Given:
        told = {"resource": "PullRequest", "code": "custom" if "message" in error else "invalid", **error}
        return give(422, {"message": "Validation Failed", "errors": [told]})

    if base not in heads:
        return failed(field="base")
    if head not in heads:
        return failed(field="head")
    if heads[head] == heads[base]:
        return failed(message=f"No commits between {base} and {head}")
    return failed(message=f"A pull request already exists for acme:{head}.") if has_one else None


def headers_say(asked: Asked) -> str:
    return asked.headers.get("content-type", "")


def _heads(place: Path) -> dict[str, str]:
    lines = git(place, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return dict(line.split() for line in lines)
