"""The server of tRPC's wire: one call or a batch of them, whole or as JSON lines, and subscriptions. See
chat.doors.trpc.dialect for the wire, PROCEDURES for what can be called."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.authentication import authenticate
from accounts.db import AWAY, db
from accounts.db.faults import refusal, unavailable
from accounts.db.races import lost_to
from accounts.errors import Invalid, NotAuthenticated, NotFound, RequestError, refuse
from accounts.http.parsing import parse_object
from accounts.models import User
from accounts.sign_in import keys
from chat.doors.errors import in_words, with_headers
from chat.doors.trpc import dialect as trpc
from chat.doors.trpc import editor_chat
from chat.doors.trpc.initiate_chat import procedures as initiate_chat
from chat.doors.trpc.procedures import Call, Procedure
from chat.doors.views import door
from chat.doors.whole import packed
from chat.metering.answers import Room
from chat.serving.event_stream import EventStream

PROCEDURES: dict[str, Procedure] = {**editor_chat.PROCEDURES, **initiate_chat.PROCEDURES}
METHODS = ("GET", "POST")
DEPTH = 5  # {"result": {"data": [{"messages": [...]}]}}
log = logging.getLogger(__name__)


class WrongMethod(RequestError):
    status = 405
    code = "method_not_allowed"


class Broken(RequestError):
    """Our bug: the log has its trace, the caller learns nothing else."""

    status = 500
    code = "internal_error"
    message = "Something went wrong here. It was logged."


@dataclass(frozen=True)
class Asked:
    """A request: what holds for all of its calls."""

    paths: list[str]
    inputs: list[dict[str, Any]] | RequestError
    user: User | RequestError
    method: str
    key: str | None
    is_batch: bool
    room: Room = field(default_factory=Room)  # for all of its answers


@dataclass(frozen=True)
class Outcome:
    """One call's answer, packed: what it was made of need not stay until the others are there."""

    body: bytes
    refused: RequestError | None = None

    @property
    def status(self) -> int:
        return self.refused.status if self.refused else 200


def _can_run(path: str, method: str) -> bool:
    """Whether there is such a procedure and it takes the method: for anything else no input is looked at."""
    procedure = PROCEDURES.get(path)
    return procedure is not None and procedure.run is not None and procedure.method == method


def _takes_body(method: str, calls: str) -> bool:
    return any(_can_run(path, method) for path in calls.split(",", trpc.BATCH_MAX))


def _starts_runs(calls: str) -> bool:
    named = (PROCEDURES.get(path) for path in calls.split(",", trpc.BATCH_MAX))
    return any(each is not None and each.starts_runs for each in named)


@door(takes_body=_takes_body, starts_runs=_starts_runs)
async def call(request: HttpRequest, calls: str) -> HttpResponseBase:
    """Answer the procedures that the address names: `a.b`, or with `?batch=1` `a.b,c.d`."""
    if request.method == "HEAD":
        return HttpResponse(status=204)  # its clients wake a server so
    is_batch = request.GET.get("batch") == "1"
    procedure = PROCEDURES.get(calls)
    if request.method == "GET" and procedure and procedure.kind == "subscription":
        return await _subscribe(request, calls)
    try:
        asked = await _asked(request, calls, is_batch)
        if not _wants_lines(request):
            return await _whole(asked)
        if not is_batch:
            raise Invalid("JSON lines are for batches: send batch=1.")
    except RequestError as refused:
        return _answer(trpc.packed(trpc_error(refused, calls)), refused.status, [refused])
    return JsonLines(request, _lines(asked))


class JsonLines(EventStream):
    """A stream of JSON lines; all else is as for events."""

    def __init__(self, request: HttpRequest, body: AsyncGenerator[bytes, None]) -> None:
        super().__init__(request, body)
        self["Content-Type"] = "application/json"
        patch_vary_headers(self, ["trpc-accept", "accept"])


async def _asked(request: HttpRequest, calls: str, is_batch: bool) -> Asked:
    paths = trpc.paths(calls, is_batch=is_batch)
    method = request.method or ""
    user: User | RequestError = NotAuthenticated()
    inputs: list[dict[str, Any]] | RequestError = []
    if any(_can_run(path, method) for path in paths):
        try:
            user, inputs = await db(_who_and_what, request, len(paths), is_batch)
        except AWAY as error:
            user = refusal(error)
    return Asked(paths, inputs, user, method, request.headers.get("Idempotency-Key"), is_batch)


def _who_and_what(
    request: HttpRequest, count: int, is_batch: bool
) -> tuple[User | RequestError, list[dict[str, Any]] | RequestError]:
    """Who asks, and only where somebody does, what. Sync."""
    try:
        user = authenticate(request)
    except RequestError as refused:
        return refused, []
    try:
        return user, trpc.inputs(_input(request), count, is_batch=is_batch)
    except RequestError as refused:
        return user, refused


def _input(request: HttpRequest) -> dict[str, Any]:
    """All there is of input: the calls' own are in it, by their numbers, where it is a batch."""
    given = request.body if request.method == "POST" else request.GET.get("input", "").encode(errors="replace")
    return parse_object(given) if given.strip() else {}


