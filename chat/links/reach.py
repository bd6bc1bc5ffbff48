"""How far links reach: whom the organization's rule lets them open to, and what a chat may hold for these. Sync.

Asked when a link is made, and each time that it is opened.
"""

from uuid import UUID

from accounts.errors import Conflict
from accounts.models import Role
from chat import audience
from chat.links.models import OpensTo
from chat.models import Character, Chat, Links, Rules
from tools.knowledge.levels import level_of

PUBLIC = 0  # the level of what is for everybody
NOT_FOR_THEM = "This chat holds something more confidential than everybody who would have the link may read."
NOT_EVERYBODYS = "This chat is with a character that not everybody may use: a link would show it to others."


def rule_of(organization_id: UUID) -> str:
    """Whom links may open to there: one of Links. One query."""
    return Rules.objects.filter(organization=organization_id).values_list("links", flat=True).first() or Links.OFF


def is_within(rule: str, opens_to: str) -> bool:
    """Whether the rule lets open a link that was made for these."""
    return rule == Links.ANYONE or rule == opens_to


def require_open(chat: Chat, opens_to: str) -> None:
    """Raise Conflict unless all to whom a link opens may read what the chat holds."""
    if chat.level > most_level(opens_to):
        raise Conflict(NOT_FOR_THEM, code=audience.CODE)
    if is_with_character(chat):
        raise Conflict(NOT_EVERYBODYS, code="holds_character")


def is_for(chat: Chat, opens_to: str) -> bool:
    """Whether all to whom a link opens may read what the chat holds now."""
    return chat.level <= most_level(opens_to) and not is_with_character(chat)


def most_level(opens_to: str) -> int:
    """Up to which level a chat may hold what a link shows to these."""
    return level_of(Role.VIEWER) if opens_to == OpensTo.MEMBERS else PUBLIC


def is_with_character(chat: Chat) -> bool:
    """Whether it is with a character of its organization: who may use one is said by name. No query where it is not."""
    if chat.character is None:
        return False
    return Character.objects.filter(organization=chat.organization_id).numbered(chat.character).exists()
