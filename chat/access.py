"""Who may do what in a chat, and the only way from an id in a request to a chat, message or run.

Who sees a chat at all is `visible_to` of its table, in chat.models.chats.
A person's permissions in a chat are what their role gives in its project (or organization), cut down to what the chat
gives them: everything if they own it, else the most of what its project and a share with their name give. Nothing ever
adds to a role: a viewer cannot write in their own chat either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import F, Model, OuterRef, QuerySet, Subquery, UUIDField, Value

from accounts.db.compiled import Compiled
from accounts.errors import NotAllowed, NotFound
from accounts.models import ApiKey, Membership, Project, ProjectMember, Role, Seer, User
from accounts.permissions import NOTHING, PERMISSIONS, Permission, Permissions, permissions_in, require
from agents.errors import NoRights
from chat.models import OPEN, Chat, ChatShare, Message, Run, Sharing
from chat.models.chats import Access, ChatQuerySet
from chat.models.facts import facts_of
from chat.models.runs import INDEX

Row = TypeVar("Row", bound=Model)

# Running a chat's organization is not part of any share.
GIVEN: dict[str, Permissions] = {Access.READ: frozenset({"read"}), Access.WRITE: frozenset({"read", "write", "deploy"})}


def get_chat(user: User, id: UUID, needs: Permission = "read") -> Chat:
    """The chat, if the user sees it and may do this in it. Raises NotFound or NotAllowed."""
    chat = find_chat(user, id)
    if chat is None:
        raise NotFound
    require(permissions_found(user, chat), needs)
    return chat


def find_chat(user: User, id: UUID) -> Chat | None:
    """The chat, if the user sees it."""
    return _chats(user, id)


def find_project(user: Seer, id: UUID) -> Project | None:
    """The project, if the user sees it."""
    return _projects(user, id)


def get_message(user: User, id: UUID, needs: Permission = "read") -> Message:
    """The message with its chat, author and run, if the user may do this in its chat. Raises NotFound or NotAllowed."""
    message = _messages(user, id)
    if message is None:
        raise NotFound
    require(permissions_on(user, message.chat), needs)
    return message


def get_run(user: User, id: UUID, needs: Permission = "read") -> Run:
    """The run with its chat, if the user may do this where it works. Raises NotFound or NotAllowed."""
    run = _run.first(id)
    has = permissions_over(user, run) if run is not None else NOTHING
    if run is None or not has:  # whoever sees where it works has some permission there
        raise NotFound
    require(has, needs)
    return run


def get_answer(user: User, id: UUID, needs: Permission = "read") -> Run:
    """The same, of a run that answers a message: any other is not found."""
    run = get_run(user, id, needs)
    if not run.is_answer:
        raise NotFound
    return run


def permissions_over(user: User, run: Run) -> Permissions:
    """What the user may do where the run works: in its chat, or for work of no chat in its project."""
    if run.chat is not None:
        return permissions_on(user, run.chat)
    if run.organization_id is None or run.project_id is None or (run.kind == INDEX and run.user_id != user.pk):
        return NOTHING
    return permissions_in(user, organization=run.organization_id, project=run.project_id)


def require_run(run: Run, needs: Permission) -> Permissions:
    """What the person whom the run acts for may do where it works. Raises NoRights where this is no part of it now.

    Asked whenever a process claims a run, before its provider is: it may have waited for days. The person's rights
    count, not those of the API key by which they began it: a key is a way in, and a revoked one lets nobody in. But
    they see what it opened, its organization, and no other while the run lasts: from now on `run.user.key` says so.
    """
    run.user.key = _key_of(run)
    has = permissions_over(run.user, run)
    if not run.user.is_active or needs not in has:
        raise NoRights
    return has


def _key_of(run: Run) -> ApiKey | None:
    """The key by which the run was asked for, as far as it narrows what is seen. No query: it may be gone by now, and a
    run is always in the organization that its key is for.
    """
    if run.api_key_id is None:
        return None
    return ApiKey(pk=run.api_key_id, user_id=run.user_id, organization_id=facts_of(run).organization_id)


def may_see_provider_errors(user: User, run: Run) -> bool:
    """Whether they learn what a model provider said of a failure: who administers where the run works, and staff.

    It is about the installation's account and settings, which are no business of members.
    """
    return user.is_staff or "admin" in _place_of(user, run)


def require_admin_over(user: User, run: Run) -> None:
    """Raise NotAllowed unless they administer where the run works. Whether they see it is another question."""
    require(_place_of(user, run), "admin")


def _place_of(user: User, run: Run) -> Permissions:
    """What they may do where the run works, whosever chat it is in."""
    facts = facts_of(run)
    return permissions_in(user, organization=facts.organization_id, project=facts.project_id)


def sees_place(user: Seer, chat_id: UUID | None, project_id: UUID | None) -> bool:
    """Whether the user sees the chat, or where there is none the project. One query, for streams to ask again."""
    if chat_id is not None:
        return sees(user, chat_id)
    return project_id is not None and find_project(user, project_id) is not None


def sees(user: Seer, chat_id: UUID) -> bool:
    """Whether the user sees the chat. One query, for streams to ask again."""
    return _ids(user, chat_id) is not None


def require_owner(user: User, chat: Chat) -> None:
    """Raise NotAllowed unless the chat is the user's own and their role lets them write in it."""
    if chat.user_id != user.pk:
        raise NotAllowed("Only the owner of a chat may share or delete it.")
    require(permissions_on(user, chat), "write")


