"""OpenAI, and everything that speaks its chat completions."""

from agents.providers.openai.entry import ENTRY
from agents.providers.openai.provider import OpenAIProvider

__all__ = ["ENTRY", "OpenAIProvider"]
