"""Django app: chat_search."""

from django.apps import AppConfig


class ChatSearchConfig(AppConfig):
    name = "chat.search"
    label = "chat_search"
    verbose_name = "Search"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """From now on a message that says something else is found by that, and by nothing that it said before."""
        from chat.metering import gauges
        from chat.search import checks, indexing  # noqa: F401

        indexing.watch()
        told = "How long the oldest message has waited that is not found yet."
        gauges.of_installation("parley_search_lag_seconds", told, lambda: [({}, indexing.lag_s())])
