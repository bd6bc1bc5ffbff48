"""Django app: what was sent."""

from django.apps import AppConfig


class SentConfig(AppConfig):
    name = "chat.sent"
    label = "chat_sent"
    verbose_name = "What was sent"
