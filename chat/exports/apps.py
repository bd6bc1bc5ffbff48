"""Django app: chat.exports."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "chat.exports"
    label = "chat_exports"
    verbose_name = "exports"

    def ready(self) -> None:
        """The chore that writes them stands above chores, and is handed down."""
        from chat.exports import working
        from chat.ops.chores import table

        table.write_exports.fill(working.Working)
        table.has_exports.fill(working.has_work)
