"""Django app: chat."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Register the system checks, and what a process does beside its runs."""
        from chat import checks  # noqa: F401
        from chat.ops import chores
        from chat.runner import runner

        runner.also.append(chores.run)
