"""Feedback and annotations: that there are some, whose, and on which. What they say in words is not shown here."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.feedback.models import Annotation
from chat.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(History):
    list_display = ("id", "rating", "reasons", "message_id", "user", "created_at")
    list_filter = ("rating", "created_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of it, its message or a person), or the beginning of an e-mail address")
    id_fields = ("id", "message_id", "user_id")
    spoken_by = ("id", "message_id")
    raw_id_fields = ("message", "user")
    exclude = ("comment",)  # what people said
    ordering = ("-created_at", "-id")


@admin.register(Annotation)
class AnnotationAdmin(History):
    list_display = ("id", "message_id", "user", "is_detached", "created_at")
    list_filter = ("is_detached", "created_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of it, its message or a person), or the beginning of an e-mail address")
    id_fields = ("id", "message_id", "user_id")
    spoken_by = ("id", "message_id")
    raw_id_fields = ("message", "user")
    exclude = ("quote", "body")  # what people said
    ordering = ("-created_at", "-id")
