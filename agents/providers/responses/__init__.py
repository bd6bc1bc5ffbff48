"""OpenAI's Responses API: what its present models are asked by, as chat completions refuses them tools."""

from agents.providers.responses.provider import ResponsesProvider

__all__ = ["ResponsesProvider"]
