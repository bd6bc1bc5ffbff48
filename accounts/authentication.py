"""Who is asking: decided here for REST, async views and sockets alike.

The first credential that is present decides, and if it does not hold the answer is 401, whatever else was sent:
`Authorization: Bearer` (a JWT, ours or an accepted provider's, or an API key, which comes no other way), `?ticket=`
where a run or a chat is read, the cookie `access_token`, a Django session. Browsers send the last two by themselves, so
with them a request that changes something must also show that our own page, or a listed one, made it.
"""

from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.db.compiled import Compiled
from accounts.errors import NotAllowed, NotAuthenticated
from accounts.models import ApiKey, User
from accounts.origin import origin
from accounts.sign_in import cookies, keys, scopes, tickets
from accounts.sign_in.ended import signed_in
from accounts.sign_in.sign_ins import of_session
from accounts.sign_in.tokens import JWT, AccessToken, CookieToken, OurToken
from accounts.sso import bearer
from accounts.sso.errors import ProviderDown, Refused

if TYPE_CHECKING:
    from rest_framework.request import Request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
Kind = TypeVar("Kind", bound=OurToken)


def authenticate(
    request: HttpRequest, *, run_id: UUID | None = None, chat_id: UUID | None = None, is_socket: bool = False
) -> User:
    """The person who asks. Routes that take a ticket say for which run or chat. One query, two with a ticket.

    `is_socket`: what opens as a GET may write later. By an API key, `user.key` is set and narrows what they see.
    Raises NotAuthenticated, or NotAllowed for a request that another site may have made the browser send, or that the
    key's scopes do not open.
    """
    user = _person(request, run_id, chat_id, is_socket)
    if not is_socket:  # a browser opens each with `no-cache`, and means the page
        user.cache_control = request.headers.get("Cache-Control", "")
    request.caller = user  # type: ignore[attr-defined]  # for what is said of them with the answer
    if (asked := origin()) is not None:
        asked.user_id = str(user.pk)
    return user


def _person(request: HttpRequest, run_id: UUID | None, chat_id: UUID | None, is_socket: bool) -> User:
    """By the first credential that is present."""
    if "Authorization" in request.headers:
        return _by_bearer(request, is_socket)
    if brings_ticket(request, run_id, chat_id):
        return _by_ticket(request, run_id, chat_id)
    if cookies.has_cookie(request):
        return _by_cookie(request)
    return _by_session(request)


def brings_ticket(request: HttpRequest, run_id: UUID | None, chat_id: UUID | None) -> bool:
    """Whether `?ticket=` is one: where no run or chat is read it is a parameter as any other, such as an own app's."""
    return "ticket" in request.GET and (run_id is not None or chat_id is not None)


def has_credentials(request: HttpRequest) -> bool:
    """Whether the request brings any, good or bad: who brings none may be a guest where a route takes guests."""
    return (
        "Authorization" in request.headers
        or cookies.has_cookie(request)
        or settings.SESSION_COOKIE_NAME in request.COOKIES
    )


class Identity(NamedTuple):
    """Of the person who came in what must go on to hold: their row need not stay in memory for as long as they read."""

    pk: UUID
    token_version: int
    sign_in: UUID | None
    key: ApiKey | None


def identity_of(user: User) -> Identity:
    """The same person, as long as a stream needs them."""
    return Identity(user.pk, user.token_version, user.sign_in, user.key)


def still_valid(user: User | Identity) -> bool:
    """Whether what was decided when they came in still holds. One query, for streams to ask again.

    By an API key it holds as long as the key: a change of password ends no key.
    """
    if user.key is not None:
        return keys.holds(user.key)
    return _as_of(user.pk, user.token_version, user.sign_in) is not None


class RestAuthentication(BaseAuthentication):
    """The same for Django REST framework."""

    def authenticate(self, request: "Request") -> tuple[User, None]:
        """(user, None); it never leaves a request anonymous."""
        return authenticate(request._request), None

    def authenticate_header(self, request: "Request") -> str:
        """For the 401."""
        return 'Bearer realm="parley"'


def origin_of(request: HttpRequest) -> str:
    """The request's Origin, our own in its public form; empty when it has none."""
    origin = request.headers.get("Origin", "")
    return own_origin() if is_ours(request, origin) else origin


def is_ours(request: HttpRequest, origin: str) -> bool:
    """Whether the Origin is this installation: its public address, or the host that the request came to."""
    return origin in (own_origin(), f"{request.scheme}://{request.get_host()}")


