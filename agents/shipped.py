"""The models that Parley knows by itself, by tier: two for everybody, five, three more.

Names, windows and prices (US dollars for a million tokens) as of November 2026, from genai-prices 0.2.3 and litellm
1.110.2, checked against the vendors' pages of models and of what ends. None of them has ended or is announced to end.
No fallbacks: nobody's text goes to another vendor unless an operator says so.
"""

from agents.model_info import ModelInfo
from agents.prices import Price, priced, tiered

AS_OF = "2026-11"
# The same words as agents.options.EFFORTS; which of them a model takes its vendor's page says.
_TO_MAX = ("low", "medium", "high", "max")
_FROM_NONE = ("none", *_TO_MAX)
_TO_HIGH = ("low", "medium", "high")
_SEES = frozenset({"tools", "images", "pdf", "reasoning"})  # and takes no temperature


def _price(input: float, cached: float, output: float, *, write: float | None = None) -> Price:
    return priced(input, cached, output, write)


def _openai(id: str, tier: str, efforts: tuple[str, ...], price: Price) -> ModelInfo:
    """https://developers.openai.com/api/docs/models. Beyond 272,000 tokens input costs twice, output 1.5 times."""
    long = Price(
        price.input * 2,
        price.cached * 2,
        price.output * 3 / 2,
        None if price.cache_write is None else price.cache_write * 2,
    )
    whole = tiered(price, (272_000, long))
    return ModelInfo(id, "openai", 1_050_000, True, "", "", 128_000, _SEES, efforts, (), tier, "", whole)


def _anthropic(id: str, tier: str, price: Price) -> ModelInfo:
    """https://platform.claude.com/docs/en/about-claude/models/overview."""
    return ModelInfo(id, "anthropic", 1_000_000, True, "", "", 128_000, _SEES, _TO_MAX, (), tier, "", price)


def _xai(id: str, tier: str, context: int, price: Price) -> ModelInfo:
    """https://docs.x.ai/developers/models. From 200,000 tokens on all costs twice. It names no most of an answer."""
    long = Price(price.input * 2, price.cached * 2, price.output * 2)
    whole = tiered(price, (199_999, long))
    abilities = frozenset({"tools", "images", "reasoning", "sampling"})
    return ModelInfo(id, "xai", context, True, "", "", None, abilities, _TO_HIGH, (), tier, "", whole)


def _gemini(id: str, tier: str, price: Price) -> ModelInfo:
    """https://ai.google.dev/gemini-api/docs/models. By compatibility it takes pictures and audio, and no PDF."""
    abilities = frozenset({"tools", "images", "audio", "reasoning"})
    return ModelInfo(id, "gemini", 1_048_576, True, "", "", 65_536, abilities, _TO_HIGH, (), tier, "", price)


# Haiku costs five times as much where the input has more than 100,000 tokens.
_HAIKU = tiered(_price(0.10, 0.01, 0.50, write=0.125), (100_000, _price(0.50, 0.05, 2.50, write=0.625)))

SHIPPED = (
    _openai("gpt-6-luna", "free", _FROM_NONE, _price(0.10, 0.01, 0.50, write=0.125)),
    _anthropic("claude-haiku-5-5", "free", _HAIKU),
    _openai("gpt-6.1-terra", "pro", _FROM_NONE, _price(1, 0.05, 5, write=1.25)),
    _anthropic("claude-sonnet-5-5", "pro", _price(2, 0.10, 10, write=2.50)),
    _gemini("gemini-3.8-flash", "pro", _price(0.75, 0.075, 3.75)),
    _gemini("gemini-3.5-flash-lite", "pro", _price(0.30, 0.03, 2.50)),
    _xai("grok-4.3", "pro", 1_000_000, _price(1.25, 0.20, 2.50)),
    _openai("gpt-6.1-sol", "max", _TO_MAX, _price(2, 0.10, 10, write=2.50)),
    _anthropic("claude-opus-5-5", "max", _price(4, 0.20, 20, write=5)),
    _xai("grok-4.7", "max", 500_000, _price(2, 0.50, 6)),
)