def _wants_lines(request: HttpRequest) -> bool:
    accepts = request.headers.get("trpc-accept") or request.headers.get("Accept", "")
    return "application/jsonl" in [each.strip() for each in accepts.split(",")]


async def _whole(asked: Asked) -> HttpResponse:
    outcomes = await asyncio.gather(*(_outcome(asked, index) for index in range(len(asked.paths))))
    body = trpc.whole([each.body for each in outcomes], is_batch=asked.is_batch)
    status = trpc.shared_status([each.status for each in outcomes])
    response = _answer(body, status, [each.refused for each in outcomes if each.refused])
    if status == 405:
        known = [PROCEDURES[path].method for path in asked.paths if path in PROCEDURES]
        response["Allow"] = ", ".join(sorted(set(known)) or METHODS)
    return response


def _answer(body: bytes, status: int, refused: list[RequestError]) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json")
    patch_vary_headers(response, ["trpc-accept", "accept"])
    return with_headers(response, refused[0]) if refused and refused[0].status == status else response


async def _lines(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The head, then each call's answer as soon as it is there."""
    count = len(asked.paths)
    yield trpc.head(count)
    waiting = {asyncio.create_task(_outcome(asked, index)): index for index in range(count)}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            yield b"".join(trpc.line(waiting.pop(each), each.result().body) for each in done)
    finally:
        for each in waiting:
            each.cancel()


async def _outcome(asked: Asked, index: int) -> Outcome:
    """The call's answer; it never raises."""
    path = asked.paths[index]
    try:
        body = await db(packed, trpc.result(await _run(asked, index)), DEPTH)
        asked.room.take(len(body))
        return Outcome(body)
    except RequestError as refused:
        return _refused(refused, path)
    except Exception as error:
        if unavailable(error) is not None:
            return _refused(refusal(error), path)
        if (lost := lost_to(error)) is not None:
            return _refused(lost, path)
        log.exception("%s failed", path)
        return _refused(Broken(), path)


def _refused(error: RequestError, path: str) -> Outcome:
    return Outcome(trpc.packed(trpc_error(error, path)), error)


async def _run(asked: Asked, index: int) -> Any:
    path = asked.paths[index]
    procedure = PROCEDURES.get(path)
    if asked.method not in METHODS:
        raise WrongMethod(f"Send a GET for a query and a POST for a mutation, no {asked.method}.")
    if procedure is None:
        raise NotFound("There is no procedure of that name.")
    if procedure.run is None or procedure.method != asked.method:
        raise WrongMethod(f"{path} is a {procedure.kind}: send a {procedure.method}, and no batch of subscriptions.")
    if isinstance(asked.user, RequestError):
        raise asked.user
    if isinstance(asked.inputs, RequestError):
        raise asked.inputs
    key = asked.key and (f"{asked.key}.{index}" if len(asked.paths) > 1 else asked.key)
    with in_words(editor_chat.WORDS if path.startswith("editorChat.") else initiate_chat.WORDS):
        return await procedure.run(Call(asked.user, path, asked.inputs[index], key))


def trpc_error(refused: RequestError, path: str) -> dict[str, Any]:
    """The whole answer of a call that was refused."""
    return {"error": trpc.error(refused, path)}


async def _subscribe(request: HttpRequest, path: str) -> EventStream:
    """A subscription. What is refused is told in an event too: an EventSource sees neither status nor body."""
    try:
        _take_connection_params(request)
        user = await db(authenticate, request)
        with in_words(initiate_chat.WORDS):
            body = await initiate_chat.stream_response(Call(user, path, _input(request)), _last_id(request))
    except RequestError as refused:
        body = _failed(refused, path)
    except AWAY as error:
        body = _failed(refusal(error), path)
    response = EventStream(request, body)
    patch_vary_headers(response, ["trpc-accept", "accept"])
    return response


async def _failed(refused: RequestError, path: str) -> AsyncGenerator[bytes, None]:
    yield trpc.CONNECTED + trpc.failure(refused, path)


def _last_id(request: HttpRequest) -> str:
    return request.headers.get("Last-Event-ID") or request.GET.get("lastEventId", "")


def _take_connection_params(request: HttpRequest) -> None:
    """A browser's EventSource can set no header: `connectionParams={"token": ...}` in the address stands for it."""
    given = request.GET.get("connectionParams", "")
    if not given or "HTTP_AUTHORIZATION" in request.META:
        return
    try:
        params = json.loads(given)
    except (ValueError, RecursionError):
        params = ""
    if params is None:
        return  # a client that has none says null
    token = params.get("token") if isinstance(params, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        expected = 'Expected {"token": "..."} as JSON.'
        raise refuse("connectionParams", expected)
    if token.startswith(keys.PREFIX):
        raise NotAuthenticated("An API key comes as `Authorization: Bearer` only, never in an address.")
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    request.__dict__.pop("headers", None)  # Django has worked them out before
