"""The models that may be chosen. Pure: what is configured is handed in."""

from collections.abc import Iterable
from dataclasses import dataclass

DEMO = "demo"

# Tokens a model reads, question and answer together. https://platform.openai.com/docs/models (read November 2026)
CONTEXT_TOKENS = {
    "gpt-4.1": 1_047_576,
    "gpt-4.1-mini": 1_047_576,
    "gpt-4.1-nano": 1_047_576,
    "gpt-4o": 128_000,
    "gpt-4o-mini": 128_000,
    "gpt-4-turbo": 128_000,
}
CONTEXT_TOKENS_ELSE = 128_000  # a guess, for the models of other servers


@dataclass(frozen=True)
class ModelInfo:
    """A model that may be chosen."""

    id: str  # what a chat stores and the provider is asked for
    provider: str  # who answers: openai, or demo where no key is set
    context_tokens: int
    is_context_known: bool  # else context_tokens is a guess

    @property
    def note(self) -> str:
        """What a person who chooses it must know; mostly nothing."""
        if self.provider != DEMO:
            return ""
        return (
            "Rules, not a model." if self.id == DEMO else "No provider key is set: the demo model answers in its place."
        )


def catalog(names: Iterable[str], *, has_key: bool, is_development: bool = False) -> tuple[ModelInfo, ...]:
    """The models of these names, in order and once each, and `demo` in development or where there is no key.

    Without a key, `demo` answers for each of them, and their `provider` and `note` say so.
    """
    unique = dict.fromkeys(name for name in names if name and name != DEMO)
    models = [_info(name, "openai" if has_key else DEMO) for name in unique]
    if is_development or not has_key:
        models.append(_info(DEMO, DEMO))
    return tuple(models)


def _info(name: str, provider: str) -> ModelInfo:
    return ModelInfo(name, provider, CONTEXT_TOKENS.get(name, CONTEXT_TOKENS_ELSE), name in CONTEXT_TOKENS)
