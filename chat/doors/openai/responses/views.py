"""The Responses door over HTTP: start, read, stop and delete a response."""

import asyncio
import contextlib
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import refuse
from accounts.http.parsing import read_json
from accounts.models import User
from agents.options import RunOptions
from chat import audience
from chat.doors import starting
from chat.doors.openai.lists import page
from chat.doors.openai.projects import project_of
from chat.doors.openai.responses import items as responses_items
from chat.doors.openai.responses import turns as responses_turns
from chat.doors.openai.responses.compaction import compacted
from chat.doors.openai.responses.dialect import encoder as responses
from chat.doors.openai.responses.dialect import request as responses_request
from chat.doors.openai.responses.dialect.ids import COMPACTION, RESPONSE
from chat.doors.openai.responses.dialect.items import items_of
from chat.doors.openai.responses.places import check_place, starting_after
from chat.doors.reading import NotYet, Reader, frames, streamed, to_end
from chat.doors.views import door
from chat.doors.whole import whole
from chat.eventlog import rows
from chat.models import Message, Run
from chat.run_request import Item
from chat.services.chats import delete_chat
from chat.services.messages import delete_message
from chat.services.runs import cancel_run

CANCEL_WAIT_S = 5.0
COMPACT = (
    "Write down, for yourself, what matters of the conversation so far: facts, names, numbers, decisions, open tasks "
    "and what the user wants. Answer with that summary only."
)


@dataclass(frozen=True)
class Started:
    """A run that was just started, and how its client wants to hear of it."""

    reader: Reader
    is_streamed: bool = False
    in_background: bool = False


@door("POST", starts_runs=True)
async def create(request: HttpRequest) -> HttpResponseBase:
    """Start a response: its stream, its state at once (in the background), or the whole of it."""
    return await answer(request, await db(_create, request))


@door("POST", starts_runs=True)
async def compact(request: HttpRequest) -> HttpResponse:
    """A conversation made short: one opaque item, of what the user said and what the model noted down."""
    reader = await db(_compact, request)
    encoder = await _collected(reader)
    if encoder.end is None:
        raise NotYet("The conversation was not compacted in time.")
    return await db(_compaction, reader.user, encoder, reader.run)


@door("GET", "DELETE")
async def one(request: HttpRequest, response_id: str) -> HttpResponseBase:
    """GET: the response as it is now, or with `?stream=true` its events. DELETE: delete it."""
    if request.method == "DELETE":
        return await whole(_delete, request, response_id)
    if not _wants_stream(request):
        return await whole(_get, request, response_id)
    reader, after = await db(_attach, request, response_id)
    return await streamed(request, reader, responses.Encoder(reader.info, after=after))


@door("POST")
async def cancel(request: HttpRequest, response_id: str) -> HttpResponse:
    """Stop a response; it is answered once it has ended."""
    reader = await db(_cancel, request, response_id)
    return JsonResponse((await _collected(reader, CANCEL_WAIT_S)).resource())


@door("GET")
async def input_items(request: HttpRequest, response_id: str) -> HttpResponse:
    """The items that the response answers."""
    return await whole(_input_items, request, response_id)


async def answer(request: HttpRequest, started: Started) -> HttpResponseBase:
    """What is answered to who has started a run."""
    if started.is_streamed:
        return await streamed(request, started.reader, responses.Encoder(started.reader.info))
    if started.in_background:
        return JsonResponse((await db(replayed, started.reader.run)).resource())
    return JsonResponse((await _collected(started.reader)).resource())


def replayed(run: Run) -> responses.Encoder:
    """An encoder that has seen what is stored of the run. Sync."""
    encoder = responses.Encoder(Reader(run.user, run).info)
    for event in rows.read(run.pk):
        encoder.encode(run.attempt, 0, event)
    return encoder


async def _collected(reader: Reader, wait_s: float = 0) -> responses.Encoder:
    """An encoder that has seen all of the run: the answer without a stream is the stream, collected."""
    encoder = responses.Encoder(reader.info)
    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(wait_s or settings.CHAT_ANSWER_TIMEOUT_S),
            aclosing(frames(reader, encoder)) as whole,
        ):
            async for _ in whole:
                pass
    if encoder.is_over and encoder.end is None:  # what came was taken back: here nobody has read it
        with contextlib.suppress(NotYet):
            await to_end(reader)
    # As far as it has come: this process is going, or it takes too long.
    return encoder if encoder.end is not None else await db(replayed, reader.run)


