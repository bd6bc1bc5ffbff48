"""The chat in a frame on a page of another site. Nothing here goes by a cookie: its scripts bring the page's token."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, override
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET

from accounts import look
from accounts.authentication import authenticate
from accounts.errors import NotAuthenticated, NotFound
from accounts.http.queries import whole_number
from chat.access import get_chat
from chat.page import contents
from chat.page.asked import question, run_in
from chat.page.modules import modules
from chat.page.tree import Tree
from chat.page.views import SHOWN_MESSAGES
from chat.page.words import for_scripts

FIRST = "frame/app.js"
THEMES = ("light", "dark")
LANGUAGES = dict(settings.LANGUAGES)


@require_GET
@xframe_options_exempt  # its policy names who may frame it (config.middleware.security)
@cache_control(private=True, no_cache=True)
def frame(request: HttpRequest) -> HttpResponse:
    """The page in the frame: empty, and the same for everybody. 404 where no origin may frame it."""
    if not settings.EMBED_ORIGINS:
        raise NotFound
    theme = request.GET.get("theme", "")
    with override(_language(request)):
        context = {
            "theme": theme if theme in THEMES else "system",
            "for_script": {"name": look.name(), "origins": settings.EMBED_ORIGINS, "chat": None},
            "modules": modules(FIRST),
            "words": for_scripts(),
            "most_chars": settings.CHAT_MESSAGE_MAX_CHARS,
        }
        return _said(render(request, "chat/embed.html", context))


@require_GET
@cache_control(private=True, no_store=True)
def messages(request: HttpRequest, id: UUID) -> HttpResponse:
    """The chat's messages as the page shows them, for who brings a token: the newest, or those `?before` a position."""
    if "Authorization" not in request.headers:
        raise NotAuthenticated
    user = authenticate(request)
    tree = Tree(get_chat(user, id))
    window = contents.Window(SHOWN_MESSAGES, before=whole_number(request.GET.get("before")))
    with override(_language(request)):
        shown = [_without_pictures(each) for each in contents.branch(tree, None, window, user)]
        return _said(render(request, "chat/_messages.html", {"messages": shown}))


@require_GET
@cache_control(private=True, no_store=True)
def asked(request: HttpRequest, id: UUID, run: UUID, call: str) -> HttpResponse:
    """A question about a tool call, as the page's view of that name shows it, for who brings a token."""
    if "Authorization" not in request.headers:
        raise NotAuthenticated
    user = authenticate(request)
    with override(_language(request)):
        return _said(render(request, "chat/_asked.html", question(user, run_in(user, id, run), call)))


def _without_pictures(message: dict[str, Any]) -> dict[str, Any]:
    """What is fetched by a session, which there is none of here, is shown by its name. Nor is there another page."""
    return {
        **message,
        "wrote": False,
        "made": [],
        "attachments": _names(message["attachments"]),
        "parts": [replace(each, files=_names(each.files)) if each.files else each for each in message["parts"]],
    }


def _names(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: each[name] for name in ("name", "unreadable", "note") if name in each} for each in files]


def _language(request: HttpRequest) -> str:
    """The one that the page asks for, else the browser's."""
    asked = request.GET.get("lang", "")
    return asked if asked in LANGUAGES else get_language() or settings.LANGUAGE_CODE


def _said(response: HttpResponse) -> HttpResponse:
    response["Content-Language"] = get_language() or settings.LANGUAGE_CODE
    return response
