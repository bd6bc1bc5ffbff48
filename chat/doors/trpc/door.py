"""The doors that tRPC's clients speak to: the procedure says which. Any batch may be of both."""

from typing import Any

from django.urls import URLPattern, path

from accounts.errors import RequestError
from chat.doors.door import Door
from chat.doors.editor_chat import dialect as editor_chat
from chat.doors.trpc import dialect, openapi
from chat.doors.trpc.initiate_chat import dialect as initiate_chat
from chat.doors.trpc.server import PROCEDURES, call

BASES = ("/trpc/", "/api/trpc/")
_BATCHES = tuple(path(f"{base[1:]}<str:calls>", call) for base in BASES)


def _urls(start: str) -> tuple[URLPattern, ...]:
    """Each procedure whose name begins so, then the batches."""
    names = [each for each in PROCEDURES if each.startswith(start)]
    return (*(path(base[1:] + each, call, {"calls": each}) for base in BASES for each in names), *_BATCHES)


def _refused(error: RequestError, path: str) -> dict[str, Any]:
    base = next(each for each in BASES if path.startswith(each))
    return {"error": dialect.error(error, path.removeprefix(base))}


EDITOR_CHAT_CALLS = Door(
    "editorChat",
    dialects=(editor_chat.NAME,),
    urls=_urls("editorChat."),
    openapi=(openapi,),
    resume="cursor",
    bases=BASES,
    says=_refused,
)
INITIATE_CHAT = Door(
    "initiateChat",
    dialects=(initiate_chat.NAME,),
    urls=_urls("chat."),
    openapi=(openapi,),
    resume="cursor",
    bases=BASES,
    says=_refused,
)
