"""What is known of the authorization server that an MCP server names, as its row keeps it. Values."""

from typing import Any, Literal, Self
from urllib.parse import urlsplit

import msgspec

Way = Literal["none", "client_secret_basic", "client_secret_post"]  # how a client shows the token endpoint who it is


class Client(msgspec.Struct, frozen=True):
    """As which client people are sent there."""

    id: str
    secret: str = ""  # sealed
    way: Way = "none"
    until: float = 0.0  # when the secret ends, in seconds since 1970; 0: it does not


class Authority(msgspec.Struct, frozen=True):
    """Where people sign in for one MCP server, and how."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    revocation_endpoint: str = ""
    ways: tuple[str, ...] = ()  # that its token endpoint takes; empty where it does not say
    takes_documents: bool = False  # a client may be the address of a document that describes it
    tells_issuer: bool = False  # it says with each answer who it is, and one that does not is none of its
    resource: str = ""  # the MCP server as it calls itself
    scope: str = ""  # what is asked for; "": what the server gives by itself

    @property
    def host(self) -> str:
        """For people."""
        return host_of(self.issuer)


class Kept(msgspec.Struct, frozen=True):
    """Both, as they were found."""

    authority: Authority
    client: Client
    at: float  # in seconds since 1970

    @classmethod
    def of(cls, stored: Any) -> Self | None:
        """From a row; None where nothing was found yet, or by another version."""
        try:
            return msgspec.convert(stored, cls) if stored else None
        except msgspec.ValidationError:
            return None

    def stored(self) -> Any:
        """As JSON."""
        return msgspec.to_builtins(self)


def host_of(url: str) -> str:
    """The host of an address; "" where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
