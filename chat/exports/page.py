"""The pages: one's exports, with forms that begin some; and a chat's, with what it may be had as. No script is needed;
with one, what is under way is followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ValidationError

from accounts.errors import NotFound, RequestError, refuse
from accounts.http.rest import read
from accounts.models import Organization, User
from accounts.permissions import permissions_in
from accounts.plans import has_feature
from chat import audience
from chat.access import get_chat
from chat.exports import conversation, jobs, of_chats
from chat.exports.models import UNDER_WAY, Export, ExportStatus
from chat.exports.rest import why
from chat.models import Chat
from chat.page.account_words import why as in_words

SHOWN = 50
WHATS: dict[str, Any] = {
    "me": gettext_lazy("All that is yours"),
    "chat": gettext_lazy("A chat"),
    "usage": gettext_lazy("Usage"),
    "audit": gettext_lazy("Audit log"),
    "feedback": gettext_lazy("Feedback"),
}
FORMATS: dict[str, Any] = {
    **{"zip": "ZIP", "csv": "CSV", "jsonl": "JSON Lines", "json": "JSON", "markdown": "Markdown", "pdf": "PDF"},
    **{"openai-evals": "OpenAI Evals", "preference": gettext_lazy("Preferences"), "langsmith": "LangSmith"},
    "text": gettext_lazy("Text"),
}
REFUSED: dict[str, Any] = {
    "too_many_exports": gettext_lazy("Another export of yours is being written. Wait for it, or delete it."),
    "too_many_kept_exports": gettext_lazy("As many exports of yours are kept as may be. Delete one first."),
}
# What a form sends, besides what it is of; what is empty was not filled in.
SENT = ("organization", "from", "to", "by")


@dataclass(frozen=True)
class Shown:
    """One export as its reader sees it."""

    row: Export
    what: str
    of: str
    format: str
    problem: str

    @property
    def is_under_way(self) -> bool:
        """Whether it is followed."""
        return self.row.status in UNDER_WAY


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def exports(request: HttpRequest) -> HttpResponse:
    """GET /exports/, and POST with `do`: delete, or what is to be exported."""
    user = _user(request)
    if request.method != "POST":
        return _page(request, user)
    try:
        _do(user, request.POST)
    except (RequestError, ValidationError) as error:
        return _page(request, user, error=_told(error), status=_status(error))
    return HttpResponseRedirect(reverse("page-exports"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def export_chat(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /chats/ID/export/, and POST with what is wanted: the file at once, or a job where that takes a while."""
    user = _user(request)
    chat = get_chat(user, id)
    error: RequestError | ValidationError | None = None
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_leads(user, chat, request.POST))
        except (RequestError, ValidationError) as refused:
            error = refused
    formats = [(name, FORMATS[name]) for name in of_chats.FORMATS if name != of_chats.PDF or _has_pdf(chat)]
    shown = {
        "chat": chat,
        "formats": formats,
        "may_leave": audience.may_leave(chat),
        "is_own": chat.user_id == user.pk,
        "error": _told(error) if error else "",
    }
    return render(request, "chat/export.html", shown, status=_status(error) if error else 200)


def _told(error: RequestError | ValidationError) -> str:
    if isinstance(error, RequestError):
        return str(REFUSED.get(error.code) or in_words(error))
    detail: Any = error.detail  # of serializers: what is wrong with each field
    return " ".join(f"{name}: {' '.join(map(str, texts))}" for name, texts in detail.items())


def _status(error: RequestError | ValidationError) -> int:
    return error.status if isinstance(error, RequestError) else error.status_code


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required let nobody else through
    return request.user


def _page(request: HttpRequest, user: User, error: str = "", status: int = 200) -> HttpResponse:
    shown = {
        "exports": _exports(user),
        "organizations": [
            {"row": each, "is_admin": "admin" in permissions_in(user, organization=each)}
            for each in Organization.objects.visible_to(user)
        ],
        "error": error,
        "hours": settings.EXPORT_KEEP_S // 3600,
    }
    return render(request, "chat/exports.html", shown, status=status)


def _exports(user: User) -> list[Shown]:
    """The newest, each by the name of what it is of, where the user still sees that."""
    rows = list(jobs.kept(user).select_related("organization")[:SHOWN])
    chats = Chat.objects.visible_to(user).filter(pk__in=[row.chat_id for row in rows if row.chat_id])
    titles = {pk: title or _("New chat") for pk, title in chats.values_list("pk", "title")}
    return [_shown(row, titles) for row in rows]


def _shown(row: Export, titles: Mapping[UUID, str]) -> Shown:
    organization = row.organization.name if row.organization else ""
    of = titles.get(row.chat_id, "") if row.chat_id else organization
    problem = gettext(why(row.error)) if row.status == ExportStatus.FAILED else ""
    return Shown(row, str(WHATS.get(row.what, row.what)), of, str(FORMATS.get(row.format, row.format)), problem)


def _do(user: User, sent: Mapping[str, str]) -> None:
    do = sent.get("do", "")
    if do == "delete":
        return jobs.remove(user, _id(sent.get("id", "")))
    what, _dot, format = do.partition(".")
    if what not in WHATS:
        raise refuse("do", "Expected delete, or what is to be exported.")
    jobs.begin(user=user, what=what, format=format, asked={name: sent[name] for name in SENT if sent.get(name)})


def _leads(user: User, chat: Chat, sent: Mapping[str, str]) -> str:
    """Where the file is: its own address, or the page of what is under way."""
    format = sent.get("format", "")
    if format not in of_chats.FORMATS:
        raise refuse("format", f"Expected one of: {', '.join(of_chats.FORMATS)}.")
    besides = ",".join(name for name in conversation.PARTS if sent.get(name))
    asked = {"branch": sent.get("branch", conversation.LEAF), "with": besides}
    values = of_chats.asked_of(read(of_chats.HowMuch, asked))
    if format == of_chats.PDF and of_chats.takes_long(chat, values):
        jobs.begin(user=user, what="chat", format=format, asked={"chat": str(chat.pk), **asked})
        return reverse("page-exports")
    of_chats.require_form(chat, format)
    return f"{reverse('chat-export', args=[chat.pk])}?{urlencode({'format': format, **asked})}"


def _has_pdf(chat: Chat) -> bool:
    return has_feature(chat.organization_id, "export_pdf")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
