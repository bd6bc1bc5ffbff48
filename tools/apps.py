"""Django app: tools."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "tools"

    def ready(self) -> None:
        """Register the system checks, and hand accounts the way out."""
        from tools import checks  # noqa: F401
        from tools.outward.for_accounts import hand_down

        hand_down()
