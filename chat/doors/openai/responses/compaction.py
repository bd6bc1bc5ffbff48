"""A conversation made short, as its client keeps it: encrypted, and readable here for its person alone. Sync."""

import base64
import json
import zlib
from collections.abc import Iterable
from typing import Any

from django.core import signing

from accounts.errors import refuse
from accounts.models import User
from accounts.secrets import SecretUnreadable, opened, seal
from chat.models import Message

PURPOSE = "compaction"
SIGNED = "parley.responses.compaction"  # the salt of those that earlier versions gave: signed, and not encrypted
EXPECTED = "Expected what POST /responses/compact gave you here, as it is."


def compacted(user: User, said: Iterable[Message], summary: str, level: int) -> str:
    """What the user said, and a summary of it all, as a text that tells nobody anything; `level` is its chat's."""
    kept = {
        "of": _reach(user),
        "said": [{"content": each.content, "attachments": each.attachments} for each in said],
        "summary": summary,
        "level": level,
    }
    return seal(base64.b64encode(zlib.compress(json.dumps(kept).encode())).decode(), PURPOSE)


def read_compaction(user: User, text: str, field: str) -> dict[str, Any]:
    """What `compacted` was given. Raises Invalid for anything else, and for another person's.

    What an API key was given is of its organization, and so for that organization's keys, and for the person as such.
    """
    try:
        kept = json.loads(zlib.decompress(base64.b64decode(opened(text, PURPOSE))))
    except (SecretUnreadable, UnicodeEncodeError):
        return _signed(text, field)
    mine = _reach(user)
    if kept["of"]["user"] != mine["user"] or mine["organization"] not in (None, kept["of"]["organization"]):
        raise refuse(field, EXPECTED)
    return dict(kept)


def _signed(text: str, field: str) -> dict[str, Any]:
    try:
        return dict(signing.loads(text, salt=SIGNED))
    except (signing.BadSignature, UnicodeEncodeError):
        raise refuse(field, EXPECTED) from None


def _reach(user: User) -> dict[str, str | None]:
    return {"user": str(user.pk), "organization": str(user.key.organization_id) if user.key else None}
