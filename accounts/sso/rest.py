"""Which providers there are for an address, and the exchange of a backend's assertion for tokens."""

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Invalid, RequestError, TooMany, refuse
from accounts.http.fields import Closed, Email, Text
from accounts.http.parsing import StrictJSONParser
from accounts.http.rest import documented, read
from accounts.models import IdentityProvider
from accounts.sign_in import tries
from accounts.sign_in.pairs import Pair
from accounts.sso import exchange, providers
from accounts.sso.errors import ProviderDown, Refused

SHOWN_MAX_CHARS = 300


class ProvidersQuery(Closed):
    email = Email(required=False, max_length=254, help_text="whose domain decides; without it: those of the page")


class ProviderSerializer(serializers.ModelSerializer[IdentityProvider]):
    """Somebody to sign in with."""

    start = serializers.SerializerMethodField()

    class Meta:
        model = IdentityProvider
        fields = ("slug", "name", "start")
        read_only_fields = fields

    def get_start(self, provider: IdentityProvider) -> str:
        """The path where it begins: a link, followed by GET."""
        return providers.start_of(provider)


class ProvidersSerializer(serializers.Serializer[Any]):
    """Ways to sign in."""

    results = ProviderSerializer(many=True)
    password = serializers.BooleanField(help_text="whether addresses of this domain may sign in by password")


class ExchangeBody(serializers.Serializer[Any]):
    """RFC 8693. What else is sent is passed over, as RFC 6749 says."""

    grant_type = Text(max_length=SHOWN_MAX_CHARS, help_text=exchange.GRANT)
    subject_token = Text(max_length=8_192, help_text="the assertion: a JWT that the backend has signed")
    subject_token_type = Text(max_length=SHOWN_MAX_CHARS, help_text=exchange.JWT)
    requested_token_type = Text(max_length=SHOWN_MAX_CHARS, required=False, allow_blank=True)
    audience = Text(max_length=SHOWN_MAX_CHARS, required=False, allow_blank=True, help_text="this server")
    scope = Text(max_length=SHOWN_MAX_CHARS, required=False, allow_blank=True, help_text="empty: tokens have none")


class ExchangedSerializer(serializers.Serializer[Any]):
    """What is issued."""

    access_token = serializers.CharField()
    issued_token_type = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    refresh_token = serializers.CharField()


class RefusedExchangeSerializer(serializers.Serializer[Any]):
    """As RFC 6749, section 5.2 has it."""

    error = serializers.CharField(help_text="invalid_request, invalid_grant, temporarily_unavailable, ...")
    error_description = serializers.CharField(help_text="for people")
    fields = serializers.DictField(  # type: ignore[assignment]  # DRF takes declared fields off the class
        child=serializers.ListField(child=serializers.CharField()), help_text="what was expected, by the field's name"
    )


REFUSED = dict.fromkeys((400, 429, 503), RefusedExchangeSerializer)


class Open(APIView):
    """A view for everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class Providers(Open):
    """GET /api/auth/providers/"""

    @documented("auth_providers_list", query=ProvidersQuery, answer=ProvidersSerializer)
    def get(self, request: Request) -> Response:
        """Whom an address signs in with, by its domain: the same whether somebody has an account with it or not."""
        email = read(ProvidersQuery, request.query_params.dict()).get("email")
        found = providers.for_email(email) if email else providers.shown()
        takes_password = providers.takes_password(email) if email else True
        return Response({"results": ProviderSerializer(found, many=True).data, "password": takes_password})


class Exchange(Open):
    """POST /api/auth/token/exchange"""

    parser_classes = (FormParser, StrictJSONParser)

    @documented("auth_token_exchange_create", body=ExchangeBody, answer=ExchangedSerializer, errors=REFUSED)
    def post(self, request: Request) -> Response:
        """Tokens for the user of a registered backend, by its signed assertion (RFC 8693). See docs/sso.md.

        Errors are RFC 6749's: `{"error": "invalid_grant", "error_description": "..."}`.
        """
        try:
            response = Response(_issued(_exchange(request)))
        except Refused as error:
            down = isinstance(error, ProviderDown)
            response = _later(error, error.detail) if down else _error("invalid_grant", error.detail, 400)
        except TooMany as error:
            response = _later(error, error.message)
        except Invalid as error:
            response = _error(_code_of(error), error.message, 400, error.fields)
        except serializers.ValidationError as error:
            fields = {name: [str(each) for each in texts] for name, texts in _fields(error).items()}
            told = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items())
            response = _error("invalid_request", told, 400, fields)
        response["Cache-Control"] = "no-store"
        return response


def _exchange(request: Request) -> Pair:
    data = request.data
    body = read(ExchangeBody, data.dict() if hasattr(data, "dict") else data)
    _check(body)
    client = request._request.META.get("REMOTE_ADDR", "")
    limit, window_s = settings.LOGIN_MAX_FAILURES_PER_IP, settings.LOGIN_WINDOW_S
    tries.take("exchange", client, limit=limit, window_s=window_s)
    try:
        provider, claims = exchange.verified(body["subject_token"])
    except Refused as error:
        if error.is_signed or isinstance(error, ProviderDown):
            tries.give_back("exchange", client, window_s=window_s)
        raise
    tries.give_back("exchange", client, window_s=window_s)  # one person who may not come in is no reason to stop others
    return exchange.exchanged(provider, claims)


def _check(body: dict[str, str]) -> None:
    expected = {"grant_type": exchange.GRANT, "subject_token_type": exchange.JWT}
    if body.get("requested_token_type"):
        expected["requested_token_type"] = exchange.ACCESS_TOKEN
    for name, value in expected.items():
        if body[name] != value:
            raise refuse(name, f"Expected {value}.")
    if body.get("audience", "") not in ("", settings.PARLEY_PUBLIC_URL):
        raise refuse("audience", f"Expected {settings.PARLEY_PUBLIC_URL}, or nothing.")
    if body.get("scope"):
        raise refuse("scope", "Expected nothing: tokens have the rights of their person.")


CODES = {"grant_type": "unsupported_grant_type", "audience": "invalid_target", "scope": "invalid_scope"}


def _code_of(error: RequestError) -> str:
    return CODES.get(next(iter(error.fields), ""), "invalid_request")


def _fields(error: serializers.ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"": error.detail}


def _error(code: str, told: str, status: int, fields: Any = None) -> Response:
    """As RFC 6749, section 5.2 has it; `fields` says which of them, as everywhere here."""
    body = {"error": code, "error_description": told[: SHOWN_MAX_CHARS * 2], "fields": fields or {}}
    return Response(body, status=status)


def _later(error: RequestError, told: str) -> Response:
    """The same may work later: 503 or 429, and when."""
    response = _error("temporarily_unavailable", told, error.status)
    response["Retry-After"] = str(error.retry_after_s)
    return response


def _issued(pair: Pair) -> dict[str, Any]:
    return {
        "access_token": pair.access,
        "issued_token_type": exchange.ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": exchange.expires_in(pair),
        "refresh_token": pair.refresh,
    }
