"""Django app: chat.webhooks."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "chat.webhooks"
    label = "chat_webhooks"
    verbose_name = "Webhooks"
