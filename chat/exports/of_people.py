"""All that is a person's own, as a ZIP."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.http.fields import Closed
from accounts.models import User
from chat.exports.writing import Place, Writing
from chat.models import Chat
from chat.transfer import person

BESIDES = 6  # files that are no chat's


class Asked(Closed):
    """Nothing else."""


def place(user: User, asked: Mapping[str, Any], format: str) -> Place:
    """It is theirs, whatever organizations they are in."""
    return Place(name="account")


def write(writing: Writing) -> Iterator[int]:
    """As `GET /api/users/me/export/` has it."""
    theirs = Chat.objects.visible_to(writing.user).filter(user=writing.user)
    writing.total = theirs.count() + BESIDES
    with writing.path.open("wb") as file:
        yield from person.archived(writing.user, file)
