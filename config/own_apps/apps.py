"""Django app: own_apps. The last of all, so that every model and archetype is there when own apps register theirs."""

from django.apps import AppConfig


class OwnAppsConfig(AppConfig):
    name = "config.own_apps"

    def ready(self) -> None:
        """Import each own app's parley.py and urls.py, and register the system check."""
        from config.own_apps import checks, loading  # noqa: F401

        loading.load()
