"""What an answer says of limits on rates. Pure.

`RateLimit-Policy` and `RateLimit` are structured fields (RFC 9651) of draft-ietf-httpapi-ratelimit-headers-11: lists of
limits by name, the tightest first. OpenAI's clients know headers of their own; source: https://platform.openai.com
/docs/guides/rate-limits and openai 3.52.0, which waits for `retry-after-ms`, else `Retry-After` (read 2026-11).
"""

from collections.abc import Sequence

from chat.metering.gcra import US, Standing

MS = 1_000  # microseconds


def of(standings: Sequence[Standing]) -> dict[str, str]:
    """Each limit's quota and window, how many more may come, and in how many seconds all of it may again."""
    ordered = _tightest_first(standings)
    return {
        "RateLimit-Policy": ", ".join(f'"{each.name}";q={each.quota};w={each.window_s}' for each in ordered),
        "RateLimit": ", ".join(f'"{each.name}";r={each.left};t={each.reset_s}' for each in ordered),
    }


def as_openai(standings: Sequence[Standing]) -> dict[str, str]:
    """The tightest limit, which is how many may come at once there; for who was refused, when to come again."""
    tightest = _tightest_first(standings)[0]
    told = {
        "x-ratelimit-limit-requests": str(tightest.burst),
        "x-ratelimit-remaining-requests": str(tightest.left),
        "x-ratelimit-reset-requests": _duration(tightest.reset_us),
    }
    wait_us = max(each.wait_us for each in standings)
    return {**told, "retry-after-ms": str(-(-wait_us // MS))} if wait_us else told


def _tightest_first(standings: Sequence[Standing]) -> list[Standing]:
    """By how many more may come; of who has none left, by how long they wait."""
    return sorted(standings, key=lambda each: (each.left, -each.wait_us))


def _duration(us: int) -> str:
    """As OpenAI writes it: 0s, 120ms, 1.5s, 6m0s."""
    ms, seconds = -(-us // MS), -(-us // US)
    if seconds > 60:
        return f"{seconds // 60}m{seconds % 60}s"
    return f"{ms}ms" if 0 < ms < 1000 else f"{ms / 1000:g}s"
