"""Which admin site `django.contrib.admin.site` is, and in which language its tables are named."""

from django.contrib.admin.apps import AdminConfig


class ParleyAdmin(AdminConfig):
    default_site = "config.admin_site.Site"

    def ready(self) -> None:
        """Find all lists, and name their tables for readers of every language."""
        super().ready()
        from chat.admin import names  # the tables are loaded now
        from config import checks, embedding  # noqa: F401  (they register what they have)

        names.translate()
