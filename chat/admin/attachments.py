"""Attached files: whose, how large and how they are. Names and contents are shown to no operator."""

from typing import Any

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from chat.admin.history import History
from chat.models import Attachment, AttachmentUse


@admin.register(Attachment)
class AttachmentAdmin(History):
    list_display = ("id", "organization", "user", "type", "media_type", "size", "state", "text_state", "created_at")
    list_filter = ("state", "type", "text_state", "created_at")
    list_select_related = ("organization", "user")
    search_fields = ("^organization__name", "^user__email")
    search_help_text = _("An id (of it, its organization or person), or the beginning of a name or an e-mail address")
    id_fields = ("id", "organization_id", "user_id")
    spoken_by = ("id", "type")
    exclude = ("name", "sha256", "text_error")  # what a person called it, and what tells one file from another
    ordering = ("-created_at", "-id")

    @admin.display(description=_("Size"), ordering="bytes")
    def size(self, row: Attachment) -> Any:
        """How large it is, for people."""
        return filesizeformat(row.bytes)


@admin.register(AttachmentUse)
class AttachmentUseAdmin(History):
    is_plumbing = True
    list_display = ("attachment_id", "message_id")
    search_fields = ()
    search_help_text = _("The id of an attachment or a message")
    id_fields = ("attachment_id", "message_id")
    spoken_by = ("id",)
    raw_id_fields = ("attachment", "message")
    ordering = ("-id",)
