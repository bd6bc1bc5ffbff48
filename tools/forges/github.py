"""GitHub, and GitHub Enterprise. https://docs.github.com/rest/pulls/pulls"""

from typing import Any
from urllib.parse import quote

from tools.errors import ForgeError
from tools.forges.asking import Api, Said, part
from tools.forges.base import Pull, State, Wanted
from tools.git.remote.address import Remote

VERSION = "2022-11-28"


class GitHub:
    """One repository. A pull request's number is its own."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        base = "https://api.github.com" if remote.web == "https://github.com" else f"{remote.web}/api/v3"
        accepts = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        signed = {"Authorization": f"Bearer {remote.token}"} if remote.token else {}
        self.api = Api(remote, base, {**accepts, **signed})
        self.path = f"/repos/{remote.quoted_path()}"

    async def find(self, branch: str, base: str) -> Pull | None:
        owner = self.remote.path.partition("/")[0]
        query = {"state": "open", "base": base, "head": f"{owner}:{branch}"}
        said = await self.api.ask(f"{self.path}/pulls", query=query)
        if not isinstance(said.value, list):
            raise self.api.strange()
        # It passes over a filter that it does not know, and then lists all of them.
        return next((self._pull(each) for each in said.value if self._is_of(each, branch, base)), None)

    async def read(self, number: int) -> Pull | None:
        said = await self.api.ask(f"{self.path}/pulls/{number}", also=(404,))
        return None if said.status == 404 else self._pull(said.value)

    async def has_branch(self, base: str) -> bool:
        said = await self.api.ask(f"{self.path}/branches/{quote(base)}", also=(404,))
        return said.status != 404

    async def create(self, wanted: Wanted) -> Pull | None:
        body = {"title": wanted.title, "head": wanted.branch, "base": wanted.base, "body": wanted.body}
        said = await self.api.ask(
            f"{self.path}/pulls", method="POST", body={**body, "draft": wanted.is_draft}, also=(422,)
        )
        if said.status != 422:
            return self._pull(said.value)
        if "a pull request already exists" in said.text:
            return None
        raise self._refused(said, wanted)

    async def update(self, pull: Pull, title: str | None, body: str | None) -> Pull:
        given = {name: value for name, value in (("title", title), ("body", body)) if value is not None}
        said = await self.api.ask(f"{self.path}/pulls/{pull.number}", method="PATCH", body=given)
        return self._pull(said.value)

    def compare_url(self, branch: str, base: str) -> str:
        return f"{self.remote.web}/{self.remote.quoted_path()}/compare/{quote(base)}...{quote(branch)}?expand=1"

    def _refused(self, said: Said, wanted: Wanted) -> ForgeError:
        if "no commits between" in said.text:
            return ForgeError("nothing_to_propose", "The chat's branch has no changes to put forward.")
        errors = said.value.get("errors") if isinstance(said.value, dict) else None
        if any(isinstance(each, dict) and each.get("field") == "base" for each in errors or ()):
            return ForgeError("base_missing", f"{self.remote.path} has no branch {wanted.base} to merge into.")
        return self.api.wrong(said)

    def _is_of(self, value: Any, branch: str, base: str) -> bool:
        """Of this repository's own branch, and not of a fork's."""
        if not isinstance(value, dict) or (part(value, "head", "ref"), part(value, "base", "ref")) != (branch, base):
            return False
        owner = part(value, "head", "repo")  # null where the fork was deleted
        name = owner.get("full_name") if isinstance(owner, dict) else None
        return isinstance(name, str) and name.lower() == self.remote.path.lower()

    def _pull(self, value: Any) -> Pull:
        return self.api.pull(value, "number", "html_url", _state, "/pull/")


def _state(value: dict[str, Any]) -> State:
    if value.get("state") == "open":
        return "open"
    return "merged" if value.get("merged_at") or value.get("merged") is True else "closed"
