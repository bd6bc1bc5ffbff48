"""What the dialog of a chat's schedules holds: those that there are, in words, and the form that adds one.

It is asked for when somebody opens it; what they do in it, static/chat/schedules.js sends by REST.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import User
from chat.access import get_chat, permissions_found
from chat.models import Schedule
from chat.page.words import fault

SHOWN = 100  # the newest
PROMPT_SHOWN_CHARS = 200
SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}|\*) \* \* (\*|1-5|[0-7])")
TIMES: dict[str, Any] = {
    "hour": _("Every hour, at minute %(minute)s"),
    "day": _("Every day at %(time)s"),
    "weekdays": _("Monday to Friday at %(time)s"),
    "week": _("Every week: %(day)s at %(time)s"),
    "cron": _("By cron: %(cron)s"),
}


@dataclass(frozen=True)
class Shown:
    """One schedule as its reader sees it."""

    row: Schedule
    when: str
    problem: str
    is_own: bool


@require_GET
@login_required
@never_cache
def schedules(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /chats/ID/schedules/"""
    user = request.user
    assert isinstance(user, User)  # login_required let nobody else through
    chat = get_chat(user, id)
    rows = Schedule.objects.filter(chat=chat).select_related("owner")[:SHOWN]
    context = {
        "chat": chat,
        "schedules": [_shown(row, user) for row in rows],
        "can_write": "write" in permissions_found(user, chat),
        "weekdays": [((number + 1) % 7, name) for number, name in WEEKDAYS.items()],
        "prompt_shown": PROMPT_SHOWN_CHARS,
        "most_chars": settings.CHAT_MESSAGE_MAX_CHARS,
    }
    return render(request, "chat/_schedules.html", context)


def _shown(row: Schedule, user: User) -> Shown:
    return Shown(row, in_words(row.cron), fault(row.error) if row.error else "", row.owner_id == user.pk)


def in_words(cron: str) -> str:
    """When that is, as the form offers it; any other as it was written."""
    found = SIMPLE.fullmatch(cron)
    if found is None:
        return str(TIMES["cron"]) % {"cron": cron}
    minute, hour, day = found.groups()
    if hour == "*":
        is_hourly = day == "*"
        return str(TIMES["hour"]) % {"minute": minute} if is_hourly else str(TIMES["cron"]) % {"cron": cron}
    time = f"{int(hour):02}:{int(minute):02}"
    if day in ("*", "1-5"):
        return str(TIMES["day" if day == "*" else "weekdays"]) % {"time": time}
    return str(TIMES["week"]) % {"day": WEEKDAYS[(int(day) - 1) % 7], "time": time}
