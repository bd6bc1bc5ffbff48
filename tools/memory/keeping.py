"""Preferences and remembered facts, and what they may be. Always of one person: whoever calls says whose. Sync."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.counts import require_room
from accounts.errors import NotFound, refuse
from accounts.models import User
from tools.hidden import replaced
from tools.models import Memory, Preferences

LANGUAGE_MAX_CHARS = 40
TONE_MAX_CHARS = 200


def preferences_of(user_id: UUID) -> Preferences:
    """The person's preferences; where they have none, what holds then, not stored."""
    return Preferences.objects.filter(user=user_id).first() or Preferences(user_id=user_id)


def put_preferences(
    user_id: UUID, *, language: str = "", tone: str = "", about: str = "", use_in_prompts: bool = False,
    remember: bool = False,
) -> Preferences:  # fmt: skip
    """Make these the person's preferences, whole: what is not named is as for who has none. Raises Invalid."""
    values: dict[str, Any] = {
        "language": _short("language", _line(language), LANGUAGE_MAX_CHARS),
        "tone": _short("tone", _line(tone), TONE_MAX_CHARS),
        "about": _short("about", _lines(about), settings.PREFERENCES_ABOUT_MAX_CHARS),
        "use_in_prompts": use_in_prompts,
        "remember": remember,
    }
    return Preferences.objects.update_or_create(user_id=user_id, defaults=values)[0]


def forget_preferences(user_id: UUID) -> None:
    """From now on the person has none. What is remembered stays."""
    Preferences.objects.filter(user=user_id).delete()


def get_memory(user_id: UUID, id: UUID) -> Memory:
    """What is remembered of the person under that id. Raises NotFound, also for somebody else's."""
    found = Memory.objects.filter(user=user_id, pk=id).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def add_memory(user_id: UUID, text: str, *, chat: UUID | None = None, call: str = "") -> Memory:
    """Remember a fact of the person; one that is remembered in the same words is the one.

    `call` names the call of a tool that does it: repeated, it finds its own. Raises Invalid, and Conflict where there
    are REMEMBERED_PER_PERSON already.
    """
    text = check_fact(text)
    list(User.objects.select_for_update(no_key=True).filter(pk=user_id).values_list("pk"))  # one at a time
    theirs = Memory.objects.filter(user=user_id)
    known = (call and theirs.filter(call=call).first()) or theirs.filter(text=text).first()
    if known:
        return known
    require_room(theirs, "REMEMBERED_PER_PERSON", "remembered facts", "person")
    return Memory.objects.create(user_id=user_id, text=text, chat=chat, call=call)


def change_memory(user_id: UUID, id: UUID, text: str) -> Memory:
    """Say it in other words. Raises NotFound, Invalid."""
    memory = get_memory(user_id, id)
    memory.text = check_fact(text)
    memory.save(update_fields=["text", "updated_at"])
    return memory


def forget(user_id: UUID, id: UUID) -> None:
    """Remember it no more. Raises NotFound."""
    get_memory(user_id, id).delete()


def forget_all(user_id: UUID) -> None:
    """Remember nothing of the person any more. Their preferences stay."""
    Memory.objects.filter(user=user_id).delete()


def check_fact(text: str) -> str:
    """The fact on one line, without what cannot be seen. Raises Invalid."""
    fact = _short("text", _line(text), settings.REMEMBERED_MAX_CHARS)
    if not fact:
        raise refuse("text", "Expected a fact in a sentence.")
    return fact


def _line(text: str) -> str:
    return " ".join(_lines(text).split())


def _lines(text: str) -> str:
    """Without what cannot be seen, or turns what is seen: nobody could look at it."""
    return replaced(text.replace("\r\n", "\n"), lambda _: "").strip()


def _short(field: str, text: str, most: int) -> str:
    if len(text) > most:
        raise refuse(field, f"Expected a text of at most {most:,} characters.")
    return text