def _create(request: HttpRequest) -> Started:
    user = authenticate(request)
    asked = responses_request.parse(read_json(request))
    place = project_of(request, user, asked.model)
    _, reader = starting.start_by(request, user, lambda: responses_turns.begin(user, asked, project=place))
    return Started(reader, asked.is_streamed, asked.in_background)


def _get(request: HttpRequest, id: str) -> dict[str, Any]:
    run = responses_turns.stored_run(authenticate(request), id)
    starting_after(request)  # refused where it is wrong, though only a stream needs it
    return replayed(run).resource()


def _wants_stream(request: HttpRequest) -> bool:
    asked = request.GET.get("stream", "").lower()
    if asked not in ("", "true", "false"):
        raise refuse("stream", "Expected true or false.")
    return asked == "true"


def _attach(request: HttpRequest, id: str) -> tuple[Reader, int]:
    user = authenticate(request)
    run = responses_turns.stored_run(user, id)
    after = starting_after(request)
    reader = Reader(user, run)
    check_place(reader, after)
    return reader, after


def _cancel(request: HttpRequest, id: str) -> Reader:
    user = authenticate(request)
    run = responses_turns.stored_run(user, id, needs="write")
    return Reader(user, cancel_run(user=user, run=run))


def _delete(request: HttpRequest, id: str) -> dict[str, Any]:
    user = authenticate(request)
    run = responses_turns.stored_run(user, id, needs="write")
    chat = run.asked_in
    said = _inputs(run)
    delete_message(user=user, message=run.answer)
    for message in said:
        if message.author_id in (None, user.pk):
            delete_message(user=user, message=message)
    is_rest = chat.messages.exclude(status="deleted").exists()
    if not is_rest and not chat.is_listed and chat.user_id == user.pk:
        delete_chat(user=user, chat=chat)
    return {"id": RESPONSE + str(run.pk), "object": "response", "deleted": True}


def _input_items(request: HttpRequest, id: str) -> dict[str, Any]:
    run = responses_turns.stored_run(authenticate(request), id)
    values = responses_items.values_of(_inputs(run))
    return page(request, [item for each in values for item in items_of(each)])


def _inputs(run: Run) -> list[Message]:
    """The messages that the request brought, oldest first: they were stored together."""
    last, count = run.question.position, run.request.get("items", 1)
    rows = Message.objects.filter(chat=run.chat_id, position__gt=last - count, position__lte=last)
    return list(rows.select_related("chat").order_by("position"))


def _compact(request: HttpRequest) -> Reader:
    """A run that sums up, in a chat that is not kept."""
    user = authenticate(request)
    asked = responses_request.parse_compact(read_json(request))
    instructions = "\n\n".join(filter(None, (asked.options.instructions, COMPACT)))
    summing_up = replace(
        asked,
        entries=(*asked.entries, Item("user", COMPACT)),
        options=RunOptions(instructions=instructions),
        echo={"model": asked.model, "store": False},
    )
    _, reader = starting.start_by(request, user, lambda: responses_turns.begin(user, summing_up))
    return reader


def _compaction(user: User, encoder: responses.Encoder, run: Run) -> HttpResponse:
    response = encoder.resource()
    if response["status"] not in ("completed", "incomplete"):
        told = response["error"] or {"code": "server_error", "message": "The conversation could not be compacted."}
        return JsonResponse({"error": {"type": "server_error", "param": None, **told}}, status=502)
    summary = "".join(part["text"] for item in response["output"] for part in item.get("content", []))
    said = Message.objects.filter(chat=run.chat_id, position__lt=run.question.position, role="user").order_by(
        "position"
    )
    content = compacted(user, list(said), summary, audience.level_now(run.asked_in.pk))
    return JsonResponse(
        {
            "id": RESPONSE + str(run.pk),
            "object": "response.compaction",
            "created_at": response["created_at"],
            "output": [{"type": "compaction", "id": f"{COMPACTION}{run.message_id}", "encrypted_content": content}],
            "usage": response["usage"],
        }
    )
