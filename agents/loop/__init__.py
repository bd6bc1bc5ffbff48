"""The agent loop: ask the model, run the tools it asks for, ask again."""

from agents.loop.agent import Agent, model_of

__all__ = ["Agent", "model_of"]
