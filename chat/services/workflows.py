"""Workflows: making, changing, publishing and archiving them. Reading needs read where they hold, the rest admin. Sync.

A draft may have faults; what is published has none, and stays as it is.
"""

import json
import logging
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.counts import require_room
from accounts.errors import Conflict, Invalid, NotFound, refuse
from accounts.models import Organization, User
from accounts.permissions import Permission, permissions_in, require
from agents.archetypes import registry
from agents.workflows import definition as definitions
from agents.workflows.checking import NAME_MAX, Fault, checked
from chat.models import Workflow, WorkflowVersion
from chat.models.workflows import WorkflowQuerySet, WorkflowVersionQuerySet
from chat.services import rules
from chat.services.policies import place, place_of, project_of

log = logging.getLogger(__name__)

FAULTS_TOLD = 20


def workflows_of(user: User, organization: UUID | None, project: UUID | None) -> WorkflowQuerySet:
    """Those that the user sees and that are not archived: all, or of one organization or project. Raises NotFound."""
    rows = Workflow.objects.visible_to(user).filter(is_archived=False)
    if organization is not None:
        rows = rows.filter(organization=place(user, organization))
    if project is not None:
        rows = rows.filter(project=project_of(user, project))
    return rows


def get_workflow(user: User, id: UUID, needs: Permission = "read") -> Workflow:
    """The workflow, if the user may do this where it holds. Raises NotFound, NotAllowed."""
    found = Workflow.objects.visible_to(user).filter(pk=id).first()
    if found is None:
        raise NotFound
    require(permissions_in(user, organization=found.organization_id, project=found.project_id), needs)
    return found


def versions_of(workflow: Workflow) -> WorkflowVersionQuerySet:
    """All its versions."""
    return WorkflowVersion.objects.filter(workflow=workflow)


def newest_published(workflow: Workflow) -> WorkflowVersion | None:
    """The version that new chats go through."""
    return versions_of(workflow).published().order_by("-number").first()


@transaction.atomic
def create_workflow(
    *, user: User, name: str, definition: Any, organization: UUID | None = None, project: UUID | None = None,
    is_default: bool = False,
) -> Workflow:  # fmt: skip
    """Make one, of an organization or of one of its projects, with its first draft."""
    where, inside = place_of(user, organization, project)
    require(permissions_in(user, organization=where, project=inside), "admin")
    there = Workflow.objects.filter(organization=where, project=inside)
    require_room(there, "WORKFLOWS_MAX", "workflows", "project" if inside else "organization")
    made = Workflow(organization=where, project=inside, name=_name(name), created_by=user)
    check_draft(definition)
    if is_default:
        _lock_defaults(where.pk)
    made.save(force_insert=True)
    _set_default(made, is_default)
    WorkflowVersion.objects.create(workflow=made, number=1, definition=definition, created_by=user)
    log.info("workflow %s made by %s", made.pk, user.pk)
    return made


@transaction.atomic
def change_workflow(
    *, user: User, workflow: Workflow, definition: Any, name: str | None = None, is_default: bool | None = None
) -> Workflow:
    """Write its draft anew; where the newest version is published, a new one. Of one from `get_workflow`."""
    if is_default:
        _lock_defaults(workflow.organization_id)  # before its row, which another may be about to make none any more
    row = _locked(workflow)
    if row.is_archived:
        raise Conflict("The workflow is archived.", code="workflow_archived")
    check_draft(definition)
    if name is not None:
        row.name = _name(name)
        row.save(update_fields=["name", "updated_at"])
    if is_default is not None:
        _set_default(row, is_default)
    write_draft(row, definition, user)
    return row


def write_draft(workflow: Workflow, definition: Any, user: User | None) -> WorkflowVersion:
    """Store the draft: in place of the one that is there, else as the next version. In a transaction."""
    drafts = versions_of(workflow).filter(published_at__isnull=True)
    if drafts.update(definition=definition, created_by=user):
        return drafts.get()
    require_room(versions_of(workflow), "WORKFLOW_VERSIONS_MAX", "versions", "workflow")
    last = versions_of(workflow).aggregate(last=Max("number"))["last"] or 0
    return WorkflowVersion.objects.create(workflow=workflow, number=last + 1, definition=definition, created_by=user)


@transaction.atomic
def publish_workflow(*, user: User, workflow: Workflow) -> Workflow:
    """Make its draft what new chats go through. Raises Invalid, naming its faults; Conflict where there is no draft."""
    row = _locked(workflow)
    draft = versions_of(row).filter(published_at__isnull=True).first()
    if row.is_archived or draft is None:
        raise Conflict("There is no draft to publish. Change the workflow first.", code="no_draft")
    if faults := faults_of(draft.definition):
        told = [str(each) for each in faults[:FAULTS_TOLD]]
        raise Invalid(told[0], fields={"definition": told})
    draft.published_at = timezone.now()
    draft.save(update_fields=["published_at"])
    log.info("workflow %s: version %s published by %s", row.pk, draft.number, user.pk)
    return row


@transaction.atomic
def archive_workflow(*, user: User, workflow: Workflow) -> None:
    """Let no new chat go through it; those that do go on."""
    row = _locked(workflow)
    row.is_archived, row.is_default = True, False
    row.save(update_fields=["is_archived", "is_default", "updated_at"])
    log.info("workflow %s archived by %s", row.pk, user.pk)


def faults_of(definition: Any) -> list[Fault]:
    """What keeps it from being published here."""
    names = [each.name for each in registry.every()]
    return checked(definition, most_steps=settings.WORKFLOW_STEPS_MAX, archetypes=names)


def check_draft(definition: Any) -> None:
    """Raise Invalid for what is not even a draft: too large, of another form, or with what cannot be stored."""
    text = json.dumps(definition, ensure_ascii=False)
    if len(text) > settings.WORKFLOW_MAX_CHARS:
        raise refuse("definition", f"Expected at most {settings.WORKFLOW_MAX_CHARS} characters as JSON.")
    rules.check_storable("".join(_texts(definition)), "definition")
    try:
        definitions.load(definition)
    except msgspec.ValidationError:
        raise refuse("definition", str(faults_of(definition)[0])) from None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inside for text in _texts(each)]


def _name(value: str) -> str:
    if not 1 <= len(value.strip()) <= NAME_MAX:
        raise refuse("name", f"Expected a text of 1 to {NAME_MAX} characters.")
    return rules.check_storable(value.strip(), "name")


def _set_default(workflow: Workflow, is_default: bool) -> None:
    """Of a place one alone is: the one before it is none any more. With `_lock_defaults`."""
    if is_default:
        others: QuerySet[Workflow] = Workflow.objects.filter(
            organization=workflow.organization_id, project=workflow.project_id, is_default=True
        )
        others.exclude(pk=workflow.pk).update(is_default=False)
    workflow.is_default = is_default
    workflow.save(update_fields=["is_default", "updated_at"])


def _lock_defaults(organization: UUID) -> None:
    """Of those who make a default in the organization, one does so at a time, to the end of the transaction."""
    Organization.objects.select_for_update(no_key=True).filter(pk=organization).first()


def _locked(workflow: Workflow) -> Workflow:
    row = Workflow.objects.select_for_update().filter(pk=workflow.pk).first()
    if row is None:
        raise NotFound
    return row
