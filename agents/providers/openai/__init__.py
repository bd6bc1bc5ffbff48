"""OpenAI's chat completions, and everything that speaks them."""

from agents.providers.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
