"""What people said is shown to operators for a reason, for a while, one chat at a time; each time is logged.

Without that, pages show who, when, how much and how it went, and no text of a message, nor a title.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from chat.admin.history import History
from chat.admin.interventions import keep
from chat.models import Chat

REASON_MAX_CHARS = 500
PERMISSION = "chat.view_message"
KEY = "content_shown"  # in the session: {chat id: seconds since 1970 until which its content is shown}


class ReasonForm(forms.Form):
    """Why, in words."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("It is kept with your name, such as the number of a ticket."),
        min_length=5,
        max_length=REASON_MAX_CHARS,
        widget=forms.TextInput(attrs={"size": 60, "autocomplete": "off"}),
    )


class Gated(History):
    """Pages with content of a chat in them. `chat_path` leads from a row to its chat's id."""

    chat_path = "chat_id"
    change_form_template = "admin/chat/change_form.html"  # of apps inside the room chat too: it has the gate

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, knowing whether its content is shown to who asks."""
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.content_gate = Gate(request, chat_of(row, self.chat_path))
        return row

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page, with a line that says whether content is shown."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if original := shown.get("original"):
            shown["gate"] = original.content_gate
        return response


class Gate:
    """Whether this person is shown the content of this chat now, and where to ask for it; without a chat, never."""

    def __init__(self, request: HttpRequest, chat_id: UUID | None) -> None:
        self.can_ask = chat_id is not None and request.user.has_perm(PERMISSION)
        self.until = request.session.get(KEY, {}).get(str(chat_id), 0) if self.can_ask else 0
        self.is_open = self.until > time.time()
        self.minutes = max(1, round((self.until - time.time()) / 60))
        self.address = reverse("admin:chat_chat_content", args=[chat_id]) if chat_id else ""
        self.back = request.get_full_path()

    def show(self, render: Callable[[], SafeString], what: str = "") -> SafeString:
        """What `render` gives, or that it is hidden."""
        return render() if self.is_open else format_html('<span class="hidden-content">{}</span>', what or _("Hidden"))


def opened(request: HttpRequest) -> list[UUID]:
    """The chats whose content is shown to this person now."""
    shown = request.session.get(KEY, {}) if request.user.has_perm(PERMISSION) else {}
    return [UUID(id) for id, until in shown.items() if until > time.time()]


def chat_of(row: Model, path: str) -> UUID | None:
    """The id of the row's chat, if it has one."""
    value: Any = row
    for name in path.split("."):
        value = getattr(value, name)
    return value  # type: ignore[no-any-return]


def content_view(site: admin.AdminSite, request: HttpRequest, chat_id: UUID) -> HttpResponse:
    """Ask for a reason, log it, and show the chat's content for a while; or stop showing it."""
    chat = Chat.objects.filter(pk=chat_id, deleted_at=None).first()
    if not request.user.has_perm(PERMISSION):
        _refuse(request, chat)
    if chat is None:
        raise Http404
    back = _back(request, chat)
    if request.method == "POST" and "hide" in request.POST:
        _remember(request, chat_id, 0)
        return HttpResponseRedirect(back)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            keep(request, chat, "Content shown", form.cleaned_data["reason"])
            audit.record("content.viewed", **_about(request, chat))
        _remember(request, chat_id, time.time() + settings.ADMIN_CONTENT_SHOWN_S)
        return HttpResponseRedirect(back)
    context = {
        "title": _("Show content"),
        "chat": chat,
        "form": form,
        "back": back,
        "minutes": settings.ADMIN_CONTENT_SHOWN_S // 60,
    }
    return TemplateResponse(request, "admin/chat/content.html", {**site.each_context(request), **context})


def _refuse(request: HttpRequest, chat: Chat | None) -> None:
    """Raise PermissionDenied, and write down for which chat."""
    if chat is not None:
        audit.refused("content.viewed", **_about(request, chat))
    raise PermissionDenied


def _about(request: HttpRequest, chat: Chat) -> dict[str, Any]:
    by = audit.operator(request.user)
    return {"actor": by, "organization_id": chat.organization_id, "object_type": "chat", "object_id": chat.pk}


def _remember(request: HttpRequest, chat_id: UUID, until: float) -> None:
    shown = {id: end for id, end in request.session.get(KEY, {}).items() if end > time.time()}
    request.session[KEY] = {**shown, str(chat_id): until} if until else {**shown, str(chat_id): 0}


def _back(request: HttpRequest, chat: Chat) -> str:
    asked = request.POST.get("back") or request.GET.get("back") or ""
    is_ours = asked.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if is_ours else reverse("admin:chat_chat_change", args=[chat.pk])
