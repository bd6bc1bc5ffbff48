"""/feedback: a comment on the newest answer, kept for whoever runs this."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.feedback import saying
from chat.feedback.models import TEXT_MAX_CHARS
from chat.models import MessageStatus
from chat.runner.commands import FEEDBACK, Command, Says, newest_answer, text
from chat.runner.kinds.command import Asked


async def run(asked: Asked) -> Says:
    """Keep it. Said again of the same answer, it takes the place of what was said before."""
    yield await asked.told(_kept)


def _kept(asked: Asked) -> str:
    answer = newest_answer(asked.run.question)
    if answer is None or answer.status == MessageStatus.DELETED:
        return _("There is no answer yet that this could be about.")
    saying.comment(user=asked.user, message=answer, text=asked.text)
    return _("Thank you. Your comment is kept with the answer.")


feedback = Command(
    FEEDBACK,
    gettext_noop("Comment on the last answer"),
    run,
    text("comment", "On the last answer", TEXT_MAX_CHARS),
)
