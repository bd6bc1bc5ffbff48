"""Chats: making, changing, sharing, forking and deleting them."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts import audit, plans
from accounts.errors import Conflict, NotFound, refuse
from accounts.models import Organization, Project, User
from accounts.organizations.choice import remember_organization
from accounts.permissions import permissions_in, require
from accounts.plans import Terms
from chat import audience, gate
from chat.access import get_chat, require_owner
from chat.attachments import using
from chat.bus import notices
from chat.models import OPEN, Chat, ChatShare, ChatStatus, Message, Run, Sharing, TitledBy, Workflow
from chat.models.chats import Access
from chat.runner.capacity import BRIEF
from chat.services import going_through, rules
from chat.services.messages import lock_chat
from chat.services.removing import remove_chat
from chat.webhooks import telling

# What a PATCH may set, and the rule each value must meet. Whoever writes in a chat may set these ...
CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "title": rules.check_title,
    "model": rules.check_model,
    "temperature": rules.check_temperature,
    "effort": rules.check_effort,
    "fallbacks": rules.check_fallbacks,
    "archetype": rules.check_archetype,
    "metadata": rules.check_metadata,
    "status": ChatStatus,
    "sharing": Sharing,
    "project_access": Access,
}
CHOICES = ("model", "temperature", "effort", "fallbacks", "archetype", "metadata")  # what a fork takes over
# ... but these only its owner.
OWNERS_OWN = frozenset({"sharing", "project_access"})
# Those of an organization, with its projects: asked with the organization, so that chats without cost no more.
DEFAULTS = Workflow.objects.filter(organization=OuterRef("pk"), is_default=True, is_archived=False)


@transaction.atomic
def create_chat(
    *,
    user: User,
    organization: UUID,
    project: UUID | None = None,
    origin: str = "native",
    workflow: UUID | None = None,
    takes_default: bool = True,
    is_copy: bool = False,
    **choices: Any,
) -> Chat:
    """A new chat of the user's. `choices` are the fields of CHECKS; those left out are the installation's defaults.

    It goes through the workflow that is named, else, if it takes that, through the default of its place. Raises
    NotAllowed for a model that the plan does not have, but for the copy of a chat, which has its model already.
    """
    places = Organization.objects.visible_to(user).annotate(has_default=Exists(DEFAULTS))
    place = places.filter(pk=organization).first()
    if place is None:
        raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
    inside = _project(user, place, project) if project else None
    require(permissions_in(user, organization=place, project=inside), "write")
    plan = plans.named(place.plan)
    chosen = {"model": gate.default_model(plan), "archetype": settings.AGENTS_DEFAULT_ARCHETYPE, **choices}
    checked = _checked(chosen)
    if not is_copy:
        _check_plan(plan, {name: checked[name] for name in choices})
    chat = Chat(user=user, organization=place, project=inside, origin=origin, **checked)
    chat.titled_by = TitledBy.PERSON if chat.title else TitledBy.NOBODY
    _check_sharing(chat)
    chat.save(force_insert=True)
    telling.chat_created(chat)
    if chat.sharing != Sharing.PRIVATE:
        _note("chat.shared", user, chat, sharing=chat.sharing, access=chat.project_access)
    if workflow is not None:
        going_through.begin_chosen(chat, user, workflow)
    elif takes_default and getattr(place, "has_default", False):
        going_through.begin_default(chat)
    return chat


@transaction.atomic
def create_chosen_chat(*, user: User, organization: UUID, **choices: Any) -> Chat:
    """The same where a person named the organization: from now on their chats go there that name none."""
    chat = create_chat(user=user, organization=organization, **choices)
    if user.key is None:  # a key is for one organization, and says nothing of the others
        remember_organization(user, organization)
    return chat


@transaction.atomic
def change_chat(*, user: User, chat: Chat, **changes: Any) -> Chat:
    """Set fields of CHECKS: rename, archive or take back, choose model or archetype, share with the project."""
    if OWNERS_OWN & changes.keys():
        require_owner(user, chat)
    checked = _checked(changes)
    if {"model", "fallbacks"} & changes.keys():
        _check_plan(plans.plan_of(chat.organization_id), checked)
    for name, value in checked.items():
        setattr(chat, name, value)
    more = ["titled_by"] if "title" in changes else []
    chat.titled_by = TitledBy.PERSON if more else chat.titled_by
    _check_sharing(chat)
    if "sharing" in changes:
        _check_widening(chat)
    chat.save(update_fields=[*changes, *more, "updated_at"])
    if OWNERS_OWN & changes.keys():
        _note("chat.shared", user, chat, sharing=chat.sharing, access=chat.project_access)
    notices.tell(chat.pk, has_changed=True)
    return chat


@transaction.atomic
def share_chat(*, user: User, chat: Chat, person: UUID, access: str) -> ChatShare:
    """Let one more person of the organization see the chat, or change what they may do; their role still bounds it."""
    require_owner(user, chat)
    if person == chat.user_id:
        raise refuse("user", "Expected somebody else: the chat is this person's own.")
    known = User.objects.filter(pk=person, is_active=True, memberships__organization=chat.organization_id).first()
    if known is None:
        raise NotFound(fields={"user": ["There is no such person in the chat's organization."]})
    audience.require_readable(lock_chat(chat), known)
    share, _ = ChatShare.objects.update_or_create(chat=chat, user=known, defaults={"access": Access(access)})
    _note("chat.shared", user, chat, user=person, access=access)
    notices.tell(chat.pk, has_changed=True)
    return share


@transaction.atomic
def unshare_chat(*, user: User, chat: Chat, share: UUID) -> None:
    """Take a share back; people may also give up their own."""
    found = ChatShare.objects.filter(chat=chat, pk=share).first()
    if found is None:
        raise NotFound
    if found.user_id != user.pk:
        require_owner(user, chat)
    _note("chat.shared", user, chat, user=found.user_id, access="")
    found.delete()
    notices.tell(chat.pk, has_changed=True)


@transaction.atomic
def delete_chat(*, user: User, chat: Chat) -> None:
    """Delete the chat with all its messages, runs and logs. Only its owner may; while a run is open: Conflict.

    Where a hold keeps it, it is out of every answer all the same, and nobody is told.

    A run must be cancelled first, so that its provider and tools are told to stop rather than left without a row.
    """
    require_owner(user, chat)
    lock_chat(chat)
    open_run = Run.objects.filter(chat=chat, status__in=OPEN).exclude(kind__in=BRIEF).order_by("position").first()
    if open_run:
        raise Conflict(f"Run {open_run.pk} is not over. Cancel it, then delete the chat.", code="run_open")
    notices.tell(chat.pk, deleted_by=user.pk)
    _note("chat.deleted", user, chat)
    remove_chat(chat)


@transaction.atomic
def fork_chat(*, user: User, chat: Chat, message: UUID, title: str | None = None) -> Chat:
    """A new private chat of the user's that holds copies of the path from the first message to this one."""
    path = _path(chat, message)
    fork = create_chat(
        user=user,
        organization=chat.organization_id,
        project=chat.project_id,
        takes_default=False,
        is_copy=True,
        title=chat.title if title is None else title,
        **{name: getattr(chat, name) for name in CHOICES},
    )
    fork.leaf = _copy(path, fork)
    fork.position = len(path)
    fork.level = Chat.objects.values_list("level", flat=True).get(pk=chat.pk)  # as it is now, with what was drawn
    fork.save(update_fields=["leaf", "position", "level"])
    return get_chat(user, fork.pk)


