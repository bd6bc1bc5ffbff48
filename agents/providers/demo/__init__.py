"""Rules instead of a model, for a first look without a key."""

from agents.providers.demo.provider import DemoProvider

__all__ = ["DemoProvider"]
