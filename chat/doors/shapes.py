"""What an address says of an error before any view of it was asked: in the form that its door's clients know."""

from typing import Any

from accounts.errors import RequestError
from chat.doors.openai import errors as openai_errors
from chat.doors.trpc import dialect as trpc

OPENAI = ("/v1/", "/api/llm/")
TRPC = ("/trpc/", "/api/trpc/")
AGENT = "/agent/"


def shaped(path: str, error: RequestError) -> dict[str, Any]:
    """The answer's body; for what is no door's, or a door's that has no form of its own, as REST says it."""
    told = {"code": error.code, "message": error.message, "fields": error.fields}
    if path.startswith(OPENAI):
        return {"error": openai_errors.error(error)}
    if base := next((each for each in TRPC if path.startswith(each)), ""):
        return {"error": trpc.error(error, path.removeprefix(base))}
    return {"detail": error.message, "error": told} if path.startswith(AGENT) else {"error": told}
