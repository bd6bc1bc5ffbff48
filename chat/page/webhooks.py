"""The page of an organization's webhooks, for its admins: forms that need no script. A secret is shown this once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.errors import NotFound, RequestError
from accounts.models import Organization, User
from chat.page.words import fault
from chat.services.policies import ADMINS
from chat.webhooks import endpoints
from chat.webhooks.claiming import SWITCHED_OFF
from chat.webhooks.models import BROKEN_OFF, DeliveryStatus, OffReason, Webhook
from chat.webhooks.sending import UNREADABLE
from chat.webhooks.types import ALL, TYPES

PAGE = "chat/webhooks.html"
SHOWN_DELIVERIES = 10
OFF: dict[str, Any] = {
    OffReason.ADMIN: _("switched off"),
    OffReason.OPERATOR: _("switched off by an operator"),
    OffReason.GONE: _("switched off by itself: the address said that it is gone"),
    OffReason.FAILING: _("switched off by itself: nothing could be delivered for days"),
}
STATUSES: dict[str, Any] = {
    DeliveryStatus.WAITING: _("waits for its next try"),
    DeliveryStatus.DELIVERED: _("delivered"),
    DeliveryStatus.FAILED: _("not delivered"),
}
DONE: dict[str, Any] = {
    "test": _("A test is on its way. Load the page again to see what came of it."),
    "again": _("It is sent again. Load the page again to see what came of it."),
    "on": _("The webhook is on."),
    "off": _("The webhook is off. What waited for it is not sent."),
    "remove": _("The webhook is deleted."),
}
# Why no answer came, by how the sentence ends that a delivery keeps.
NO_ANSWER: dict[str, Any] = {
    " cannot be reached.": _("The address cannot be reached."),
    " is not known.": _("The host of the address is not known."),
    " did not answer in time.": _("No answer came in time."),
    " broke its answer off, or it was not HTTP.": _("The answer broke off, or it was not HTTP."),
    " is not one to be trusted.": _("The certificate of the address is not one to be trusted."),
    SWITCHED_OFF: _("The webhook was switched off before."),
    UNREADABLE: _("The secret cannot be read any more. Make a new one."),
}
# Why it was not done, by the field or the code that the API names.
WHY: dict[str, Any] = {
    "url": _("This address cannot be used. Expected https:// and a host at a public address."),
    "events": _("Choose at least one kind of event."),
    "too_many_webhooks": _("The organization has as many webhooks as it may have. Delete one first."),
    "plan_feature": _("The organization's plan does not include webhooks."),
    "webhook_off": _("The webhook is switched off: switch it on first."),
    "delivery_waiting": _("It is under way, or will be tried by itself."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def webhooks(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /organizations/ID/webhooks/, and POST with `do` saying what: an error is told above the forms."""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    rows = endpoints.webhooks_in(user, id)
    if request.method != "POST":
        return _page(request, id, rows)
    name = request.POST.get("do", "")
    if name not in DOES:
        return _page(request, id, rows, status=400)
    try:
        with_secret = DOES[name](request, user, id)
    except RequestError as error:
        given = {"url": request.POST.get("url", ""), "events": request.POST.getlist("events")}
        return _page(request, id, rows, status=error.status, error=_why(error), **given)
    if with_secret is not None:
        return _page(request, id, rows, new=with_secret)
    return HttpResponseRedirect(f"{reverse('page-webhooks', args=[id])}?done={name}")


def _page(request: HttpRequest, id: UUID, rows: Any, status: int = 200, **more: Any) -> HttpResponse:
    shown = {
        "organization": Organization.objects.get(pk=id),
        "webhooks": [_shown(row) for row in rows.order_by("-created_at")],
        "types": TYPES,
        "all": ALL,
        "told": DONE.get(request.GET.get("done", ""), "") if request.method != "POST" else "",
        **more,
    }
    return render(request, PAGE, shown, status=status)


def _shown(row: Webhook) -> dict[str, Any]:
    deliveries = row.deliveries.select_related("event")[:SHOWN_DELIVERIES]
    return {
        "row": row,
        "off": "" if row.is_active else OFF.get(row.off_reason, OFF[OffReason.ADMIN]),
        "deliveries": [
            {"row": each, "status": STATUSES[each.status], "error": _no_answer(each.error)} for each in deliveries
        ],
    }


def _no_answer(error: str) -> str:
    """In the reader's language, where the page knows it."""
    return next((str(told) for ending, told in NO_ANSWER.items() if error.endswith(ending)), error)


def _why(error: RequestError) -> str:
    """In the reader's language, where the page knows it."""
    known = next((name for name in (*error.fields, error.code) if name in WHY), "")
    return str(WHY[known]) if known else fault(error.message)


# --- What the forms do: each gives the webhook whose secret is to be shown, or nothing --------------------------------


def _make(request: HttpRequest, user: User, id: UUID) -> Webhook | None:
    sent = {"url": request.POST.get("url", "").strip(), "events": request.POST.getlist("events")}
    return endpoints.create_webhook(user=user, organization=id, **endpoints.checked(sent))


def _rotate(request: HttpRequest, user: User, id: UUID) -> Webhook | None:
    return endpoints.rotate(user=user, webhook=_asked(request, user, id))


def _test(request: HttpRequest, user: User, id: UUID) -> None:
    endpoints.send_test(user=user, webhook=_asked(request, user, id))


def _again(request: HttpRequest, user: User, id: UUID) -> None:
    endpoints.send_again(webhook=_asked(request, user, id), delivery=_id(request, "delivery"))


def _on(request: HttpRequest, user: User, id: UUID) -> None:
    endpoints.change_webhook(user=user, webhook=_asked(request, user, id), is_active=True)


def _off(request: HttpRequest, user: User, id: UUID) -> None:
    endpoints.change_webhook(user=user, webhook=_asked(request, user, id), is_active=False)


def _remove(request: HttpRequest, user: User, id: UUID) -> None:
    endpoints.remove_webhook(user=user, webhook=_asked(request, user, id))


def _asked(request: HttpRequest, user: User, id: UUID) -> Webhook:
    return endpoints.get_webhook(user, id, _id(request, "id"))


def _id(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise NotFound from None


DOES: dict[str, Callable[[HttpRequest, User, UUID], Webhook | None]] = {
    "make": _make,
    "rotate": _rotate,
    "test": _test,
    "again": _again,
    "on": _on,
    "off": _off,
    "remove": _remove,
}


def of_admin(user: User) -> list[dict[str, Any]]:
    """For the account page: the organizations that the user administers, and how many webhooks broke off in each."""
    broken = Webhook.objects.filter(is_active=False, off_reason__in=BROKEN_OFF)
    counts = list(broken.visible_to(user).values_list("organization", flat=True))
    places = Organization.objects.visible_to(user).filter(memberships__user=user, memberships__role__in=ADMINS)
    return [{"place": each, "broken": counts.count(each.pk)} for each in places.order_by("name", "pk").distinct()]
