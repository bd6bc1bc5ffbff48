"""A request of the run's person: no socket, no cookie, no session; everything else as if they had sent it."""

from io import BytesIO
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest

from accounts.models import ApiKey, User
from tools.base import ToolContext
from tools.errors import ToolError

NOBODY = "The person you act for has no account here any more."
GUEST = "The person you act for is a guest: this is for people who have signed in."


def person_of(ctx: ToolContext, *, for_guests: bool = False) -> User:
    """The run's person as they are now. Raises ToolError for one who was deactivated or deleted since.

    And for a guest, unless it is `for_guests`: they have a row, so that IsAuthenticated takes them for somebody.
    They see what they see through a key of the run's organization: an answer stays in its chat, and others read it.
    """
    user = User.objects.filter(pk=ctx.user_id, is_active=True).first()
    if user is None:
        raise ToolError(NOBODY)
    if user.is_guest and not for_guests:
        raise ToolError(GUEST)
    user.key = ApiKey(user=user, organization_id=ctx.organization_id)
    return user


def address_of(path: str) -> str:
    """The whole address that a request of this path seems to have come to."""
    return f"{settings.PARLEY_PUBLIC_URL}{path}"


def request_for(
    user: User | AnonymousUser,
    method: str,
    path: str,
    query: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    once: str = "",
) -> WSGIRequest:
    """The request. `once` becomes its Idempotency-Key: the same for a call that is repeated."""
    public = urlsplit(settings.PARLEY_PUBLIC_URL)
    environ = {
        "REQUEST_METHOD": method.upper(),
        "PATH_INFO": path,
        "QUERY_STRING": urlencode(query or []),
        "SERVER_NAME": public.hostname or "localhost",
        "SERVER_PORT": str(public.port or (443 if public.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",  # it came from nowhere: an address of ours would open what is open to our own network
        "HTTP_HOST": public.netloc,
        "HTTP_ACCEPT": "application/json",
        "wsgi.url_scheme": public.scheme,
        "wsgi.input": BytesIO(body),
    }
    if body:
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    if once:
        environ["HTTP_IDEMPOTENCY_KEY"] = once
    request = WSGIRequest(environ)
    request.user = user
    return request
