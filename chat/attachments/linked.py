"""Images that a message names by an https address: fetched once, when a run begins to read them, and kept.

The address never goes to a model's server. Whatever is asked goes through the one way out (tools.outward), each hop of
a redirect by itself. What the gate refuses, what is not there and what is no image is marked in its message with a
sentence that says why, so that nobody tries it again. What may be over in a moment is tried again with each run, and
marked only once the message is older than OPEN. An image that was fetched stays marked as somebody else's (`linked`).
Sync.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.errors import RequestError
from chat.attachments import kinds, taking, using
from chat.bus import notices
from chat.models import AttachmentType, Message
from tools.errors import OutwardError
from tools.outward import fetch
from tools.pictures import named

REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_MAX = 3
NAME_MAX_CHARS = 100
Files = list[dict[str, Any]]
Found = bytes | str  # an image, or in a sentence why there is none
OPEN = timedelta(hours=1)  # after the message
PASSING = ("timeout", "unreachable", "bad_answer")  # codes of OutwardError, also of a name that is not known just now
PASSING_STATUSES = (408, 425, 429)  # and those of 500 and more


class Outage(str):
    """Why there is none just now."""


def is_link(file: dict[str, Any]) -> bool:
    """Whether it is an image that is still to be fetched."""
    url = file.get("url")
    is_known = file.get("unreadable") or not isinstance(url, str)
    return file.get("type") == "image" and not is_known and not str(url).startswith("data:")


def kept(message_id: UUID, files: Files, timeout_s: float) -> Files:
    """The message's files with their images fetched, as its row says them from now on.

    All are fetched at once, and in so many seconds. Where we cannot keep one now, it is tried again later.
    """
    message = Message.objects.select_related("chat", "author").filter(pk=message_id).first()
    if message is None or message.chat is None:
        return files
    urls = list(dict.fromkeys(each["url"] for each in files if is_link(each)))
    found = asyncio.run(fetched(urls, timeout_s))
    said = {url: _said(message, url, each) for url, each in found.items()}
    told = {url: each for url, each in said.items() if each}
    return _written(message_id, told) if told else files


async def fetched(urls: Iterable[str], timeout_s: float) -> dict[str, Found]:
    """Each address with its image."""
    urls = list(urls)
    return dict(zip(urls, await asyncio.gather(*(_fetched(url, timeout_s) for url in urls)), strict=True))


async def _fetched(url: str, timeout_s: float) -> Found:
    try:
        async with asyncio.timeout(timeout_s):
            data = await _body(url, timeout_s)
    except OutwardError as error:
        return Outage(error) if error.code in PASSING else str(error)
    except TimeoutError:
        return Outage(f"{urlsplit(url).hostname} did not answer in time.")
    if isinstance(data, str):
        return data
    found = kinds.kind_of(data)
    if found.type == AttachmentType.IMAGE and not found.fault:
        return data
    return f"At this address is {named(data)}."


async def _body(url: str, timeout_s: float) -> Found:
    """What is at the address, or where it leads to. Raises OutwardError."""
    for _ in range(REDIRECTS_MAX + 1):
        answer = await fetch(
            url, headers={"Accept": "image/*"}, max_bytes=settings.ATTACHMENT_MAX_BYTES, timeout_s=timeout_s
        )
        if answer.status not in REDIRECTS:
            return answer.body if answer.status == 200 else _not_there(url, answer.status)
        url = _next(url, answer.headers.get("Location", ""))
        if not url:
            return "It leads on to an address that is not https."
    return f"It leads on more than {REDIRECTS_MAX} times."


def _not_there(url: str, status: int) -> str:
    told = f"{urlsplit(url).hostname} answered with status {status}."
    return Outage(told) if status in PASSING_STATUSES or status >= 500 else told


def _next(url: str, location: str) -> str:
    """Where it leads on to; empty where that is no https address. Whether it may be asked, the gate says."""
    try:
        found = urljoin(url, location)
        return found if urlsplit(found).scheme == "https" else ""
    except ValueError:
        return ""


def _said(message: Message, url: str, found: Found) -> dict[str, Any]:
    """What the row says of it from now on; nothing where that is still open."""
    is_open = timezone.now() - message.created_at < OPEN
    if isinstance(found, str):
        return {} if is_open and isinstance(found, Outage) else {"unreadable": True, "why": str(found)}
    if message.author is None:
        return {"unreadable": True, "why": "Who sent it is not here any more."}
    name = urlsplit(url).path.rpartition("/")[2]
    try:
        row = taking.take(message.author, message.chat.organization_id, _name(name), found, message.chat_id)
    except RequestError as error:
        is_ours = error.status >= 500 or error.status == 429 or (error.code == "attachments_full" and is_open)
        return {} if is_ours else {"unreadable": True, "why": sentence_of(error)}
    return {**using.said_of(row), "linked": True}


def _name(text: str) -> str:
    """Of the file at the address, where that is a name."""
    return text if text.isascii() and text.isprintable() and len(text) <= NAME_MAX_CHARS else ""


def sentence_of(error: RequestError) -> str:
    """Why a file is not taken."""
    return next((each[0] for each in error.fields.values() if each), error.message)


@transaction.atomic
def _written(message_id: UUID, said: dict[str, dict[str, Any]]) -> Files:
    """The files as they are now: what was edited meanwhile stays as it was edited."""
    message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
    message.attachments = [_with(each, said) for each in message.attachments]
    message.save(update_fields=["attachments", "updated_at"])
    using.use_anew(message)
    notices.tell(message.chat_id, changed=[message_id])
    return list(message.attachments)


def _with(file: dict[str, Any], said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    more = said.get(str(file.get("url"))) if is_link(file) else None
    if not more:
        return file
    unseen = {"unseen": file["unseen"]} if "unseen" in file else {}
    named = {"name": file["name"]} if file.get("name") else {}
    return {**more, **named, **unseen} if "id" in more else {**file, **more}
