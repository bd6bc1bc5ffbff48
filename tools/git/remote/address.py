"""The repository elsewhere that a project's own is pushed to: where it is, and what its server is told of who comes."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from accounts.secrets import opened
from tools.models import Forge, ProjectRepository

USERS = {Forge.GITHUB: "x-access-token", Forge.GITLAB: "oauth2", Forge.FORGEJO: "git"}  # what git gives with a token
PATH = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*", re.ASCII)
# Some forges send who does not call themselves git to a web page.
AGENT = "git/2.45.0 (Parley)"


@dataclass(frozen=True)
class Remote:
    """One of them. Its token is in no text that is made of it."""

    url: str  # without a name or a secret in it
    forge: str  # tools.models.Forge
    path: str  # at the forge: owner/name
    user: str
    token: str = field(repr=False)

    @property
    def web(self) -> str:
        """The address of the forge itself, such as https://github.com."""
        parts = urlsplit(self.url)
        before = parts.path.removesuffix("/").removesuffix(".git").removesuffix(f"/{self.path}")
        return f"{parts.scheme}://{parts.netloc}{before if self.path else ''}"

    @property
    def host(self) -> str:
        """For texts."""
        return urlsplit(self.url).netloc

    def git_url(self, path: str) -> str:
        """Of the git protocol."""
        return f"{self.url.removesuffix('/')}/{path}"

    def git_headers(self) -> dict[str, str]:
        """With the credentials, where there are any."""
        sent = {"User-Agent": AGENT}
        if self.token:
            pair = f"{self.user}:{self.token}".encode()
            sent["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return sent

    def hides(self, text: str) -> str:
        """What a server said, with the token, as it is and as it is sent, replaced: some show what they were sent."""
        if not self.token:
            return text
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        for each in (pair, pair.rstrip("="), self.token, quote(self.token, safe="")):
            text = text.replace(each, "***")
        return text

    def quoted_path(self, *, slash: str = "/") -> str:
        """The path at the forge as a part of an address."""
        return quote(self.path, safe=slash if slash == "/" else "")


def remote_of(row: ProjectRepository) -> Remote | None:
    """The project's remote; None where it has none. Raises SecretUnreadable."""
    if not row.remote_url:
        return None
    has_forge = row.forge != Forge.NONE and PATH.fullmatch(row.forge_path) is not None
    return Remote(
        url=row.remote_url,
        forge=row.forge if has_forge else Forge.NONE,
        path=row.forge_path if has_forge else "",
        user=row.token_user or USERS.get(Forge(row.forge), "git"),
        token=opened(row.token) if row.token else "",
    )
