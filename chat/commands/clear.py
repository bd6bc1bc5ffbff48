"""/clear: the model reads nothing of what was said before. That stays, as another branch of the chat's tree."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.runner.commands import Command, Says
from chat.runner.kinds.command import Asked


async def run(asked: Asked) -> Says:
    """Say so: the command's own message is the new root already."""
    yield await asked.told(_told)


def _told(asked: Asked) -> str:
    return _("A new beginning: nothing of what was said before is read any more. It is kept, as the version before.")


clear = Command(
    "clear",
    gettext_noop("Begin anew in this chat; what was said is kept beside it"),
    run,
    for_guests=True,
    begins_anew=True,
)
