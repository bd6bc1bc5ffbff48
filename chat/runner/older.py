"""Whether processes of an older version are up, which cannot read what is new in events. Sync."""

import time
from datetime import timedelta

from chat.models import Process
from chat.runner.lease import clock

FIELDS = "result.attachments"  # in the row of a process that reads them: see chat.runner.kinds.known
EARLIER = (
    "reply.state",
    "approval.digest",
    "citation.added",
    "context.compacted",
    "run.command",
    "message.indexed",
    "approval.forms",
)  # what processes of the version before look for: they need not take this one for older
UP_S = 30.0  # a process whose row is older is down
AGAIN_S = 5.0  # between two looks while some are; once none is, an upgrade is over, and nobody looks any more


class _Seen:
    """What this process saw last."""

    is_over = False
    looked_at = 0.0


def are_up() -> bool:
    """As of now, or of a few seconds ago."""
    now = time.monotonic()
    if not _Seen.is_over and now - _Seen.looked_at >= AGAIN_S:
        up = Process.objects.filter(seen_at__gte=clock() - timedelta(seconds=UP_S))
        _Seen.is_over, _Seen.looked_at = not up.exclude(kinds__contains=f" {FIELDS} ").exists(), now
    return not _Seen.is_over