def own_origin() -> str:
    """Scheme, host and port of PARLEY_PUBLIC_URL."""
    public = urlsplit(settings.PARLEY_PUBLIC_URL)
    return f"{public.scheme}://{public.netloc}"


def _by_bearer(request: HttpRequest, is_socket: bool) -> User:
    scheme, _, token = request.headers["Authorization"].partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise NotAuthenticated("Send one token, as `Authorization: Bearer TOKEN`.")
    if token.startswith(keys.PREFIX):
        return _by_key(request, token, is_socket)
    try:
        return _user_of(AccessToken, token)
    except NotAuthenticated:
        if not bearer.is_foreign(token, JWT["ISSUER"]):
            raise
    return _by_foreign(token)


def _by_foreign(token: str) -> User:
    """The person whom another issuer's token names."""
    try:
        return bearer.user_of(token)
    except ProviderDown:
        raise
    except Refused as error:
        raise NotAuthenticated(f"The token does not hold. {error.detail}") from None


def _by_key(request: HttpRequest, token: str, is_socket: bool) -> User:
    key = keys.find(token)
    only_reads = request.method in SAFE_METHODS and not is_socket
    if not scopes.opens(key.scopes, request.path_info, only_reads=only_reads):
        named = ", ".join(key.scopes)
        raise NotAllowed(f"This API key does not open this address: its scope is {named}.", code="key_scope")
    key.user.key = key
    return key.user


def _by_ticket(request: HttpRequest, run_id: UUID | None, chat_id: UUID | None) -> User:
    if request.method not in SAFE_METHODS:
        raise NotAuthenticated("A ticket is for reading.")
    origin = origin_of(request) or own_origin()  # browsers send none with a GET to their own origin
    return tickets.redeem(request.GET["ticket"], run_id=run_id, chat_id=chat_id, origin=origin)


def _by_cookie(request: HttpRequest) -> User:
    raw = request.COOKIES[cookies.NAME]
    try:
        user = _user_of(CookieToken, raw)
    except NotAuthenticated:
        user = _user_of(AccessToken, raw)  # a page that has a bearer token alone may put it there itself
    if request.method not in SAFE_METHODS and not _is_from_our_page(request):
        raise NotAllowed("With a cookie, only our own or a listed page may do this: send an Origin or a bearer token.")
    return user


def _by_session(request: HttpRequest) -> User:
    user = getattr(request, "user", AnonymousUser())
    if not isinstance(user, User) or not user.is_active:
        raise NotAuthenticated
    # Async views and REST views are exempt from Django's middleware, so the token is asked for here.
    check = CsrfCheck(_no_response)
    check.process_request(request)
    if refused := check.process_view(request, _no_response, (), {}):
        raise NotAllowed(f"With a session, send the CSRF token: {refused}")
    user.sign_in = of_session(request)
    return user


def _user_of(kind: type[Kind], raw: str) -> User:
    """The active user whom the token names at their version of now, unless they have signed out. One query."""
    user: User | None
    try:
        token = kind.read(raw)
        user = _as_of(UUID(token["user_id"]), token["ver"], token.sign_in)
    except (TokenError, ValueError):
        user = None
    if user is None:
        raise NotAuthenticated("The token does not hold. Sign in again or refresh it.")
    user.sign_in = token.sign_in
    return user


def _as_of(user_id: UUID, version: int, sign_in: UUID | None) -> User | None:
    """The user, if they are active, at this version of their tokens, and have not ended that sign-in. One query."""
    return _users.first(user_id, version) if sign_in is None else _signed_in.first(user_id, version, sign_in)


def _at_version(user_id: UUID, version: int) -> "QuerySet[User]":
    return User.objects.filter(pk=user_id, is_active=True, token_version=version)


_users: Compiled[User] = Compiled(_at_version, UUID, int)
_signed_in: Compiled[User] = Compiled(
    lambda user_id, version, sign_in: signed_in(_at_version(user_id, version), sign_in), UUID, int, UUID
)


def _is_from_our_page(request: HttpRequest) -> bool:
    """By the two headers that only a browser can set, and sets truly."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") == "same-origin"
    return origin in settings.CORS_ALLOWED_ORIGINS or is_ours(request, origin)


class CsrfCheck(CsrfViewMiddleware):
    """Django's check, which says why instead of making a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _no_response(request: HttpRequest) -> HttpResponse:  # pragma: no cover
    raise AssertionError("Nothing is called: only the check is wanted.")
