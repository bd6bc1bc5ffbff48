"""Django app: chat."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Register the system checks, what a process does beside its runs, and what accounts sets off in here."""
        from accounts.organizations import services as organizations
        from chat import checks  # noqa: F401
        from chat.metering import budgets
        from chat.ops import chores
        from chat.runner import runner
        from chat.services import erasing

        runner.also.append(chores.run)
        organizations.AT_BEGINNING.append(budgets.begin)
        erasing.watch()
