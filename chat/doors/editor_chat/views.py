"""The editorChat door: a POST starts a run and streams it, a GET attaches."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from accounts.authentication import authenticate
from accounts.db import db
from accounts.http.parsing import read_json
from accounts.http.queries import whole_number
from accounts.models import User
from chat.access import get_chat
from chat.doors import sse, starting
from chat.doors.editor_chat import dialect as editor_chat
from chat.doors.editor_chat import records as editor_chat_records
from chat.doors.errors import in_words
from chat.doors.reading import LAST, Reader, place, streamed, to_end
from chat.doors.views import door
from chat.doors.whole import whole
from chat.eventlog.rows import event_at
from chat.models import OPEN, Chat
from chat.serving.event_stream import EventStream

TEST_EVENTS, TEST_EVENTS_MAX = 3, 20
TEST_GAP_S = 0.5


@door("GET", "POST", starts_runs=True)
async def stream(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    """POST: store a message and stream its answer. GET: stream the run in flight, or just over, else 204."""
    if request.method == "POST":
        return await _post(request, chat_id)
    reader = await db(_attach, request, chat_id)
    if reader is None:
        return HttpResponse(status=204)
    return await streamed(request, reader, editor_chat.Encoder(reader.info, named=True))


@door("GET")
async def test_sse(request: HttpRequest) -> HttpResponseBase:
    """A stream that anyone may read, to see whether anything on the way buffers: one event a half second.

    `?events=` says how many. Each tells the HTTP version that the server was asked in, which a proxy may have changed.
    """
    asked = whole_number(request.GET.get("events"), 0, 999)
    count = TEST_EVENTS if asked is None else min(max(1, asked), TEST_EVENTS_MAX)
    http = str(getattr(request, "scope", {}).get("http_version", ""))
    return EventStream(request, _test_frames(count, http))


async def _test_frames(count: int, http: str) -> AsyncGenerator[bytes, None]:
    yield sse.OK
    for number in range(1, count + 1):
        yield sse.ascii_frame({"type": "test", "number": number, "of": count, "http": http})
        if number < count:
            await asyncio.sleep(TEST_GAP_S)
    yield editor_chat.DONE


async def _post(request: HttpRequest, chat_id: UUID) -> HttpResponseBase:
    reader, is_streamed = await db(_start, request, chat_id)
    if is_streamed:
        return await streamed(request, reader, editor_chat.Encoder(reader.info, named=False))
    await to_end(reader)
    return await whole(editor_chat_records.answer, reader.run)


def _start(request: HttpRequest, chat_id: UUID) -> tuple[Reader, bool]:
    user = authenticate(request)
    chat = get_chat(user, chat_id, "write")
    body = read_json(request)
    asked, is_streamed = editor_chat.parse(body), editor_chat.wants_stream(body)
    with in_words(editor_chat.WORDS):
        _, reader = starting.start(request, user, lambda: chat, asked)
    return reader, is_streamed


def _attach(request: HttpRequest, chat_id: UUID) -> Reader | None:
    user = authenticate(request, chat_id=chat_id)
    chat = get_chat(user, chat_id)
    after = place(request)
    if after is not None and (named := chat.runs.answers().filter(pk=after.run).first()):
        return None if isinstance(event_at(after), LAST) else Reader(user, named, after)
    return _current(user, chat)


def _current(user: User, chat: Chat) -> Reader | None:
    """The chat's open run, or the one that ended within CHAT_REPLAY_S."""
    recent = timezone.now() - timedelta(seconds=settings.CHAT_REPLAY_S)
    run = chat.runs.answers().filter(status__in=OPEN).order_by("position").first()
    run = run or chat.runs.answers().filter(ended_at__gte=recent).order_by("-ended_at").first()
    return Reader(user, run) if run else None
