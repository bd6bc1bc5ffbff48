"""What an installation knows of a provider before there is one. Pure: the settings are handed in, not read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.providers.base import Provider

CONTEXT_TOKENS_ELSE = 128_000  # a guess, for models that nobody has told the context of


@dataclass(frozen=True)
class ModelInfo:
    """A model that may be chosen."""

    id: str  # what a chat stores and the provider is asked for
    provider: str  # the name of who answers
    context_tokens: int = CONTEXT_TOKENS_ELSE  # question and answer together
    is_context_known: bool = False  # else context_tokens is a guess
    note: str = ""  # what a person who chooses it must know; mostly nothing


@dataclass(frozen=True)
class Fault:
    """Settings that the provider cannot work with. It says no value of them: that may be a secret."""

    id: str  # of the system check
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Entry:
    """A line of agents.installation.PROVIDERS. Each function is given the settings."""

    name: str
    is_configured: Callable[[Any], bool]
    address: Callable[[Any], str]  # where it answers, for people
    models: Callable[[Any], tuple[ModelInfo, ...]]
    make: Callable[[Any], Provider]  # once for each event loop, on it
    faults: Callable[[Any], Iterator[Fault]]
