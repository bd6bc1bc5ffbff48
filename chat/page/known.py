"""What a person lets models know of them, on their account page: what is shown, and what its forms do."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.errors import Invalid, NotFound
from accounts.models import User
from chat.models import Chat
from tools.memory import keeping
from tools.models import Memory

TEXTS = ("language", "tone", "about")
SWITCHES = ("use_in_prompts", "remember")


def shown(user: User) -> dict[str, Any]:
    """The preferences, and each fact with the chat that it came from, where the person still sees that."""
    facts = list(Memory.objects.visible_to(user))
    chats = Chat.objects.visible_to(user).in_bulk([each.chat for each in facts if each.chat])
    return {
        "preferences": keeping.preferences_of(user.pk),
        "remembered": [{"row": each, "chat": chats.get(each.chat) if each.chat else None} for each in facts],
        "most_about": settings.PREFERENCES_ABOUT_MAX_CHARS,
        "most_language": keeping.LANGUAGE_MAX_CHARS,
        "most_tone": keeping.TONE_MAX_CHARS,
        "most_fact": settings.REMEMBERED_MAX_CHARS,
    }


def _keep(sent: Mapping[str, str], user: User) -> None:
    texts: dict[str, Any] = {name: sent.get(name, "") for name in TEXTS}
    switches: dict[str, Any] = {name: name in sent for name in SWITCHES}
    keeping.put_preferences(user.pk, **texts, **switches)


def _change(sent: Mapping[str, str], user: User) -> None:
    keeping.change_memory(user.pk, _id(sent), sent.get("text", ""))


def _forget(sent: Mapping[str, str], user: User) -> None:
    with suppress(NotFound):  # it is forgotten already
        keeping.forget(user.pk, _id(sent))


def _forget_all(sent: Mapping[str, str], user: User) -> None:
    if sent.get("sure") != "yes":
        raise Invalid("Say that you are sure.", fields={"sure": ["Say that you are sure."]})
    keeping.forget_all(user.pk)


def _id(sent: Mapping[str, str]) -> UUID:
    try:
        return UUID(sent.get("id", ""))
    except ValueError:
        raise NotFound from None


# What each does, and the section of the page that then says so.
DOES: dict[str, tuple[Callable[[Mapping[str, str], User], None], str]] = {
    "preferences": (_keep, "preferences"),
    "reword": (_change, "remembered"),
    "forget": (_forget, "remembered"),
    "forget_all": (_forget_all, "remembered"),
}
