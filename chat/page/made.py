"""What an answer has made besides a text, in lines that lead there: told by what its tools gave."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import reverse

from chat.models import Chat, Message
from chat.page.words import say
from tools.documents.tools import patch_document
from tools.pull_requests import open_pull_request


def made(message: Message, chat: Chat) -> list[dict[str, str]]:
    """The lines under an answer that changed the project's document, or opened a pull request."""
    return [] if chat.project_id is None else [*_document(message, chat), *_pull(message, chat)]


def _document(message: Message, chat: Chat) -> Iterator[dict[str, str]]:
    results = list(_results(message, patch_document.name, {"changed", "version"}))
    if results:
        places = {str(path) for each in results for path in each["changed"]}
        said = say("changedDocument", places=say("places", count=len(places)), version=results[-1]["version"])
        yield {"label": said, "address": reverse("page-document", args=[chat.project_id])}


def _pull(message: Message, chat: Chat) -> Iterator[dict[str, str]]:
    for each in {
        str(found["url"]): found for found in _results(message, open_pull_request.name, {"url", "number"})
    }.values():
        said = say("renewedPull" if each.get("done") == "renewed" else "openedPull", number=each["number"])
        yield {"label": said, "address": _address(str(each["url"]), chat)}


def _address(url: str, chat: Chat) -> str:
    """Where it leads; what came in an imported chat may be any text, and leads to the project's list."""
    pulls = reverse("page-pulls", args=[chat.project_id])
    own = url.removeprefix(settings.PARLEY_PUBLIC_URL)
    return own if own.startswith(pulls) and own.removeprefix(pulls).strip("/").isdecimal() else pulls


def _results(message: Message, name: str, needed: set[str]) -> Iterator[dict[str, Any]]:
    """What the calls of the tool gave that did what they were asked."""
    for part in message.parts:
        result = part.get("result") if part["type"] == "tool_result" and part["name"] == name else None
        if isinstance(result, dict) and needed <= result.keys() and not part.get("is_error"):
            yield result
