"""The thread of Slack that a chat belongs to, in its metadata: `slackThread`. Nothing is sent there by us."""

import re
from typing import Any

from accounts.errors import refuse

KEY = "slackThread"
EXPECTED = "Expected null, a thread's ts, or {channel, ts, url}."
TEXT_MAX_CHARS = 200
FORMS = {
    "channel": re.compile(r"[CGD][A-Z0-9]{2,30}"),
    "ts": re.compile(r"\d{1,12}\.\d{1,6}"),
    "url": re.compile(r"https://[^\s/]+\.slack\.com/\S{1,500}"),
}


def check_thread(metadata: dict[str, Any]) -> None:
    """Raise Invalid where the metadata names a thread that is none. `ts` is what it is known by."""
    value = metadata.get(KEY)
    if value is None or (isinstance(value, str) and len(value) <= TEXT_MAX_CHARS):
        return
    if not isinstance(value, dict) or "ts" not in value:
        raise refuse(f"metadata.{KEY}", EXPECTED)
    for name, each in value.items():
        if name not in FORMS or not isinstance(each, str) or not FORMS[name].fullmatch(each):
            raise refuse(f"metadata.{KEY}.{name}", EXPECTED)
