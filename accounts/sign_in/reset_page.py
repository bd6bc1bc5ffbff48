"""The page on which a link for a new password is asked for, and on which it is set."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import Invalid, NotFound, TooMany
from accounts.sign_in import resetting

PAGE = "registration/reset.html"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def reset_page(request: HttpRequest) -> HttpResponse:
    """GET and POST /reset/, and the same with ?token=..."""
    token = request.GET.get("token", "")[:200]
    return _set(request, token) if token else _ask(request)


def _ask(request: HttpRequest) -> HttpResponse:
    shown = {"by_mail": bool(settings.EMAIL_URL)}
    if request.method != "POST":
        return render(request, PAGE, shown)
    try:
        resetting.ask(request.POST.get("email", "")[:254], request.META.get("REMOTE_ADDR", ""))
    except TooMany as error:
        return _refused(request, shown, _("Too many tries. Wait, then try again."), error.status)
    return render(request, PAGE, {**shown, "is_asked": True})


def _set(request: HttpRequest, token: str) -> HttpResponse:
    try:
        person = resetting.find(token)
        if request.method != "POST":
            return render(request, PAGE, {"person": person})
        password = request.POST.get("password", "")
        if password != request.POST.get("again", ""):
            return _refused(request, {"person": person}, _("The two passwords are not the same."))
        resetting.reset(token, password)
    except NotFound:
        return render(request, PAGE, {"is_unknown": True, "by_mail": bool(settings.EMAIL_URL)}, status=404)
    except Invalid as error:
        return _refused(request, {"person": person}, " ".join(error.fields["password"]))
    return render(request, PAGE, {"is_set": True})


def _refused(request: HttpRequest, shown: Mapping[str, Any], why: str, status: int = 400) -> HttpResponse:
    return render(request, PAGE, {**shown, "error": why}, status=status)
