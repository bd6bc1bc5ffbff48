"""Pull requests at a forge: one small module each, behind one protocol (tools.forges.base). No SDK: those bring their
own HTTP, past the one way out. Why: docs/decisions/0078-push-and-pull-requests.md
"""

from tools.forges.base import Forge, Pull, Wanted
from tools.forges.forgejo import Forgejo
from tools.forges.github import GitHub
from tools.forges.gitlab import GitLab
from tools.git.remote.address import Remote
from tools.models import Forge as Kind

__all__ = ["Forge", "Pull", "Wanted", "forge_of"]
FORGES: dict[str, type[GitHub] | type[GitLab] | type[Forgejo]] = {
    Kind.GITHUB: GitHub,
    Kind.GITLAB: GitLab,
    Kind.FORGEJO: Forgejo,
}


def forge_of(remote: Remote) -> Forge | None:
    """The forge that keeps this remote; None where none does."""
    made = FORGES.get(remote.forge)
    return made(remote) if made else None
