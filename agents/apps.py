"""Django app: agents."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        """Register the system checks."""
        from agents import checks  # noqa: F401
