"""Comments on answers: that there are some, whose, and on which. What they say is shown with the chat, not here."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(History):
    list_display = ("id", "message_id", "user", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    search_help_text = _("An id (of it, its message or a person), or the beginning of an e-mail address")
    id_fields = ("id", "message_id", "user_id")
    spoken_by = ("id", "message_id")
    raw_id_fields = ("message", "user")
    exclude = ("comment",)  # what people said
    ordering = ("-created_at", "-id")
