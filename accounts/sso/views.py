"""Signing in with a provider, in the browser: there, back, and out when the provider says so."""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.models import IdentityProvider
from accounts.sign_in import sign_ins, tries
from accounts.sign_in.cookies import forget_cookie
from accounts.sign_in.views import speak
from accounts.sso import flow, logout, people, providers
from accounts.sso.errors import SENTENCES, Refused, TokenRefused

COOKIE = "sso"
PATH = "/sso/"
NEXT_MAX_CHARS = 1_500  # it goes into the cookie, of which browsers take 4 kB
log = logging.getLogger(__name__)


@never_cache
@require_GET
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /sso/{slug}/start?next=/path: a link, as `form-action` would stop a form on its way to the provider."""
    provider = providers.by_slug(slug)
    try:
        begun, address = flow.begin(provider, safe_path(request.GET.get("next", "")))
    except Refused as error:
        return _refused(request, provider, error)
    response = HttpResponseRedirect(address)
    response.set_cookie(
        COOKIE,
        begun.sealed(),
        max_age=flow.LIFETIME_S,
        path=PATH,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",  # the provider sends the browser back from another site
    )
    return response


@never_cache
@require_GET
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /sso/{slug}/callback?code=...&state=..."""
    provider = providers.by_slug(slug)
    try:
        response = _signed_in(request, provider)
    except Refused as error:
        response = _refused(request, provider, error)
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
    return response


@csrf_exempt
@require_POST
def back_channel_logout(request: HttpRequest, slug: str) -> HttpResponse:
    """POST /sso/{slug}/logout, a form with `logout_token`: the provider has signed a person out."""
    provider = providers.by_slug(slug)
    try:
        logout.sign_out(provider, request.POST.get("logout_token", ""))
    except Refused as error:
        log.warning("Identity provider %s: a logout was refused: %s", provider.slug, error.detail)
        told = {"error": "invalid_request", "error_description": error.detail}
        return JsonResponse(told, status=400, headers={"Cache-Control": "no-store"})
    return HttpResponse(status=200, headers={"Cache-Control": "no-store"})


def ways_in(email: str) -> list[dict[str, str]]:
    """What the sign-in page has of the providers of an address's domain."""
    return [{"name": each.name, "start": providers.start_of(each)} for each in providers.for_email(email)]


def safe_path(next: str) -> str:
    """The path of this site that it names, or the first page."""
    address = iri_to_uri(next)
    is_path = next.startswith("/") and len(address) <= NEXT_MAX_CHARS
    return address if is_path and url_has_allowed_host_and_scheme(next, allowed_hosts=None) else "/"


def _signed_in(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    begun = flow.resumed(provider, request.COOKIES.get(COOKIE, ""), request.GET.get("state", ""))
    code = request.GET.get("code", "")
    if "error" in request.GET or not 0 < len(code) <= flow.CODE_MAX_CHARS:
        raise Refused("sso_refused")
    if request.GET.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise TokenRefused("The answer is of another issuer.")
    client = request.META.get("REMOTE_ADDR", "")
    limit, window_s = settings.LOGIN_MAX_FAILURES_PER_IP, settings.LOGIN_WINDOW_S
    tries.take("sso", client, limit=limit, window_s=window_s)
    claims = flow.claims_for(provider, begun, code)
    user = people.person_of(provider, claims, needs_email=True, is_id_token=True)
    tries.give_back("sso", client, window_s=window_s)
    user.signed_in_by = provider.pk
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    sign_ins.session_ends(request, timezone.now() + timedelta(seconds=provider.session_s))
    response = HttpResponseRedirect(begun.next)
    forget_cookie(response)  # of a token sign-in, perhaps somebody else's: it would go before the session
    speak(request, response)
    return response


def _refused(request: HttpRequest, provider: IdentityProvider, error: Refused) -> HttpResponse:
    log.warning("Identity provider %s: a sign-in was refused: %s: %s", provider.slug, error.code, error.detail)
    shown = {"sentence": SENTENCES[error.code], "again": providers.start_of(provider)}
    status = 403 if error.status == 401 else error.status  # a 401 would ask for a bearer token
    return render(request, "registration/sso.html", shown, status=status)
