"""What is written around what people and models said, in the reader's language."""

from django.utils.translation import gettext as _

from chat.models import Message, MessageRole, MessageStatus


def name_of(message: Message) -> str:
    """Who said it."""
    if message.role == MessageRole.ASSISTANT:
        return message.model or _("Assistant")
    if message.role in (MessageRole.SYSTEM, MessageRole.TOOL):
        return _("System") if message.role == MessageRole.SYSTEM else _("Tool")
    if message.author is None:
        return _("Somebody who is gone")
    return message.author.name or message.author.email


def state_of(message: Message) -> str:
    """What is to be known of it besides its text; empty for one that is whole."""
    match message.status:
        case MessageStatus.DELETED:
            return _("Deleted.")
        case MessageStatus.IN_PROGRESS:
            return _("It was still being written.")
        case MessageStatus.CANCELLED:
            return _("It was stopped.")
        case MessageStatus.FAILED:
            return _("It failed.")
        case _:
            return ""
