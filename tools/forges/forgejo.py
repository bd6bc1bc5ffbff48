"""Forgejo, and Gitea. https://forgejo.org/docs/latest/user/api-usage/"""

from typing import Any
from urllib.parse import quote

from tools.errors import ForgeError
from tools.forges.asking import Api, Said, part
from tools.forges.base import Pull, State, Wanted
from tools.git.remote.address import Remote

DRAFT = "WIP: "
PAGE = 50
PAGES_MAX = 20
NOTHING = ("no commits", "no changes", "nothing to compare", "same commit")


class Forgejo:
    """One repository. Its lists have no filter by branch, and `/pulls/{base}/{head}` gives closed ones too."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        signed = {"Authorization": f"token {remote.token}"} if remote.token else {}
        self.api = Api(remote, f"{remote.web}/api/v1", {"Accept": "application/json", **signed})
        self.path = f"/repos/{remote.quoted_path()}"

    async def find(self, branch: str, base: str) -> Pull | None:
        for page in range(1, PAGES_MAX + 1):
            said = await self.api.ask(f"{self.path}/pulls", query={"state": "open", "limit": PAGE, "page": page})
            if not isinstance(said.value, list):
                raise self.api.strange()
            for each in said.value:
                if self._is_of(each, branch, base):
                    return self._pull(each)
            if not said.value:  # a server may give fewer a page than it is asked for
                return None
        return None

    async def read(self, number: int) -> Pull | None:
        said = await self.api.ask(f"{self.path}/pulls/{number}", also=(404,))
        return None if said.status == 404 else self._pull(said.value)

    async def has_branch(self, base: str) -> bool:
        said = await self.api.ask(f"{self.path}/branches/{quote(base)}", also=(404,))
        return said.status != 404

    async def create(self, wanted: Wanted) -> Pull | None:
        title = f"{DRAFT}{wanted.title}" if wanted.is_draft else wanted.title
        body = {"title": title, "head": wanted.branch, "base": wanted.base, "body": wanted.body}
        said = await self.api.ask(f"{self.path}/pulls", method="POST", body=body, also=(404, 409, 422))
        if said.status < 300:
            return self._pull(said.value)
        if any(each in said.text for each in NOTHING):
            raise ForgeError("nothing_to_propose", "The chat's branch has no changes to put forward.")
        if said.status == 409:
            return None
        raise await self._refused(said, wanted)

    async def update(self, pull: Pull, title: str | None, body: str | None) -> Pull:
        given = {"title": title and f"{DRAFT if pull.is_draft else ''}{title}", "body": body}
        sent = {name: value for name, value in given.items() if value is not None}
        said = await self.api.ask(f"{self.path}/pulls/{pull.number}", method="PATCH", body=sent)
        return self._pull(said.value)

    def compare_url(self, branch: str, base: str) -> str:
        return f"{self.remote.web}/{self.remote.quoted_path()}/compare/{quote(base)}...{quote(branch)}"

    async def _refused(self, said: Said, wanted: Wanted) -> ForgeError:
        """Its 404 is of a base that is not there, and of a token that may not, which are told apart by asking."""
        if said.status != 404:
            return self.api.wrong(said)
        if not await self.has_branch(wanted.base):
            return ForgeError("base_missing", f"{self.remote.path} has no branch {wanted.base} to merge into.")
        text = f"{self.remote.host} does not let the project's token open a pull request. It must write issues, too."
        return ForgeError("forge_forbidden", text)

    def _is_of(self, value: Any, branch: str, base: str) -> bool:
        """Of this repository's own branch, and not of a fork's."""
        if not isinstance(value, dict) or part(value, "head", "ref") != branch:
            return False
        owner = part(value, "head", "repo")
        name = owner.get("full_name", self.remote.path) if isinstance(owner, dict) else self.remote.path
        return part(value, "base", "ref") == base and str(name).lower() == self.remote.path.lower()

    def _pull(self, value: Any) -> Pull:
        return self.api.pull(value, "number", "html_url", _state, "/pulls/")


def _state(value: dict[str, Any]) -> State:
    if value.get("state") == "open":
        return "open"
    return "merged" if value.get("merged") is True else "closed"