def permissions_on(user: User, chat: Chat) -> Permissions:
    """What the user may do in the chat; empty when they may not even see it.

    One query, or none for a chat that this request got from `chats_of(user)`.
    """
    if getattr(chat, "seen_by", None) == user.pk:
        return permissions_found(user, chat)
    found = find_chat(user, chat.pk)
    return permissions_found(user, found) if found else NOTHING


def chats_of(user: Seer) -> ChatQuerySet:
    """The chats the user sees, each with what its JSON needs: their roles in it, and the id of its `live_run`.

    So neither `permissions_found` nor a list costs a query per chat.
    """
    membership = Membership.objects.filter(user=user.pk, organization=OuterRef("organization"))
    project = ProjectMember.objects.filter(user=user.pk, project=OuterRef("project"))
    share = ChatShare.objects.filter(user=user.pk, chat=OuterRef("pk"))
    # The lowest position is next: a queued run counts until a process has claimed it.
    runs = Run.objects.answers().filter(chat=OuterRef("pk"), status__in=OPEN).order_by("position")
    return Chat.objects.visible_to(user).annotate(
        organization_role=_one(membership, "role"),
        project_role=_one(project, "role"),
        shared=_one(share, "access"),
        live_run=_one(runs, "pk"),
        seen_by=Value(user.pk, UUIDField()),
    )


def permissions_found(user: User, chat: Chat) -> Permissions:
    """The same as `permissions_on`, without a query, of a chat that came from `chats_of(user)`."""
    return permissions_of(user.pk, chat)


def permissions_of(user_id: UUID, chat: Chat) -> Permissions:
    """The same, of the person with that id."""
    found: Any = chat  # annotations are unknown to the type
    role = PERMISSIONS[Role(found.project_role or found.organization_role)]
    if chat.user_id == user_id:
        return role
    by_project = GIVEN[chat.project_access] if chat.sharing == Sharing.PROJECT and chat.project_id else NOTHING
    return role & (by_project | GIVEN.get(found.shared, NOTHING))


def fallbacks_of(chat: Chat) -> list[str] | None:
    """The models that answer where the chosen one cannot: as the chat says, else its organization; None: neither does.

    No query for a chat that was read with them.
    """
    if chat.fallbacks is not None:
        return list(chat.fallbacks)
    found: Any = chat
    said = found.organization_fallbacks if hasattr(chat, "organization_fallbacks") else chat.organization.fallbacks
    return None if said is None else list(said)


def ruled(user_id: UUID, chat_id: UUID) -> list[Chat]:
    """The chat as that person sees it, once for each tool policy of its organization, which it carries as `rule_...`.

    Without policies it comes once, and they are None; not at all to who does not see it, or is not active. One query.
    """
    return _ruled(user_id, chat_id)


def _with_rules(user: UUID, chat: UUID) -> ChatQuerySet:
    names = ("pattern", "role", "decision", "project_id")
    rules = {f"rule_{name}": F(f"organization__tool_policies__{name}") for name in names}
    return chats_of(_Somebody(user)).filter(pk=chat).annotate(**rules)


def _one(rows: QuerySet[Any], field: str) -> Subquery:
    return Subquery(rows.values(field)[:1])


class Seen(Generic[Row]):
    """The row of an id, if it is among those that `rows` gives for the user: one query, compiled once.

    `Seen(rows)(user, id)` gives what `rows(user).filter(pk=id).first()` does.
    """

    def __init__(self, rows: Callable[[Seer], QuerySet[Row]]) -> None:
        self._by_person: Compiled[Row] = Compiled(lambda user, id: rows(_Somebody(user)).filter(pk=id), UUID, UUID)
        self._by_key: Compiled[Row] = Compiled(
            lambda user, organization, id: rows(_Somebody(user, _Key(organization))).filter(pk=id), UUID, UUID, UUID
        )

    def __call__(self, user: Seer, id: UUID) -> Row | None:
        if user.key is None:
            return self._by_person.first(user.pk, id)
        return self._by_key.first(user.pk, user.key.organization_id, id)


@dataclass(frozen=True)
class _Key:
    organization_id: UUID


@dataclass(frozen=True)
class _Somebody:
    """For whom a statement is built. Nothing else may be asked of them: the answer would hold for everybody."""

    pk: UUID
    key: _Key | None = None


_chats = Seen(chats_of)
_messages = Seen(lambda user: Message.objects.visible_to(user).select_related("chat", "author", "run"))
_run: Compiled[Run] = Compiled(lambda id: Run.objects.filter(pk=id).select_related("chat"), UUID)
_ruled: Compiled[Chat] = Compiled(_with_rules, UUID, UUID)
_ids = Seen(lambda user: Chat.objects.visible_to(user).only("pk"))
_projects = Seen(lambda user: Project.objects.visible_to(user))
