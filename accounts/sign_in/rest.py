"""Signing in and out with tokens. None of these looks at who asks: what they need is in the body."""

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAuthenticated
from accounts.http.rest import documented, read
from accounts.models import User
from accounts.sign_in import noting
from accounts.sign_in.bodies import CredentialsBody, RefreshBody, SignOutBody, TokensSerializer
from accounts.sign_in.cookies import forget_cookie, set_cookie
from accounts.sign_in.ended import end_of_request
from accounts.sign_in.pairs import Pair, new_pair, next_pair, sign_out
from accounts.sign_in.sign_ins import agent_of


class Open(APIView):
    """A view for everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class TokenView(Open):
    """POST /api/auth/token"""

    @documented("auth_token_create", body=CredentialsBody, answer=TokensSerializer)
    def post(self, request: Request) -> Response:
        """Tokens for e-mail and password, and the cookie `access_token` for this origin's own pages."""
        body = read(CredentialsBody, request.data)
        user = _by_password(request._request, body["email"], body["password"])
        with transaction.atomic():
            pair = new_pair(user, agent_of(request._request))
            noting.signed_in(user)
        return signed_in(pair)


class RefreshView(Open):
    """POST /api/auth/token/refresh"""

    @documented("auth_token_refresh_create", body=RefreshBody, answer=TokensSerializer)
    def post(self, request: Request) -> Response:
        """The next tokens for a refresh token, which is used up by it.

        409 `refresh_again`: another request was first, a moment ago; go on with the token that it got. Using one
        later than that signs the user out everywhere.
        """
        refresh = read(RefreshBody, request.data)["refresh"]
        return signed_in(next_pair(refresh, agent_of(request._request)))


class SignOutView(Open):
    """POST /api/auth/logout"""

    @documented("auth_logout_create", body=SignOutBody, status=204)
    def post(self, request: Request) -> Response:
        """End the sign-in of the refresh token in the body, the bearer token and the cookie: of whichever are sent.

        All tokens that came of it end with it, at once; other devices stay signed in.
        """
        body = read(SignOutBody, request.data)
        with transaction.atomic():
            ended = [sign_out(body["refresh"])] if "refresh" in body else []
            for user_id in {
                each.sign_in: each.user_id for each in [*ended, *end_of_request(request._request)]
            }.values():
                noting.signed_out(user_id)
        response = Response(status=204)
        forget_cookie(response)
        return response


def _by_password(request: HttpRequest, email: str, password: str) -> User:
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise NotAuthenticated("E-mail or password is wrong.", code="invalid_credentials")
    return user


def signed_in(pair: Pair) -> Response:
    """The answer to who has just signed in: the tokens, and the cookie."""
    response = Response({"access": pair.access, "refresh": pair.refresh})
    set_cookie(response, pair.user)
    return response
