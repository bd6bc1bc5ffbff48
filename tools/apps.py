"""Django app: tools."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "tools"

    def ready(self) -> None:
        """Register the system checks."""
        from tools import checks  # noqa: F401
