"""Who allowed a tool call or denied it, why, and for how long: the line on its card."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

from accounts.models import User
from chat.models import Chat
from chat.models.policies import ToolGrant
from chat.page import asked_words
from chat.page.words import say

PLACE = "\N{OBJECT REPLACEMENT CHARACTER}"  # where the time stands in the sentence
BESIDE = timedelta(minutes=1)  # a grant and the decision that made it are no further apart


class Grants:
    """What was ever granted in a chat. One query, and only where it is asked for."""

    def __init__(self, chat_id: UUID | None) -> None:
        self._chat_id = chat_id

    def until(self, tool: str, by: str, at: float) -> datetime | None:
        """When the grant ends, or ended, that the person gave or renewed for it then; None where it is not there."""
        then = datetime.fromtimestamp(at, UTC)
        fits = (each for each in self._all if each.tool == tool and str(each.by_id) == by)
        # A later decision renews a grant that holds.
        held = [each for each in fits if each.created_at - BESIDE <= then <= _end(each) + BESIDE]
        grant = min(held, key=lambda each: abs(each.created_at - then), default=None)
        return None if grant is None else _end(grant)

    @cached_property
    def _all(self) -> list[ToolGrant]:
        return list(ToolGrant.objects.filter(chat=self._chat_id)) if self._chat_id else []


def _end(grant: ToolGrant) -> datetime:
    return grant.revoked_at or grant.expires_at


def has_grants(chat: Chat) -> bool:
    """Whether a tool may be called in the chat now without asking."""
    return ToolGrant.objects.filter(chat=chat, revoked_at=None, expires_at__gt=now()).exists()


def people_of(ids: Iterable[str]) -> dict[str, str]:
    """What these people are called, by id; who is gone is missing."""
    known = {each for each in ids if _is_id(each)}
    people = User.objects.filter(pk__in=known) if known else []
    return {str(each.pk): each.display_name for each in people}


def decision_of(
    decision: str, name: str, by: str, reason: str, *, is_wide: bool = False, until: datetime | None = None
) -> str:
    """The line; `name` is what the person `by` is called, and "" where they are gone."""
    if not by:
        return say("nobodyDecided")
    said = _said(decision, name or say("somebody"), until, is_wide=is_wide)
    return format_html("{}: {}", said, reason) if reason else said


def answer_of(decision: str, name: str, by: str, reason: str) -> str:
    """The same of what a call wanted from a person."""
    if not by:
        return say("nobodyDecided")
    word = "answeredBy" if decision == "allowed" else "notAnsweredBy"
    said = asked_words.say(word, who=name or say("somebody"))
    return format_html("{}: {}", said, reason) if reason else said


def _said(decision: str, who: str, until: datetime | None, *, is_wide: bool) -> str:
    if decision != "allowed":
        return say("deniedBy", who=who)
    if not is_wide:
        return say("allowedBy", who=who)
    if until is None:
        return asked_words.say("allowedIn", who=who)
    before, _, after = asked_words.say("allowedUntil", who=who, when=PLACE).rpartition(PLACE)
    return format_html("{}{}{}", before, time_of(until), after)


def time_of(moment: datetime) -> SafeString:
    """A time of day; the page's script says it by the reader's own clock."""
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), localtime(moment).strftime("%H:%M"))


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
