"""Which rows are where, if there are databases of others (DATABASES_EXTRA): nothing of ours is in those.

That rows of two databases are not related is Django's own rule.
"""

from typing import Any

from django.conf import settings


class ExtraRouter:
    """Keeps our tables out of others' databases. Who means a row there says so: `Order.objects.using("shop")`."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """No, for a database of others; nothing said of ours."""
        return False if db in settings.DATABASES_EXTRA else None
