"""Django app: what people say of messages, beside answering them."""

from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "chat.feedback"
    label = "chat_feedback"
    verbose_name = "Feedback"
