"""Links to chats: that there are some, whose, and until when. Where they lead nobody can be told."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.links.models import Link


@admin.register(Link)
class LinkAdmin(History):
    list_display = ("id", "chat_id", "by", "opens_to", "expires_at", "created_at")
    list_filter = ("opens_to", "created_at")
    list_select_related = ("by",)
    search_fields = ("^by__email",)
    search_help_text = _("An id (of a link, its chat or a person), or the beginning of an e-mail address")
    id_fields = ("id", "chat_id", "by_id")
    spoken_by = ("id", "chat_id")
    raw_id_fields = ("chat", "until", "by")
    ordering = ("-created_at", "-id")
