"""From a request of the Responses API to its run: which chat it is for, what it follows, who answers. Sync."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from msgspec.structs import replace

from accounts.errors import NotFound, refuse
from accounts.models import Project, User
from agents.options import RunOptions
from chat.access import get_answer, get_chat
from chat.doors import starting
from chat.doors.openai import names as openai_models
from chat.doors.openai.responses import items as responses_items
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.openai.responses.dialect.ids import CONVERSATION, RESPONSE, read_id
from chat.doors.openai.responses.dialect.request import Asked
from chat.models import Chat, MessageStatus, Run
from chat.run_request import IfBusy, RunRequest
from chat.runner import older
from chat.services import rules
from chat.services.chats import fork_chat
from chat.services.runs import start_run

NOBODY: frozenset[UUID] = frozenset()
TEMPERATURE = 1.0  # said of a response for which nobody chose one; none is sent


@dataclass(frozen=True)
class Place:
    """Where a turn goes."""

    make: Callable[[], Chat]  # finds or makes the chat; runs in the transaction that starts the run
    source: Chat | None = None  # what is continued
    parent: UUID | Any = "leaf"
    if_busy: IfBusy = "enqueue"
    is_conversation: bool = False


def begin(user: User, asked: Asked, *, known: frozenset[UUID] = NOBODY, project: Project | None = None) -> Run:
    """Start the run, in a chat of the project where one is made.

    `known`: runs that are not stored, but known to the connection that asks.
    """
    place = _place(user, asked, known, project)
    ask = _request(user, asked, place, known)
    with responses_items.called("input"):
        return start_run(user=user, chat=place.make(), ask=ask)


def stored_run(user: User, id: str, *, needs: Any = "read") -> Run:
    """The run of a response that can be asked for by its id. Raises NotFound."""
    run = _run(user, id, NOBODY, needs)
    if run is None:
        raise NotFound("There is no such response.")
    return run


def conversation(user: User, id: str, *, needs: Any = "read") -> Chat:
    """The chat of a conversation. Raises NotFound."""
    uuid = read_id(id, CONVERSATION)
    if uuid is None:
        raise NotFound("There is no such conversation.")
    chat = get_chat(user, uuid, needs)
    if chat.expires_at is not None and chat.expires_at < timezone.now():
        raise NotFound("There is no such conversation.")
    return chat


def _run(user: User, id: str, known: frozenset[UUID], needs: Any) -> Run | None:
    """The run of that response; None where it is unknown, deleted, or not stored and not of this connection."""
    uuid = read_id(id, RESPONSE)
    if uuid is None:
        return None
    try:
        run = get_answer(user, uuid, needs)
    except NotFound:
        return None
    is_kept = run.request.get("store", True) or run.pk in known
    return run if is_kept and run.answer.status != MessageStatus.DELETED else None


def _place(user: User, asked: Asked, known: frozenset[UUID], project: Project | None) -> Place:
    if asked.conversation:
        chat = conversation(user, asked.conversation, needs="write")
        return Place(lambda: chat, chat, if_busy="reject", is_conversation=True)
    if asked.previous:
        return _after(user, asked, known)
    return Place(lambda: _new_chat(user, asked, project))


def _after(user: User, asked: Asked, known: frozenset[UUID]) -> Place:
    """Behind the previous response: in its chat, or in a copy where one of the two is stored and the other not."""
    previous = _run(user, asked.previous, known, "write")
    if previous is None:
        raise NotFound(
            "There is no such previous response.",
            code="previous_response_not_found",
            fields={"previous_response_id": ["Send the id of a response that is stored."]},
        )
    chat = previous.asked_in
    if (chat.expires_at is None) == asked.is_stored:
        return Place(lambda: chat, chat, parent=previous.answer.pk)
    return Place(lambda: _copy(user, previous, asked), chat)


def _new_chat(user: User, asked: Asked, project: Project | None) -> Chat:
    archetype, model = openai_models.resolve(asked.model)
    choices: dict[str, Any] = {"archetype": archetype}
    if model is not None:
        choices["model"] = model
    return starting.make_chat(user, door=responses.NAME, project=project, lives_s=_lives_s(asked), **choices)


def _copy(user: User, previous: Run, asked: Asked) -> Chat:
    copy = fork_chat(user=user, chat=previous.asked_in, message=previous.answer.pk)
    copy.origin, copy.is_listed = responses.NAME, False
    lives_s = _lives_s(asked)
    copy.expires_at = timezone.now() + timedelta(seconds=lives_s) if lives_s else None
    copy.save(update_fields=["origin", "is_listed", "expires_at"])
    return copy


def _lives_s(asked: Asked) -> int:
    return 0 if asked.is_stored else int(settings.CHAT_UNSTORED_S)


def _request(user: User, asked: Asked, place: Place, known: frozenset[UUID]) -> RunRequest:
    archetype, model = openai_models.resolve(asked.model)
    _check_tools(archetype, asked)
    chosen = place.source.temperature if place.source else None
    temperature = chosen if asked.temperature is None else asked.temperature
    items = responses_items.found(user, asked.entries, place.source, known)
    if not items:
        raise refuse("input", "Expected something to answer besides reasoning.")
    id = f"{CONVERSATION}{place.source.pk}" if place.source and place.is_conversation else None
    return RunRequest(
        items=items,
        parent=place.parent,
        model=model,
        temperature=temperature,
        effort=asked.effort,
        archetype=archetype,
        if_busy=place.if_busy,
        door=responses.NAME,
        options=_options(asked.options),
        request={
            **asked.echo,
            "temperature": TEMPERATURE if temperature is None else temperature,
            "conversation": {"id": id} if id else None,
            "items": len(items),
        },
    )


def _options(options: RunOptions) -> RunOptions:
    """The options; those of a request that older processes could not read without what they do not know."""
    return replace(options, compact_at=None) if options.compact_at is not None and older.are_up() else options


def _check_tools(archetype: str, asked: Asked) -> None:
    """What a client brings must not meet what the agent has of its own."""
    rules.check_client_tools(archetype, asked.options.tools)
    if asked.echo.get("max_tool_calls") and archetype != openai_models.BARE:
        raise refuse("max_tool_calls", "Leave it out: an agent's own limits hold.")
