"""MCP servers of projects, never a token, and their tools: read, compared with what was approved, and approved."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.errors import RequestError
from chat.admin.acting import PERMISSION
from chat.admin.history import History
from chat.admin.interventions import keep
from chat.admin.markup import EMPTY, table, text_block
from chat.services import mcp_servers
from tools.mcp.approving import Terms, changes_of
from tools.models import McpServer, McpSignIn, McpTool, McpToolPolicy

SHOWN = (
    *("offered_as", "server", "name", "state", "policy", "read_only_is_believed", "idempotent_is_believed"),
    *("approved_by", "approved_at", "difference", "approving"),
)


@admin.register(McpServer)
class McpServerAdmin(History):
    list_display = ("name", "project", "state", "error_code", "url", "auth", "protocol", "refreshed_at", "updated_at")
    list_filter = ("state", "auth")
    list_select_related = ("project",)
    search_fields = ("^name", "^project__name", "^url")
    search_help_text = gettext_lazy("An id (of a server or project), or the beginning of a name or an address")
    id_fields = ("id", "project_id")
    heavy_fields = ("discovered", "token", "client_secret", "authority")
    spoken_by = ("name",)
    exclude = ("token", "discovered", "client_secret", "authority")
    ordering = ("-created_at", "-id")

    @admin.display(description=gettext_lazy("error code"))
    def error_code(self, row: McpServer) -> str:
        """Of the newest refresh, where it failed."""
        return str((row.error or {}).get("code", ""))


@admin.register(McpSignIn)
class McpSignInAdmin(History):
    """Who is signed in where, never with what."""

    list_display = ("server", "user", "issuer", "scope", "expires_at", "renewing_until", "created_at")
    list_select_related = ("server", "user")
    search_fields = ("^user__email", "^server__name")
    search_help_text = gettext_lazy("An id (of a sign-in, server or person), or the beginning of an e-mail or name")
    id_fields = ("id", "server_id", "user_id")
    heavy_fields = ("access_token", "refresh_token")
    exclude = ("access_token", "refresh_token")
    spoken_by = ("server", "user")
    ordering = ("-created_at", "-id")


class ApprovalForm(forms.Form):
    """What was read, and on what terms it is approved."""

    digest = forms.CharField(widget=forms.HiddenInput)
    policy = forms.ChoiceField(label=gettext_lazy("policy"), choices=McpToolPolicy.choices)
    read_only_is_believed = forms.BooleanField(
        label=gettext_lazy("It only reads, as it says (readOnlyHint)"), required=False
    )
    idempotent_is_believed = forms.BooleanField(
        label=gettext_lazy("A second call changes nothing more, as it says (idempotentHint)"), required=False
    )


@admin.register(McpTool)
class McpToolAdmin(History):
    list_display = ("offered_as", "server", "state", "policy", "approved_by", "approved_at", "updated_at", "approving")
    list_filter = ("state", "policy")
    list_select_related = ("server", "approved_by")
    search_fields = ("^offered_as", "^name")
    search_help_text = gettext_lazy("An id (of a tool or server), or the beginning of a tool's name")
    id_fields = ("id", "server_id")
    heavy_fields = ("description", "schema", "annotations", "approved")
    spoken_by = ("offered_as",)
    ordering = ("-updated_at", "-id")
    fields = SHOWN

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the page that approves a tool."""
        page = self.admin_site.admin_view(self.approve)
        return [path("<uuid:id>/approve/", page, name="tools_mcptool_approve"), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All of them."""
        return SHOWN

    @admin.display(description=gettext_lazy("what it says of itself, and said when it was approved"))
    def difference(self, row: McpTool) -> SafeString:
        """Field by field, where the two differ."""
        return difference_of(row)

    @admin.display(description="")
    def approving(self, row: McpTool) -> SafeString:
        """The way to the page that approves it."""
        address = reverse("admin:tools_mcptool_approve", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, _("Read and approve"))

    def approve(self, request: HttpRequest, id: UUID) -> HttpResponse:
        """Show it whole; then approve just that, logged."""
        if not request.user.has_perm(PERMISSION) or not self.has_view_permission(request):
            raise PermissionDenied
        row = McpTool.objects.select_related("server").filter(pk=id).first()
        if row is None:
            raise Http404
        form = ApprovalForm(request.POST or None, initial={"digest": row.digest})
        if request.method == "POST" and form.is_valid():
            page = "change" if self._approved(request, id, form) else "approve"  # anew, as it is by now
            return HttpResponseRedirect(reverse(f"admin:tools_mcptool_{page}", args=[id]))
        context = {"title": _("Read and approve"), "row": row, "form": form, "difference": difference_of(row)}
        shown = {**self.admin_site.each_context(request), **context, "opts": self.opts}
        return TemplateResponse(request, "admin/tools/mcptool/approve.html", shown)

    def _approved(self, request: HttpRequest, id: UUID, form: ApprovalForm) -> bool:
        given = dict(form.cleaned_data)
        digest, by = given.pop("digest"), request.user
        try:
            with transaction.atomic():
                row = McpTool.objects.select_for_update(of=("self",)).get(pk=id)
                mcp_servers.approved_by(by, row, digest, Terms(**given), audit.operator(by))  # type: ignore[arg-type]  # staff, so a User
                keep(request, row, f"Approved as {row.policy}, digest {digest[:12]}")
        except RequestError as error:
            words = " ".join([error.message, *(text for texts in error.fields.values() for text in texts)])
            self.message_user(request, words, messages.ERROR)
            return False
        self.message_user(request, _("The tool is approved as it was read."), messages.SUCCESS)
        return True


def difference_of(row: McpTool) -> SafeString:
    """Field by field, what it says of itself that it did not say when it was approved."""
    found = [(each.field, text_block(each.before), text_block(each.after)) for each in changes_of(row)]
    return table([_("Field"), _("As it was approved"), _("As it is")], found) if found else format_html("{}", EMPTY)
