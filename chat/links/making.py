"""Making and ending links to a chat: its owner's affair, as far as the organization's rule and plan go. Sync."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.counts import require_room
from accounts.errors import Conflict, NotAllowed, NotFound, refuse
from accounts.models import User
from accounts.sign_in.hashed import hash_of
from chat import gate
from chat.access import permissions_on, require_owner
from chat.links.models import Link, LinkQuerySet, OpensTo
from chat.links.reach import is_within, require_open, rule_of
from chat.models import OPEN, Chat, Links, Run
from chat.page.tree import Tree
from chat.services.messages import lock_chat

TOKEN_BYTES = 32  # in hexadecimal, which no log keeps (tools.credentials)
LEAST_S = 60
PAGE = "/s/{token}/"
SWITCHED_OFF = "Links to chats are switched off here. An admin of the organization can allow them."
FOR_MEMBERS = "The rules of the organization let links open to its members only. An admin of it can change that."


def links_of(chat: Chat) -> LinkQuerySet:
    """Those of the chat that have not ended."""
    return Link.objects.live().filter(chat=chat)


def may_make(user: User, chat: Chat) -> str:
    """The most that a link of the user's to this chat may open to; "" where none may be made."""
    is_theirs = chat.user_id == user.pk and not user.is_guest and "write" in permissions_on(user, chat)
    if not (is_theirs and gate.plan_of(chat).has("share_links")):
        return ""
    rule = rule_of(chat.organization_id)
    return "" if rule == Links.OFF else rule


@transaction.atomic
def make_link(
    *, user: User, chat: Chat, until: UUID | None = None, expires_in_s: int | None = None, opens_to: str | None = None
) -> tuple[Link, str]:
    """A link to the chat as it is up to that message, by default its newest, and the link's token, shown this once.

    `opens_to`: by default whom the organization's rule lets links open to. Raises Conflict where what the chat holds is
    not for all of them, where an answer on the way is still written, and where the chat has as many links as it may.
    """
    require_owner(user, chat)
    if user.is_guest:
        raise NotAllowed("A guest shares nothing.")
    gate.require_feature(chat.organization_id, "share_links")
    to, ends_in = _to(chat, opens_to), _seconds(expires_in_s)
    locked = lock_chat(chat)  # whoever draws something confidential into it locks it too
    require_open(locked, to)
    last = _last(locked, until)
    require_room(links_of(chat), "LINKS_PER_CHAT", "links", "chat")
    token = secrets.token_hex(TOKEN_BYTES)
    ends = timezone.now() + timedelta(seconds=ends_in)
    link = Link.objects.create(
        chat=locked, until_id=last, by=user, opens_to=to, token_hash=hash_of(token), expires_at=ends
    )
    _note("chat.link_made", link, user, opens_to=to)
    return link, token


@transaction.atomic
def end_link(*, user: User, chat: Chat, link: UUID) -> None:
    """End it, at once and for good."""
    require_owner(user, chat)
    row = links_of(chat).select_related("chat").filter(pk=link).first()
    if row is None:
        raise NotFound
    _note("chat.link_ended", row, user)
    row.delete()


def address_of(token: str) -> str:
    """Where the link of that token leads."""
    return f"{settings.PARLEY_PUBLIC_URL}{PAGE.format(token=token)}"


def _to(chat: Chat, asked: str | None) -> OpensTo:
    """Whom the link opens to. Raises NotAllowed for more than the organization's rule has."""
    rule = rule_of(chat.organization_id)
    if rule == Links.OFF:
        raise NotAllowed(SWITCHED_OFF, code="links_off")
    to = OpensTo(asked or rule)
    if not is_within(rule, to):
        raise NotAllowed(FOR_MEMBERS, code="links_members", fields={"opens_to": [FOR_MEMBERS]})
    return to


def _seconds(asked: int | None) -> int:
    most = int(settings.LINK_MAX_S)
    if asked is not None and not LEAST_S <= asked <= most:
        raise refuse("expires_in_s", f"Expected {LEAST_S} to {most} seconds.")
    return min(int(settings.LINK_S), most) if asked is None else asked


def _last(chat: Chat, until: UUID | None) -> UUID:
    """The message that the link ends with. Raises NotFound for one of another chat, Conflict for an empty chat."""
    path = Tree(chat).path_to(until or chat.leaf_id)
    if not path:
        if until is None:
            raise Conflict("There is nothing in this chat yet.", code="chat_empty")
        raise NotFound(fields={"until": ["There is no such message in this chat."]})
    open_run = Run.objects.filter(message__in=path, status__in=OPEN).first()
    if open_run:
        raise Conflict(f"Run {open_run.pk} is still writing on this path. Wait for it or cancel it.", code="run_open")
    return path[-1]


def _note(action: str, link: Link, by: User, **detail: str) -> None:
    audit.record(
        action, actor=by, organization_id=link.chat.organization_id, object_type="chat", object_id=link.chat_id,
        detail={"link": str(link.pk), **detail},
    )  # fmt: skip
