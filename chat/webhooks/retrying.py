"""When a delivery is tried again. Pure."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

HOUR_S = 3600
# From one try to the next: the first is at once, and after the tenth it is given up, some three days later.
DELAYS_S = (5, 300, 1800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S)
JITTER = 0.1  # of the delay, more or less: what failed together is not tried together
RETRY_AFTER_MAX_S = 24 * HOUR_S


def next_try(tries: int, now: datetime, headers: Mapping[str, str]) -> datetime | None:
    """When it is tried again that has failed so many times; None: never. A Retry-After puts it off for longer."""
    if tries > len(DELAYS_S):
        return None
    delay_s = DELAYS_S[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return now + timedelta(seconds=max(delay_s, _asked_s(headers.get("Retry-After", ""), now)))


def _asked_s(text: str, now: datetime) -> float:
    """The seconds that a Retry-After asks for, which may be a date; 0 for none."""
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_MAX_S)
    try:
        at = parsedate_to_datetime(text[:100])
        wait_s = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, in some of the ways of being none
        return 0
    return min(max(wait_s, 0), RETRY_AFTER_MAX_S)
