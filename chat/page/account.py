"""The account page: what is a person's own, in forms that need no script."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.errors import Invalid, NotFound, RequestError, refuse
from accounts.models import ApiKey, Organization, Project, Role, User
from accounts.permissions import PERMISSIONS
from accounts.sign_in import keys, noting, passwords, sign_ins
from accounts.sign_in.cookies import forget_cookie, keep_language
from accounts.sign_in.own import change_password
from accounts.sign_in.scopes import FOR_ADMINS
from chat.page import budgets, figures, known, webhooks
from chat.page.account_words import DEVICES, DONE, SCOPE_USES, going, why
from chat.rest.deletion import delete_oneself
from chat.services import people

PAGE = "chat/account.html"
NAME_MAX_CHARS = 150
SHOWN_SIGN_INS = 50
SHOWN_KEYS = 200
SHOWN_PROJECTS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters()
def account(request: HttpRequest) -> HttpResponse:
    """GET /account/, and POST with `do` saying what: an error is told beside the form that it is of."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    if request.method != "POST":
        sign_ins.see_session(request, user)
        return _page(request, user)
    name = request.POST.get("do", "")
    do = DOES.get(name)
    if do is None:
        return _page(request, user, status=400)
    try:
        return do(request, user)
    except RequestError as error:
        kept = User.objects.get(pk=user.pk)  # as they are: what was refused has changed nothing
        return _page(request, kept, errors={name: why(error)}, status=error.status)


def _page(request: HttpRequest, user: User, status: int = 200, **more: Any) -> HttpResponse:
    done = request.GET.get("done", "")
    shown = {
        "person": user,
        "has_password": passwords.has_password(user),
        "done": done if done in DONE else "",
        "told": DONE.get(done, ""),
        "language": get_language(),
        "organizations": Organization.objects.visible_to(user),
        "projects": Project.objects.visible_to(user).order_by("name", "pk")[:SHOWN_PROJECTS],
        "scopes": _scopes(user),
        "keys": ApiKey.objects.visible_to(user).filter(revoked_at=None).select_related("organization")[:SHOWN_KEYS],
        "now": timezone.now(),
        "sign_ins": _sign_ins(request, user),
        "administered": figures.administered(user),
        "budgets": budgets.shown(user),
        "webhooks": webhooks.of_admin(user),
        "goes": [going(kind, count) for kind, count in people.what_goes(user).items()],
        "stays_elsewhere": settings.ERASE_SHARED == "anonymise",
        **known.shown(user),
        **more,
    }
    return render(request, PAGE, shown, status=status)


def _scopes(user: User) -> list[tuple[str, Any]]:
    """Those that a key of theirs may carry, somewhere."""
    return [(name, use) for name, use in SCOPE_USES.items() if name not in FOR_ADMINS or _may_carry(user)]


def _may_carry(user: User) -> bool:
    roles = user.memberships.values_list("role", flat=True)
    return user.is_staff or any("admin" in PERMISSIONS[Role(role)] for role in roles)


def _sign_ins(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    current = sign_ins.of_session(request)
    rows = sign_ins.sign_ins_of(user)[:SHOWN_SIGN_INS]
    return [{"row": each, "device": device(each.user_agent), "is_current": each.pk == current} for each in rows]


def device(agent: str) -> str:
    """A browser and its system, by name; what is none calls itself something."""
    found = [next((name for mark, name in table if mark in agent), "") for table in DEVICES]
    return " · ".join(filter(None, found)) or agent[:60] or _("unknown device")


# --- What the forms do ------------------------------------------------------------------------------------------------


def _done(name: str, section: str = "") -> HttpResponse:
    """Back to the page, which says that it was done: loading it again does nothing twice."""
    return HttpResponseRedirect(f"{reverse('account')}?done={name}#{section or name}")


def _rename(request: HttpRequest, user: User) -> HttpResponse:
    name = " ".join(request.POST.get("name", "").split())
    if len(name) > NAME_MAX_CHARS or not name.isprintable():
        raise refuse("name", f"Expected a text of at most {NAME_MAX_CHARS} characters.")
    user.name = name
    user.save(update_fields=["name"])
    return _done("name")


def _speak(request: HttpRequest, user: User) -> HttpResponse:
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise refuse("language", f"Expected one of: {', '.join(dict(settings.LANGUAGES))}.")
    user.language = language
    user.save(update_fields=["language"])
    response = _done("language")
    keep_language(response, language)
    return response


def _change_password(request: HttpRequest, user: User) -> HttpResponse:
    sent = request.POST
    if sent.get("new", "") != sent.get("again", ""):
        raise refuse("again", "Expected the same password twice.")
    change_password(request, user, sent.get("current", ""), sent.get("new", ""), "new")
    sign_ins.keep_session(request, user)
    response = _done("password")
    forget_cookie(response)  # a token's, which has just ended
    return response


def _make_key(request: HttpRequest, user: User) -> HttpResponse:
    """The page with the key in it, this once: no address leads back to it."""
    sent = request.POST
    place = Organization.objects.visible_to(user).filter(pk=_id(sent.get("organization", ""))).first()
    if place is None:
        raise refuse("organization", "Expected one that the person is a member of.")
    key, text = keys.create_key(
        user=user, organization=place, scopes=sent.getlist("scopes"), name=sent.get("name", ""), expires_at=_end(sent)
    )
    return _page(request, user, new_key=key, key_text=text)


def _end(sent: Mapping[str, str]) -> Any:
    days = sent.get("days", "365")
    if days not in ("30", "90", "365", "0"):
        raise refuse("days", "Expected one of: 30, 90, 365, 0.")
    return timezone.now() + timedelta(days=int(days)) if days != "0" else None


def _revoke_key(request: HttpRequest, user: User) -> HttpResponse:
    keys.revoke(list(ApiKey.objects.visible_to(user).filter(pk=_id(request.POST.get("id", "")))), by=user)
    return _done("revoke-key", "keys")


def _end_sign_in(request: HttpRequest, user: User) -> HttpResponse:
    with suppress(NotFound):  # it has ended by itself
        sign_ins.end_sign_in(user, _id(request.POST.get("id", "")))
    return _done("end-sign-in", "sign-ins")


def _end_others(request: HttpRequest, user: User) -> HttpResponse:
    noting.sign_out_everywhere(user, by=user)
    sign_ins.keep_session(request, user)
    response = _done("end-others", "sign-ins")
    forget_cookie(response)
    return response


def _delete(request: HttpRequest, user: User) -> HttpResponse:
    if request.POST.get("sure") != "yes":
        raise Invalid("Say that you are sure.", fields={"sure": ["Say that you are sure."]})
    delete_oneself(request, user, request.POST.get("password", ""), request.POST.get("email", ""))
    response = render(request, "registration/deleted.html")
    forget_cookie(response)
    return response


def _told(name: str, request: HttpRequest, user: User) -> HttpResponse:
    do, section = known.DOES[name]
    do(request.POST, user)
    return _done(name, section)


def _id(text: str) -> UUID:
    """The id that it spells; else one that nothing has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


DOES: dict[str, Callable[[HttpRequest, User], HttpResponse]] = {
    "name": _rename,
    "language": _speak,
    "password": _change_password,
    "key": _make_key,
    "revoke-key": _revoke_key,
    "end-sign-in": _end_sign_in,
    "end-others": _end_others,
    "delete": _delete,
    **{name: partial(_told, name) for name in known.DOES},
}
