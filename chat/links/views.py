"""The page that a link opens, and what the page's dialog shows of a chat's links."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from accounts.errors import NotFound, TooMany
from accounts.http.queries import whole_number
from accounts.models import User
from chat.access import get_chat
from chat.links.making import links_of, may_make
from chat.links.models import OpensTo
from chat.links.opening import SignInFirst, open_link
from chat.links.showing import page_of

PAGE = "chat/link.html"
DAYS = (1, 7, 30, 90)  # that the dialog offers, as far as LINK_MAX_S goes
DAY_S = 86_400
# Nothing runs there, nothing is sent, and nobody who is led away from it is told where they come from.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet",
}


@require_safe
@never_cache
def link_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET /s/TOKEN/: the chat as far as the link shows it, behind the position `?after`."""
    response = _answer(request, token)
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def _answer(request: HttpRequest, token: str) -> HttpResponseBase:
    reader = request.user if isinstance(request.user, User) else None
    try:
        opened = open_link(token, reader, request.META.get("REMOTE_ADDR", ""))
    except SignInFirst:
        return redirect_to_login(request.get_full_path())
    except NotFound:
        return render(request, PAGE, status=404)
    except TooMany as error:
        response = render(request, PAGE, {"is_too_many": True}, status=429)
        response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    after = whole_number(request.GET.get("after")) or 0
    return render(request, PAGE, {"opened": opened, "page": page_of(opened, after), "is_first": not after})


@require_GET
@login_required
@never_cache
def links(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /chats/ID/links/: the links that there are, and the form that makes one."""
    user: Any = request.user  # login_required let nobody else through
    chat = get_chat(user, id)
    context = {
        "chat": chat,
        "links": links_of(chat),
        "is_own": chat.user_id == user.pk,
        "most": may_make(user, chat),
        "anyone": OpensTo.ANYONE,
        "spans": _spans(),
    }
    return render(request, "chat/_links.html", context)


def _spans() -> list[tuple[int, str, bool]]:
    """How long a link may open: in seconds, in words, and whether that is the usual span."""
    usual = min(settings.LINK_S, settings.LINK_MAX_S)
    offered = sorted({usual, *(each * DAY_S for each in DAYS if each * DAY_S <= settings.LINK_MAX_S)})
    return [(each, _in_words(each), each == usual) for each in offered]


def _in_words(seconds: int) -> str:
    days, hours = seconds // DAY_S, max(1, round(seconds / 3600))
    if seconds % DAY_S:
        return ngettext("for %(count)s hour", "for %(count)s hours", hours) % {"count": hours}
    return ngettext("for %(count)s day", "for %(count)s days", days) % {"count": days}
