"""Opening a link: which chat it is, and whether whoever came may read it. Sync.

What a link shows goes by how things are now: the rule and the plan of the organization, whether its maker still owns
the chat and reads it, what the chat holds. To who may not read it there is no such link.
"""

from dataclasses import dataclass

from django.conf import settings

from accounts.errors import NotFound
from accounts.models import User
from accounts.permissions import permissions_in
from accounts.sign_in import tries
from accounts.sign_in.hashed import hash_of
from chat import gate
from chat.access import find_chat, permissions_on
from chat.links.models import Link, OpensTo
from chat.links.reach import is_for, is_within, rule_of
from chat.models import Chat

WINDOW_S = 60
ENDED = "There is no such link, or it has ended."


class SignInFirst(Exception):
    """The link opens to members, and nobody is signed in."""


@dataclass(frozen=True)
class Opened:
    """What somebody reads by a link."""

    link: Link
    chat: Chat

    @property
    def is_public(self) -> bool:
        """Whether strangers read it too."""
        return self.link.opens_to == OpensTo.ANYONE


def open_link(token: str, reader: User | None, address: str) -> Opened:
    """The chat of that token. Raises NotFound, SignInFirst, and TooMany for an address that has opened too many."""
    tries.take("link", address, limit=settings.LINK_OPENS_PER_MINUTE, window_s=WINDOW_S)
    link = Link.objects.live().select_related("by").filter(token_hash=hash_of(token)).first()
    chat = _chat(link) if link else None
    if link is None or chat is None:
        raise NotFound(ENDED)
    if link.opens_to == OpensTo.MEMBERS:
        _require_member(reader, chat)
    return Opened(link, chat)


def _chat(link: Link) -> Chat | None:
    """The link's chat, where it may still be shown to all to whom the link opens."""
    chat = find_chat(link.by, link.chat_id) if link.by.is_active else None
    if chat is None or "write" not in permissions_on(link.by, chat):
        return None
    may_open = is_within(rule_of(chat.organization_id), link.opens_to) and gate.plan_of(chat).has("share_links")
    return chat if may_open and is_for(chat, link.opens_to) else None


def _require_member(reader: User | None, chat: Chat) -> None:
    if reader is None:
        raise SignInFirst
    if not permissions_in(reader, organization=chat.organization_id):
        raise NotFound(ENDED)
