"""REST for what is one's own: password, sign-ins and API keys. None of it is open to an API key (scopes)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import PageQuery
from accounts.http.idempotency import Answer, once
from accounts.http.paging import CursorPaging
from accounts.http.rest import caller, documented, page, raw, read, shown
from accounts.models import ApiKey, Organization, User
from accounts.sign_in import keys, noting, passwords, resetting, sign_ins
from accounts.sign_in.bodies import (
    ApiKeySerializer,
    AskResetBody,
    NewApiKeyBody,
    NewApiKeySerializer,
    PasswordBody,
    ResetBody,
    SignInSerializer,
    TokensSerializer,
)
from accounts.sign_in.cookies import forget_cookie
from accounts.sign_in.pairs import new_pair
from accounts.sign_in.rest import Open, signed_in


class Password(APIView):
    """The caller's password."""

    @documented("users_me_password_create", body=PasswordBody, answer=TokensSerializer, conflicts=True)
    def post(self, request: Request) -> Response:
        """Change it. All sign-ins of the caller end, on every device; the answer's tokens are the only ones that hold.

        API keys stay. 409 `no_password` for who signs in by other means; `password_closed` for whose address passwords
        are closed.
        """
        user, body = caller(request), read(PasswordBody, request.data)
        change_password(request._request, user, body["current"], body["password"])
        return signed_in(_anew(request, user))


class SignIns(APIView):
    """Where the caller is signed in."""

    pagination_class = CursorPaging

    @documented("users_me_sign_ins_list", answer=SignInSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All sign-ins that hold: browsers' sessions and programs' tokens."""
        read(PageQuery, request.query_params)
        return page(request, sign_ins.sign_ins_of(caller(request)), SignInSerializer, ordering="-last_seen_at")

    @documented("users_me_sign_ins_destroy_all", status=204)
    def delete(self, request: Request) -> Response:
        """Sign out everywhere, here too. API keys stay."""
        noting.sign_out_everywhere(caller(request), by=caller(request))
        response = Response(status=204)
        forget_cookie(response)
        return response


class OneSignIn(APIView):
    """One of them."""

    @documented("users_me_sign_ins_destroy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """End it, at once."""
        sign_ins.end_sign_in(caller(request), id)
        return Response(status=204)


class ApiKeys(APIView):
    """The caller's API keys."""

    pagination_class = CursorPaging

    @documented("users_me_keys_list", answer=ApiKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """All of them, revoked ones too, the newest first."""
        read(PageQuery, request.query_params)
        return page(request, _keys(request), ApiKeySerializer, ordering="-created_at")

    @documented("users_me_keys_create", body=NewApiKeyBody, answer=NewApiKeySerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make one, with the caller's rights in that organization at the addresses of its scopes. Shown this once."""
        body, user = raw(request), caller(request)
        values, made = read(NewApiKeyBody, request.data), {}

        def make() -> Answer:
            key, made["key"] = _make_key(user, values)
            return Answer(201, {"id": str(key.pk)})  # without its text: this is stored

        told = once(
            user=user, key=request.headers.get("Idempotency-Key"), route=f"POST {request.path}", body=body, make=make
        )
        key: Any = _found(_keys(request), UUID(told.body["id"]))
        key.key = made.get("key")
        return shown(request, NewApiKeySerializer, key, told.status)


class OneApiKey(APIView):
    """One of them."""

    @documented("users_me_keys_retrieve", answer=ApiKeySerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """One key."""
        return shown(request, ApiKeySerializer, _found(_keys(request), id))

    @documented("users_me_keys_destroy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Revoke it, at once and for good."""
        keys.revoke([_found(_keys(request), id)], by=caller(request))
        return Response(status=204)


class AskReset(Open):
    """POST /api/auth/reset"""

    @documented("auth_reset_create", body=AskResetBody, status=202)
    def post(self, request: Request) -> Response:
        """Mail a link for a new password to the address, if somebody signs in with it: the answer is the same.

        Where this installation sends no mail, an operator makes a link instead, and an admin where PEOPLE_BY=admins.
        """
        email = read(AskResetBody, request.data)["email"]
        resetting.ask(email, request._request.META.get("REMOTE_ADDR", ""))
        return Response(status=202)


class Reset(Open):
    """POST /api/auth/reset/password"""

    @documented("auth_reset_password_create", body=ResetBody, status=204)
    def post(self, request: Request) -> Response:
        """Set a new password by the token of a link. All sign-ins of its person end. 404 `reset_unknown`."""
        body = read(ResetBody, request.data)
        resetting.reset(body["token"], body["password"])
        return Response(status=204)


def change_password(request: HttpRequest, user: User, current: str, password: str, field: str = "password") -> None:
    """Take another password of a person who knows the one of now. All their sign-ins end."""
    passwords.require_password(request, user, current, "current")
    with transaction.atomic():
        passwords.set_password(user, password, field)
        noting.password_changed(user, by=user)


def _anew(request: Request, user: User) -> Any:
    """Tokens of a new sign-in: the one they came by has just ended with the others."""
    user.sign_in = None
    return new_pair(user, sign_ins.agent_of(request._request))


def _make_key(user: User, values: dict[str, Any]) -> tuple[ApiKey, str]:
    place = _found(Organization.objects.visible_to(user), values["organization"])
    ends: datetime | None = values.get("expires_at", timezone.now() + keys.LIFETIME)
    return keys.create_key(user=user, organization=place, scopes=values["scopes"], name=values["name"], expires_at=ends)


def _keys(request: Request) -> Any:
    return ApiKey.objects.visible_to(caller(request))


def _found(rows: Any, id: UUID) -> Any:
    row = rows.filter(pk=id).first()
    if row is None:
        raise NotFound
    return row
