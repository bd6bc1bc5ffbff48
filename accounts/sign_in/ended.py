"""Sign-ins: all tokens that came of one password carry its id, so that signing out ends them together, at once.

Only sign-ins that were ended are stored, and only until the last of their tokens has expired.
"""

from uuid import UUID

from django.db.models import Exists, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError

from accounts.models import EndedSignIn, SignIn, User
from accounts.sign_in import cookies
from accounts.sign_in.tokens import AccessToken, CookieToken, OurToken, RefreshToken

LONGEST = max(each.lifetime for each in (AccessToken, RefreshToken, CookieToken) if each.lifetime)


def signed_in(users: QuerySet[User], sign_in: UUID | None) -> QuerySet[User]:
    """These users, or none where that sign-in was ended: part of their query, none of its own."""
    return users if sign_in is None else users.filter(~Exists(EndedSignIn.objects.filter(pk=sign_in)))


def end(token: OurToken) -> None:
    """End the sign-in that the token is of: every token that came of it is refused from now on."""
    if token.sign_in is not None:
        end_by_id(token.sign_in)


def end_by_id(id: UUID) -> None:
    """End the sign-in of this id."""
    until = timezone.now() + LONGEST
    EndedSignIn.objects.bulk_create([EndedSignIn(pk=id, expires_at=until)], ignore_conflicts=True)
    SignIn.objects.filter(pk=id).delete()


def end_of_request(request: HttpRequest) -> list[OurToken]:
    """End the sign-ins whose access token or cookie came with the request, and give these; what does not hold any more
    is let be."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    found: list[tuple[type[OurToken], str]] = [(AccessToken, bearer)] if scheme.lower() == "bearer" else []
    if cookies.has_cookie(request):
        found += [(kind, request.COOKIES[cookies.NAME]) for kind in (CookieToken, AccessToken)]
    return [token for kind, raw in found if (token := _ended_if_valid(kind, raw)) is not None]


def _ended_if_valid(kind: type[OurToken], raw: str) -> OurToken | None:
    try:
        token = kind.read(raw)
    except TokenError:
        return None
    end(token)
    return token
