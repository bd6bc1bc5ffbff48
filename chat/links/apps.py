"""Django app: links to chats."""

from django.apps import AppConfig


class LinksConfig(AppConfig):
    name = "chat.links"
    label = "chat_links"
    verbose_name = "Links to chats"

    def ready(self) -> None:
        """What has ended is removed with what else has expired."""
        from accounts.cleanup import Kind
        from chat.links.models import ended
        from chat.ops import cleanup

        cleanup.EXPIRED.append(Kind("links to chats", ended))