def _note(action: str, by: User, chat: Chat, **detail: Any) -> None:
    """Tell the audit log."""
    audit.record(
        action, actor=by, organization_id=chat.organization_id, object_type="chat", object_id=chat.pk, detail=detail
    )  # fmt: skip


def _project(user: User, organization: Organization, id: UUID) -> Project:
    found = Project.objects.visible_to(user).filter(pk=id, organization=organization).first()
    if found is None:
        raise NotFound(fields={"project": ["There is no such project in this organization, or you may not see it."]})
    return found


def _checked(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {name: CHECKS[name](value) for name, value in choices.items()}


def _check_plan(plan: Terms, choices: Mapping[str, Any]) -> None:
    """Raise NotAllowed for models that it does not have."""
    if "model" in choices:
        gate.require_model(plan, choices["model"])
    for each in choices.get("fallbacks") or ():
        gate.require_model(plan, each, "fallbacks")


def _check_sharing(chat: Chat) -> None:
    if chat.sharing == Sharing.PROJECT and chat.project_id is None:
        raise refuse("sharing", "Expected private: the chat is in no project.")


def _check_widening(chat: Chat) -> None:
    """Raise Conflict where more people are about to see the chat and may not read it; fewer always may."""
    locked = lock_chat(chat)
    chat.level = locked.level
    if chat.sharing == Sharing.PROJECT != locked.sharing:
        audience.require_shareable(chat)


def _path(chat: Chat, message: UUID) -> list[Message]:
    """The messages from the root to this one."""
    parents = dict(Message.objects.filter(chat=chat).values_list("pk", "parent_id"))
    if message not in parents:
        raise NotFound(fields={"message": ["There is no such message in this chat."]})
    path: list[UUID] = []
    step: UUID | None = message
    while step is not None:
        path.append(step)
        step = parents[step]
    _refuse_unfinished(path)
    return list(Message.objects.filter(pk__in=path).order_by("position"))


def _refuse_unfinished(path: list[UUID]) -> None:
    """An answer that is still being written would stay unfinished in the copy for ever."""
    open_run = Run.objects.filter(message__in=path, status__in=OPEN).first()
    if open_run:
        raise Conflict(f"Run {open_run.pk} is still writing on this path. Wait for it or cancel it.", code="run_open")


def _copy(path: list[Message], fork: Chat) -> Message | None:
    """Store the path in the new chat, numbered from 1, each the parent of the next; gives the last."""
    last: Message | None = None
    copies: list[Message] = []
    for position, source in enumerate(path, 1):
        kept = {name: getattr(source, name) for name in COPIED}
        last = Message(chat=fork, parent=last, position=position, **kept)
        copies.append(last)
    Message.objects.bulk_create(copies)
    using.use_copies(copies)
    return last


COPIED = ("role", "author_id", "content", "parts", "attachments", "status", "kind", "model", "usage", "error")
