"""Models that have ended or whose end is announced, and what their vendors name in their place.

Sources: https://developers.openai.com/api/docs/deprecations, https://platform.claude.com/docs/en/about-claude/model-deprecations,
https://ai.google.dev/gemini-api/docs/deprecations and litellm 1.110.2, read in November 2026.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """What is known of a model that goes."""

    at: str  # the day from which it is answered for no more
    successor: str  # its vendor's word, or the nearest of those that ship
    context_tokens: int | None = None  # servers elsewhere may still have it


ENDED = {
    "gpt-3.5-turbo": Ended("2026-10-23", "gpt-6.1-terra", 16_385),
    "gpt-4": Ended("2026-10-23", "gpt-6.1-sol", 8_192),
    "gpt-4-turbo": Ended("2026-10-23", "gpt-6.1-sol", 128_000),
    "gpt-4.1-nano": Ended("2026-10-23", "gpt-6-luna", 1_047_576),
    "o1": Ended("2026-10-23", "gpt-6.1-sol", 200_000),
    "o3-mini": Ended("2026-10-23", "gpt-6.1-sol", 200_000),
    "o4-mini": Ended("2026-10-23", "gpt-6.1-terra", 200_000),
    "gpt-5": Ended("2026-12-11", "gpt-6.1-sol", 400_000),
    "gpt-5-mini": Ended("2026-12-11", "gpt-6.1-terra", 400_000),
    "gpt-5-nano": Ended("2026-12-11", "gpt-6-luna", 400_000),
    "o3": Ended("2026-12-11", "gpt-6.1-sol", 200_000),
    "gpt-4o": Ended("2027-01-14", "gpt-6-luna", 128_000),
    "gpt-4o-mini": Ended("2027-01-14", "gpt-6-luna", 128_000),
    "gpt-4.1": Ended("2027-01-14", "gpt-6-luna", 1_047_576),
    "gpt-4.1-mini": Ended("2027-01-14", "gpt-6-luna", 1_047_576),
    "gpt-5.1": Ended("2027-04-01", "gpt-6.1-sol", 400_000),
    "claude-opus-4": Ended("2026-06-15", "claude-opus-5-5"),
    "claude-sonnet-4": Ended("2026-06-15", "claude-sonnet-5-5"),
    "claude-sonnet-4-5": Ended("2026-11-30", "claude-sonnet-5-5"),
    "gemini-2.0-flash": Ended("2026-06-01", "gemini-3.8-flash"),
    "gemini-2.5-flash": Ended("2026-12-01", "gemini-3.5-flash-lite"),
    "gemini-2.5-pro": Ended("2026-12-01", "gemini-3.8-flash"),
    "gemini-3-pro-preview": Ended("2026-03-09", "gemini-3.8-flash"),
    "grok-3": Ended("2026-05-15", "grok-4.3"),
    "grok-4-0709": Ended("2026-05-15", "grok-4.3"),
    "grok-code-fast-1": Ended("2026-05-15", "grok-4.7"),
}
_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


def ended(name: str) -> Ended | None:
    """What is known of a model that goes, also by a name with its date: `gpt-4o-2024-08-06`."""
    return ENDED.get(name) or ENDED.get(_DATED.sub("", name))
