"""Where a model is asked, and what is spoken there. A pure value: it names the setting with the key, never the key."""

from dataclasses import dataclass
from urllib.parse import urlsplit

OWN_KEYS = "MODEL_KEYS"  # the setting with the keys of servers that rows name, by their hosts


@dataclass(frozen=True)
class Server:
    """One address. Two models with the same one share its connections."""

    vendor: str  # the name of whose it is, for people: one of agents.vendors, or the host
    api: str  # what is spoken there: one of agents.providers.apis.APIS
    base_url: str = ""
    key: str = ""  # the name of the setting that holds its key; empty: it wants none
    headers: str = ""  # the name of the setting that holds further headers of each call; empty: there are none

    @property
    def host(self) -> str:
        """The host of its address; empty for what answers in this process."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_row_s(self) -> bool:
        """Whether a row names it, and not the settings: it is judged as all that is outside."""
        return self.key == OWN_KEYS

    @property
    def shown(self) -> str:
        """Its address without what may be a secret in it: a user, a password, a query."""
        parts = urlsplit(self.base_url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{self.host}{port}{parts.path}" if self.base_url else "this process"


DEMO = Server("demo", "demo")
NOBODY = Server("nobody", "nobody")  # of a model that no server of ours is known to have
