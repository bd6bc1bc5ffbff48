"""More people on the shared server: each test makes those it needs."""

from tests.live import PASSWORD, Server
from tests.streams import Client, key


def newcomer(server: Server, *, organization: str = "", role: str = "owner") -> Client:
    """Somebody new: the owner of an organization of their own, or a member of one that is there."""
    email, place = f"{key()}@example.com", organization or f"Elsewhere {key()}"
    server.quickly("create_user", email, "--organization", place, "--role", role)
    return Client(server, server.quickly("token", email))


def cookie_of(person: Client) -> str:
    """The Cookie header that a browser sends in which this person has signed in."""
    email = person.get("/api/users/me/")["email"]
    reply = person.server.call("POST", "/api/auth/token", {"email": email, "password": PASSWORD})
    return reply.headers["set-cookie"].partition(";")[0]
