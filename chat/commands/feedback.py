"""/feedback: a comment on the newest answer, kept for whoever runs this."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from chat.models import Feedback
from chat.runner.commands import FEEDBACK, Command, Says, newest_answer, text
from chat.runner.kinds.command import Asked
from chat.webhooks import telling

COMMENT_MAX_CHARS = 2_000


async def run(asked: Asked) -> Says:
    """Keep it. Said again of the same answer, it takes the place of what was said before."""
    yield await asked.told(_kept)


def _kept(asked: Asked) -> str:
    answer = newest_answer(asked.run.question)
    if answer is None:
        return _("There is no answer yet that this could be about.")
    with transaction.atomic():
        Feedback.objects.update_or_create(message=answer, user=asked.user, defaults={"comment": asked.text})
        telling.feedback_given(answer, asked.user.pk)
    return _("Thank you. Your comment is kept with the answer.")


feedback = Command(
    FEEDBACK,
    gettext_noop("Comment on the last answer"),
    run,
    text("comment", "On the last answer", COMMENT_MAX_CHARS),
)
