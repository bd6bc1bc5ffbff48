"""What every door does to start a run: the chat it is for, and the message stored once. Sync; call it through `db`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.db.compiled import Compiled
from accounts.errors import NotFound
from accounts.http.idempotency import Answer, once, run_of
from accounts.models import Organization, Project, User
from accounts.organizations.choice import usual_organization
from chat.access import find_chat, find_project, get_chat, get_run
from chat.doors.reading import Reader
from chat.metering import limits
from chat.models import Chat, ChatAlias, Run
from chat.run_request import RunRequest
from chat.runner import hits
from chat.services.chats import create_chat
from chat.services.runs import start_run
from chat.serving import packing

BEGUN = "parley.begun"  # in a request's META: what it has begun, for chat.doors.views


def start(
    request: HttpRequest,
    user: User,
    chat: Callable[[], Chat],
    asked: RunRequest,
    answer: Callable[[Run], Answer] | None = None,
) -> tuple[Answer, Reader]:
    """Start the run once for each Idempotency-Key: what to answer, and who reads it from its start.

    `chat` finds or makes the chat; it runs in the transaction that starts the run. `answer` makes what a door without
    a stream says; without it the answer is the run's id alone.
    """
    return start_by(request, user, lambda: start_run(user=user, chat=chat(), ask=asked), answer)


def start_by(
    request: HttpRequest, user: User, begin: Callable[[], Run], answer: Callable[[Run], Answer] | None = None
) -> tuple[Answer, Reader]:
    """The same for a door that starts its runs in more than one way: `begin` does it, in the one transaction.

    Raises TooMany where the answer would be one stream more than the user may have.
    """
    if answer is None:  # what is begun will be streamed or waited for
        packing.wanted(request)  # before anything is begun
        limits.streams.check(user.pk)
    begun: list[Run] = []

    def make() -> Answer:
        begun.append(begin())
        return answer(begun[0]) if answer else Answer(200, {}, begun[0].pk)

    made = once(
        user=user,
        key=request.headers.get("Idempotency-Key"),
        route=_route(request),
        body=request.body,
        make=make,
    )
    assert made.run_id is not None
    if begun and not made.replayed:
        request.META[BEGUN] = hits.begun(begun[0])
    return made, Reader(user, get_run(user, made.run_id) if made.replayed else begun[0])


def run_before(request: HttpRequest, user: User) -> UUID | None:
    """The run of an earlier request with the same Idempotency-Key."""
    return run_of(user, request.headers.get("Idempotency-Key"), _route(request))


def _route(request: HttpRequest) -> str:
    return f"{request.method} {request.path}"


def make_chat(
    user: User,
    *,
    door: str,
    organization: Organization | None = None,
    project: Project | None = None,
    lives_s: int = 0,
    is_listed: bool = False,
    **choices: Any,
) -> Chat:
    """A chat that a request without one needs: in the project, the organization, or where they chose.

    It is in lists only where a client named it. `lives_s`: it is not kept, and is gone after so many seconds.
    """
    owner = project.organization if project else organization or usual_organization(user)
    chat = create_chat(
        user=user,
        organization=owner.pk,
        project=project.pk if project else None,
        origin=door,
        takes_default=is_listed,
        **choices,
    )
    chat.is_listed = is_listed
    chat.expires_at = timezone.now() + timedelta(seconds=lives_s) if lives_s else None
    chat.save(update_fields=["is_listed", "expires_at"])
    return chat


def named_chat(user: User, door: str, external_id: str, make: Callable[[], Chat]) -> Chat:
    """The chat that the user's client calls by this name at this door, made at its first use.

    The name of one of the user's visible chats, where it is its id, is that chat. Two requests at once make one.
    """
    if (known := known_chat(user, door, external_id)) is not None:
        return known
    try:
        with transaction.atomic():
            chat = make()
            ChatAlias.objects.create(chat=chat, user=user, door=door, external_id=external_id)
            return chat
    except IntegrityError:
        return get_chat(user, ChatAlias.objects.get(user=user, door=door, external_id=external_id).chat_id)


def known_chat(user: User, door: str, external_id: str) -> Chat | None:
    """The chat of that name, if there is one that the user sees."""
    alias = _aliases.first(user.pk, door, external_id)
    return get_chat(user, alias.chat_id) if alias else _by_id(user, external_id)


_aliases: Compiled[ChatAlias] = Compiled(
    lambda user, door, id: ChatAlias.objects.filter(user_id=user, door=door, external_id=id), UUID, str, str
)


def named_project(user: User, id: UUID | None) -> Project | None:
    """The project that a request names for the chat it makes. Raises NotFound where the user sees none of that id."""
    if id is None:
        return None
    found = find_project(user, id)
    if found is None:
        raise NotFound(fields={"project": ["There is no such project, or you may not see it."]})
    return found


def _by_id(user: User, text: str) -> Chat | None:
    try:
        return find_chat(user, UUID(text))
    except ValueError:
        return None
