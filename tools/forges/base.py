"""What a forge is asked for, and what it answers."""

from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["open", "merged", "closed"]


@dataclass(frozen=True)
class Pull:
    """A pull request at a forge."""

    number: int
    url: str  # of its page
    state: State
    is_draft: bool = False


@dataclass(frozen=True)
class Wanted:
    """A new one."""

    branch: str
    base: str
    title: str
    body: str
    is_draft: bool


class Forge(Protocol):
    """One repository at a forge. Everything raises ForgeError and OutwardError."""

    async def find(self, branch: str, base: str) -> Pull | None:
        """The open one of this branch onto that one."""

    async def read(self, number: int) -> Pull | None:
        """The one of this number, whatever its state."""

    async def has_branch(self, base: str) -> bool:
        """Whether there is such a branch. Asked after `find`, which has shown that the repository can be seen."""

    async def create(self, wanted: Wanted) -> Pull | None:
        """A new one; None where the forge says that there is one already."""

    async def update(self, pull: Pull, title: str | None, body: str | None) -> Pull:
        """Another title or description; None leaves it as it is."""

    def compare_url(self, branch: str, base: str) -> str:
        """The page on which a person can open one by hand."""
