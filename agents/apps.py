"""Django app: agents."""

from importlib import import_module

from django.apps import AppConfig

# What a chat may be given. Nothing is discovered: an archetype that is not here is not there.
ARCHETYPES = (
    "agents.archetypes.generalist",
    "agents.archetypes.model",
    "agents.archetypes.project_navigator",
)


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        """Register the archetypes and the system checks."""
        for module in ARCHETYPES:
            import_module(module)
        from agents import checks  # noqa: F401
