"""Who reads a chat, and so how confidential what comes into it may be. Sync.

An answer is read by everyone who sees the chat, not only by who asked. So passages come in up to the least of what its
readers may read, and a chat is as confidential as the highest of them (`Chat.level`): who may not read that does not
see the chat (`visible_to`), and it is not shared with them.
"""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.errors import Conflict, NotFound
from accounts.models import Membership, ProjectMember, Role, User
from accounts.permissions import role_in
from chat.models import Chat, ChatShare, Sharing
from tools.base import ToolContext
from tools.documents.tools import let_out
from tools.errors import ToolError
from tools.handed_down import HandedDown
from tools.knowledge.levels import level_of
from tools.knowledge.tool import draw, most_level
from tools.memory.tool import may_remember

CODE = "holds_confidential"
NOT_SHARED = "This chat holds something more confidential than everybody who would see it may read."
NOT_EXPORTED = "This chat holds something confidential: it cannot be had as a file, which anybody could read."
NOT_TAKEN_IN = "What is named here is more confidential than everybody who sees this chat may read."
NOT_LET_OUT = (
    "This chat holds something confidential, and everybody in the project reads its document: it cannot be changed "
    "from here. Say so, and give what was to be written as your answer."
)
NOT_ALONE = "Others see this chat too: nothing of it is remembered. Go on without it."
NOT_REMEMBERED = "This chat holds something confidential: nothing of it is remembered. Go on without it."
NO_CHAT = "There is no chat here that the person you act for can see."

# () -> whether processes are up that know no levels: they would show a chat to everybody. Sync.
are_older_up: HandedDown[[], bool] = HandedDown("tell which processes are up")


def readers_level(chat: Chat) -> int:
    """What the least of the chat's readers may read: its owner, people named, and those of a project that sees it."""
    return _least(_members(chat), chat.project_id)


def require_shareable(chat: Chat) -> None:
    """Raise Conflict unless all who see the chat, as it is about to be, may read what it holds."""
    if chat.level and chat.level > readers_level(chat):
        raise Conflict(NOT_SHARED, code=CODE)


def require_readable(chat: Chat, person: User) -> None:
    """Raise Conflict unless this person may read what the chat holds."""
    if chat.level > _level(person, chat):
        raise Conflict(NOT_SHARED, code=CODE)


def require_exportable(chat: Chat) -> None:
    """Raise Conflict where what the chat holds is not for every member: whoever has the file would read it."""
    if not may_leave(chat):
        raise Conflict(NOT_EXPORTED, code=CODE)


def is_private(chat: Chat) -> bool:
    """Whether nobody but its owner sees the chat. One query, or none for one that is shared with its project."""
    is_projects = chat.sharing == Sharing.PROJECT and chat.project_id is not None
    return not is_projects and not ChatShare.objects.filter(chat=chat.pk).exists()


def may_leave(chat: Chat) -> bool:
    """Whether what the chat holds may go where its level does not follow: only what every member reads."""
    return chat.level <= level_of(Role.VIEWER)


def take_in(chat: Chat, levels: Iterable[int]) -> None:
    """What is of these levels comes into the chat, which the caller has locked: from now on it is of the highest.

    Raises Conflict where not everybody who reads the chat may read that.
    """
    level = max(levels, default=0)
    if level <= chat.level:
        return
    if level > readers_level(chat):
        raise Conflict(NOT_TAKEN_IN, code=CODE)
    Chat.objects.filter(pk=chat.pk).update(level=level)
    chat.level = level


def level_now(chat: UUID) -> int:
    """The chat's level as it is stored; to be asked for once what it holds has been read. Raises NotFound."""
    level = Chat.objects.filter(pk=chat).values_list("level", flat=True).first()
    if level is None:
        raise NotFound
    return level


def hand_down() -> None:
    """From now on the tools ask these. Once in a process."""
    most_level.fill(_most_level)
    draw.fill(_draw)
    let_out.fill(_let_out)
    may_remember.fill(_may_remember)


def _most_level(ctx: ToolContext) -> int:
    return _most(_chat(ctx), ctx.user_id)


@transaction.atomic
def _draw(ctx: ToolContext, levels: Callable[[], Sequence[int]]) -> int:
    """Under the chat's lock, which sharing takes too: whichever is later sees what the other has done."""
    chat = _chat(ctx, is_locked=True)
    most = _most(chat, ctx.user_id)
    drawn = max((each for each in levels() if each <= most), default=0)
    Chat.objects.filter(pk=chat.pk, level__lt=drawn).update(level=drawn)
    return most


def _let_out(ctx: ToolContext) -> None:
    """Whoever joins later reads the document too: so it goes by what every member may read, not by who is one now."""
    if ctx.chat_id is not None and not may_leave(_chat(ctx)):
        raise ToolError(NOT_LET_OUT)


def _may_remember(ctx: ToolContext) -> None:
    """Only of a chat that is the person's alone, as it is now: in others somebody else may have said it."""
    own = Chat.objects.filter(user=ctx.user_id)
    chat = own.filter(pk=ctx.chat_id).first() if ctx.chat_id else None
    if chat is None or not is_private(chat):
        raise ToolError(NOT_ALONE)
    if not may_leave(chat):
        raise ToolError(NOT_REMEMBERED)


def _chat(ctx: ToolContext, *, is_locked: bool = False) -> Chat:
    if ctx.chat_id is None or ctx.project_id is None:
        raise ToolError(NO_CHAT)
    chats = Chat.objects.filter(pk=ctx.chat_id, project=ctx.project_id)
    chat = (chats.select_for_update(of=("self",)) if is_locked else chats).first()
    if chat is None:
        raise ToolError(NO_CHAT)
    return chat


def _most(chat: Chat, user_id: UUID) -> int:
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None:
        raise ToolError(NO_CHAT)
    most = min(_level(person, chat), readers_level(chat))
    return min(most, level_of(Role.VIEWER)) if are_older_up() else most


def _level(person: User, chat: Chat) -> int:
    role = role_in(person, organization=chat.organization_id, project=chat.project_id)
    return level_of(role) if role else -1


def _members(chat: Chat) -> "QuerySet[Membership]":
    """Those who see the chat, as members of its organization."""
    members = Membership.objects.filter(organization=chat.organization_id, user__is_active=True)
    if chat.sharing == Sharing.PROJECT and chat.project_id is not None:
        return members
    named = ChatShare.objects.filter(chat=chat.pk).values("user")
    return members.filter(Q(user=chat.user_id) | Q(user__in=named))


def _least(members: "QuerySet[Membership]", project: UUID | None) -> int:
    """What the least of them may read in the project; -1 where there is nobody."""
    inside = ProjectMember.objects.filter(user=OuterRef("user"), project=project).values("role")[:1]
    roles = members.order_by().values_list(Coalesce(Subquery(inside), F("role")), flat=True).distinct()
    return min(map(level_of, roles), default=-1)
