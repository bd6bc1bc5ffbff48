"""GitLab. https://docs.gitlab.com/api/merge_requests/"""

from typing import Any
from urllib.parse import quote

from tools.errors import ForgeError
from tools.forges.asking import Api
from tools.forges.base import Pull, State, Wanted
from tools.git.remote.address import Remote

DRAFT = "Draft: "
STATES: dict[Any, State] = {"opened": "open", "locked": "open", "merged": "merged"}


class GitLab:
    """One project. A merge request's number is its `iid`; a draft's title begins with a word."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        signed = {"PRIVATE-TOKEN": remote.token} if remote.token else {}
        self.api = Api(remote, f"{remote.web}/api/v4", {"Accept": "application/json", **signed})
        self.path = f"/projects/{remote.quoted_path(slash='')}"

    async def find(self, branch: str, base: str) -> Pull | None:
        query = {"state": "opened", "source_branch": branch, "target_branch": base}
        said = await self.api.ask(f"{self.path}/merge_requests", query=query)
        if not isinstance(said.value, list):
            raise self.api.strange()
        return next((self._pull(each) for each in said.value if _is_of(each, branch, base)), None)

    async def read(self, number: int) -> Pull | None:
        said = await self.api.ask(f"{self.path}/merge_requests/{number}", also=(404,))
        return None if said.status == 404 else self._pull(said.value)

    async def has_branch(self, base: str) -> bool:
        said = await self.api.ask(f"{self.path}/repository/branches/{quote(base, safe='')}", also=(404,))
        return said.status != 404

    async def create(self, wanted: Wanted) -> Pull | None:
        if not await self.has_branch(wanted.base):  # it would be made all the same, onto nothing
            raise ForgeError("base_missing", f"{self.remote.path} has no branch {wanted.base} to merge into.")
        body = {
            "source_branch": wanted.branch,
            "target_branch": wanted.base,
            "title": f"{DRAFT}{wanted.title}" if wanted.is_draft else wanted.title,
            "description": wanted.body,
        }
        said = await self.api.ask(f"{self.path}/merge_requests", method="POST", body=body, also=(409,))
        return None if said.status == 409 else self._pull(said.value)

    async def update(self, pull: Pull, title: str | None, body: str | None) -> Pull:
        given = {"title": title and f"{DRAFT if pull.is_draft else ''}{title}", "description": body}
        sent = {name: value for name, value in given.items() if value is not None}
        said = await self.api.ask(f"{self.path}/merge_requests/{pull.number}", method="PUT", body=sent)
        return self._pull(said.value)

    def compare_url(self, branch: str, base: str) -> str:
        names = f"merge_request[source_branch]={quote(branch, safe='')}&merge_request[target_branch]="
        page = f"{self.remote.web}/{self.remote.quoted_path()}/-/merge_requests/new"
        return f"{page}?{names.replace('[', '%5B').replace(']', '%5D')}{quote(base, safe='')}"

    def _pull(self, value: Any) -> Pull:
        return self.api.pull(value, "iid", "web_url", _state, "/-/merge_requests/")


def _is_of(value: Any, branch: str, base: str) -> bool:
    """Of the project's own branch, and not of a fork's."""
    if not isinstance(value, dict) or (value.get("source_branch"), value.get("target_branch")) != (branch, base):
        return False
    return value.get("source_project_id") is not None and value["source_project_id"] == value.get("target_project_id")


def _state(value: dict[str, Any]) -> State:
    return STATES.get(value.get("state"), "closed")
