"""Who sees a chat, in the few words that stand above it."""

from chat.models import Chat, ChatShare, Sharing
from chat.page.words import say


def shared_with(chat: Chat) -> str:
    """Its project, then the people named; "" for a private one. static/chat/share.js says the same of a changed one."""
    shares = ChatShare.objects.filter(chat=chat).select_related("user").order_by("created_at")
    names = [share.user.display_name for share in shares]
    if chat.sharing == Sharing.PROJECT and chat.project is not None:
        names.insert(0, say("forProject", name=chat.project.name))
    return ", ".join(names)
