"""The chat page: the list of chats beside a new or an old one. What is live is the browser's (static/chat)."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from accounts import look, plans
from accounts.errors import NotFound
from accounts.http.queries import whole_number
from accounts.models import User
from accounts.permissions import permissions_in
from accounts.plans import Terms
from accounts.sign_in.sign_ins import see_session
from agents import commands
from chat import gate
from chat.access import get_chat, get_message, permissions_on
from chat.feedback.models import EMOJI
from chat.models import Chat
from chat.page import attaching, models, pictures
from chat.page import contents as pages
from chat.page.asked import question, run_in
from chat.page.choices import Choices, choices_for_new, choices_of
from chat.page.decided import has_grants
from chat.page.listing import listing, may
from chat.page.modules import modules
from chat.page.sharing import shared_with
from chat.page.slash import slash
from chat.page.tree import Tree
from chat.page.words import for_scripts
from chat.page.workflows import workflow_of

SHOWN_MESSAGES = 50  # at once; more come as the reader scrolls

# Kept by the browser for going back, but asked for again: another person may sit there by then.
fresh = cache_control(private=True, no_cache=True)


@require_GET
@login_required
@fresh
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """A new chat, beside the list of those there are."""
    user = _user(request)
    places = pages.places(user)
    return _page(
        request, user, None, choices_for_new(user, places), can_write=bool(places), can_fork=bool(places), places=places
    )


@require_GET
@login_required
@fresh
@ensure_csrf_cookie
def chat(request: HttpRequest, id: UUID) -> HttpResponse:
    """One chat with its newest messages; `?at` chooses a branch by a message on it."""
    user = _user(request)
    tree = Tree(get_chat(user, id))
    shown = pages.branch(tree, _at(request), pages.Window(SHOWN_MESSAGES), user)
    return _page(request, user, tree.chat, choices_of(tree.chat), messages=shown, **_rights(user, tree.chat))


@require_GET
@login_required
@fresh
def messages(request: HttpRequest, id: UUID) -> HttpResponse:
    """The chat's messages from position `?from` on, as the page shows them; or some `?before` or `?after` one."""
    user = _user(request)
    tree = Tree(get_chat(user, id))
    window = pages.Window(
        SHOWN_MESSAGES,
        first=whole_number(request.GET.get("from")) or 0,
        before=whole_number(request.GET.get("before")),
        after=whole_number(request.GET.get("after")),
    )
    context = {"messages": pages.branch(tree, _at(request), window, user), **_rights(user, tree.chat)}
    response = render(request, "chat/_messages.html", context)
    response["Parley-Branch"] = tree.older_leaf(_at(request))
    return response


@require_GET
@login_required
@fresh
def asked(request: HttpRequest, id: UUID, run: UUID, call: str) -> HttpResponse:
    """What a call that waits for a person will do, and what the reader may answer; or what was decided."""
    user = _user(request)
    return render(request, "chat/_asked.html", question(user, run_in(user, id, run), call))


@require_GET
@login_required
@fresh
def chats(request: HttpRequest) -> HttpResponse:
    """More of the list of chats: those behind the place `?after`."""
    return render(request, "chat/_chats.html", {"listing": listing(_user(request), request.GET.get("after", ""))})


@require_GET
@login_required
@fresh
def picture(request: HttpRequest, id: UUID, number: int) -> HttpResponse:
    """A picture that came with a message, by its place among the message's files."""
    found = pictures.picture(get_message(_user(request), id), number)
    if found is None:
        raise NotFound
    return HttpResponse(found.data, content_type=found.media_type)


def _at(request: HttpRequest) -> UUID | None:
    """The message whose branch is read; what is no message's id chooses nothing."""
    try:
        return UUID(request.GET.get("at", ""))
    except ValueError:
        return None


def _rights(user: User, chat: Chat) -> dict[str, bool]:
    """What of a message's buttons is offered: what the server would refuse is not."""
    inside = permissions_in(user, organization=chat.organization_id, project=chat.project_id)
    rights = {"can_write": "write" in permissions_on(user, chat), "can_fork": "write" in inside}
    return {**rights, "can_open": True}  # addresses beside the API: a frame on another page has no session for them


def _may(user: User, chat: Chat) -> str:
    return may(user, permissions_on(user, chat), chat)


def _page(request: HttpRequest, user: User, chat: Chat | None, last: Choices, **more: Any) -> HttpResponse:
    see_session(request, user)
    archetypes = pages.archetypes()
    has_project = bool(chat.project_id if chat else last.place and last.place.project)
    plan = _plan(chat, last)
    for_script = {
        "name": look.name(),
        "chat": chat and str(chat.pk),
        "hasProject": has_project,
        "user": {"id": str(user.pk), "name": user.display_name},
        "archetypes": archetypes,
        "commands": [asdict(each) for each in commands.every()],
        "slash": slash(user, chat),
        "models": models.for_script(),
        "plans": _plans_for_script(chat, plan, more.get("places", ())),
    }
    context = {
        "chat": chat,
        "agent": chat and f"{pages.label_of(chat.archetype)} · {pages.model_label(chat.model)}",
        "archetypes": archetypes,
        "models": models.shown_models(plan),
        "is_outside": not last.has_departed_model and not gate.allows(plan, last.model),
        "efforts": models.EFFORTS,
        "last": last,
        "examples": pages.examples_of(last.archetype, has_project=has_project),
        "listing": listing(user),
        "may": _may(user, chat) if chat else "",
        "has_grants": chat is not None and has_grants(chat),
        "workflow": chat and workflow_of(chat),
        "for_script": for_script,
        "modules": modules(),
        "words": for_scripts(),
        "shared_with": chat and shared_with(chat),
        "most_chars": settings.CHAT_MESSAGE_MAX_CHARS,
        "attaching": attaching.limits(),
        "emoji": EMOJI,
        **more,
    }
    return render(request, "chat/chat.html", context)


def _plan(chat: Chat | None, last: Choices) -> Terms:
    """The plan of the chat's organization, or of the one where the new chat begins."""
    if chat is not None:
        return gate.plan_of(chat)
    return plans.named(last.place.organization.plan if last.place else plans.UNCHOSEN)


def _plans_for_script(chat: Chat | None, plan: Terms, places: Iterable[pages.Place]) -> dict[str, Any]:
    """By the id of each organization that the reader can choose here."""
    if chat is not None:
        return {str(chat.organization_id): models.plan_for_script(plan)}
    found = {each.organization.pk: each.organization.plan for each in places}
    return {str(id): models.plan_for_script(plans.named(name)) for id, name in found.items()}


def _user(request: HttpRequest) -> User:
    """The one who signed in; `login_required` let nobody else through."""
    assert isinstance(request.user, User)
    return request.user
