"""Where in a message an annotation stands, and where it stands once the message says something else."""

from chat.feedback.models import Annotation
from chat.models import Message


def find(text: str, quote: str, near: int) -> int | None:
    """Where the quote begins in the text: the place nearest to `near`, in code points. None: it is not in it."""
    before, behind = text.rfind(quote, 0, near + len(quote)), text.find(quote, near)
    found = [at for at in (before, behind) if at >= 0]
    return min(found, key=lambda at: abs(at - near), default=None)


def refit(message: Message) -> None:
    """The message says something else now: move its annotations along; those whose passage is gone are detached."""
    for each in Annotation.objects.filter(message=message):
        at = find(message.content, each.quote, each.start)
        if at == each.start and not each.is_detached:
            continue
        if at is not None:
            each.start, each.end = at, at + len(each.quote)
        each.is_detached = at is None
        each.save(update_fields=["start", "end", "is_detached"])
