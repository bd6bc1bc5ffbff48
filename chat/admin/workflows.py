"""Workflows: the editor of their drafts, whose errors name the step; what was published, and where chats stand."""

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_lists import Lookups
from accounts.errors import RequestError
from chat.admin.history import History
from chat.admin.policies import ANOTHER_PLACE
from chat.models import Workflow, WorkflowRun, WorkflowVersion
from chat.services import workflows

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[Workflow]
else:
    ModelForm = forms.ModelForm

EMPTY = {"steps": [{"id": "welcome", "name": "Welcome", "prompt": "Greet the person and ask what they need."}]}
ONE_DEFAULT = _("Another workflow is the default there: take that away first.")


class WorkflowForm(ModelForm):
    """A workflow with its newest definition."""

    definition = forms.JSONField(
        label=_("definition"),
        widget=forms.Textarea(attrs={"rows": 30, "cols": 100, "spellcheck": "false"}),
        help_text=_("Saving writes the draft. The action of the list publishes it."),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        newest = workflows.versions_of(self.instance).order_by("-number").first() if self.instance.pk else None
        shown = newest.definition if newest else EMPTY
        self.initial["definition"] = json.loads(json.dumps(shown))
        self.fields["definition"].widget.format_value = _pretty

    def clean_definition(self) -> Any:
        """The definition, if nothing keeps it from being published."""
        value = self.cleaned_data["definition"]
        try:
            workflows.check_draft(value)
        except RequestError as error:
            raise forms.ValidationError(error.message) from None
        if faults := workflows.faults_of(value):
            raise forms.ValidationError([str(each) for each in faults[: workflows.FAULTS_TOLD]])
        return value

    def clean(self) -> dict[str, Any] | None:
        """The values. What is wrong is added to its field."""
        values = super().clean() or {}
        project = values.get("project", self.instance.project)
        organization = values.get("organization") or getattr(self.instance, "organization", None)
        if project is not None and organization is not None and project.organization_id != organization.pk:
            self.add_error("project", ANOTHER_PLACE)
        if values.get("is_default") and not values.get("is_archived") and organization is not None:
            others = Workflow.objects.filter(organization=organization, project=project, is_default=True)
            if others.exclude(pk=self.instance.pk).filter(is_archived=False).exists():
                self.add_error("is_default", ONE_DEFAULT)
        return values


def _pretty(value: Any) -> str:
    """JSON over several lines; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


@admin.register(Workflow)
class WorkflowAdmin(Lookups):
    form = WorkflowForm
    list_display = ("name", "organization", "project", "is_default", "is_archived", "updated_at")
    list_select_related = ("organization", "project")
    list_filter = ("is_default", "is_archived")
    search_fields = ("^name",)
    search_help_text = _("The id of a workflow, an organization or a project, or the beginning of a name")
    id_fields = ("id", "organization_id", "project_id")
    spoken_by = ("name",)
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("organization", "project")
    fields = (
        *("organization", "project", "name", "is_default", "is_archived", "definition"),
        *("created_by", "created_at", "updated_at"),
    )
    actions = ("publish",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Where a workflow holds is not edited, nor who made it."""
        made = ("created_by", "created_at", "updated_at")
        return ("organization", "project", *made) if obj else made

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes one: chats go through its versions. It is archived."""
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Note who made it, and write its draft."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)
        if not change or "definition" in form.changed_data:
            workflows.write_draft(obj, form.cleaned_data["definition"], request.user)  # type: ignore[arg-type]

    @admin.action(description=_("Publish the draft"), permissions=["change"])
    def publish(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        """From now on new chats go through it."""
        for row in chosen[:100]:
            try:
                workflows.publish_workflow(user=request.user, workflow=row)  # type: ignore[arg-type]
            except RequestError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, _("%(name)s is published.") % {"name": row}, messages.SUCCESS)


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(History):
    list_display = ("workflow", "number", "published_at", "created_by", "created_at")
    list_select_related = ("workflow", "created_by")
    list_filter = ("published_at",)
    search_fields = ("^workflow__name",)
    search_help_text = _("The id of a version or a workflow, or the beginning of a workflow's name")
    id_fields = ("id", "workflow_id")
    heavy_fields = ("definition",)
    spoken_by = ("workflow", "number")
    ordering = ("-created_at", "-id")


@admin.register(WorkflowRun)
class WorkflowRunAdmin(History):
    list_display = ("chat_id", "version", "status", "step", "seq", "failures", "created_at", "moved_at", "ended_at")
    list_select_related = ("version",)
    list_filter = ("status", "created_at")
    search_fields = ("=step",)
    search_help_text = _("The id of a chat, a workflow or one of its versions, or a step")
    id_fields = ("id", "chat_id", "version_id", "version__workflow_id")
    spoken_by = ("status", "step")
    exclude = ("answers",)  # which messages they are; who may read those reads them in their chat
    raw_id_fields = ("chat",)
    ordering = ("-created_at", "-id")
