"""Addresses of lists, as the boxes name them."""

from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.models import Run


def runs_at(**filters: str) -> str:
    """The address of the list of these runs."""
    return f"{reverse('admin:chat_run_changelist')}?{urlencode(filters)}"


def usage_at(**filters: object) -> str:
    """The address of the usage page."""
    return f"{reverse('admin:chat_usageday_changelist')}?{urlencode(filters)}"


def chats_by_id(ids: list[UUID]) -> dict[UUID, SafeString]:
    """Links to the chats' pages, by the beginning of their ids."""
    address = partial(reverse, "admin:chat_chat_change")
    return {id: format_html('<a href="{}">{}</a>', address(args=[id]), str(id)[:8]) for id in ids}


def oldest_first(site: AdminSite, request: HttpRequest) -> str:
    """What a list's address says for that: the number of the column, which depends on whether rows can be chosen."""
    runs = site.get_model_admin(Run)
    columns = ["action_checkbox"] if runs.get_actions(request) else []
    return str([*columns, *runs.list_display].index("created_at"))
