"""A conversation without the old, large results of tools and their pictures: these can be asked for again. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from agents import tokens
from agents.messages import Message, ToolMessage

RESULT_BYTES = 2_000  # a result that is larger is left out once it is old
KEEP_MESSAGES = 6  # the newest ones stay as they are, however large
KEEP_PART = 5  # and as many as a fifth of the window holds
AT_PERCENT = 80  # so full of its room, a conversation is too long
DROPPED = "[result of {bytes:,} bytes dropped; call again]"
PICTURES = "[its pictures dropped, {count}; call again]"


class Newest:
    """Asked about each message, from the newest to the oldest: it gives it as it is told in a conversation that is too
    long, and counts both forms.
    """

    def __init__(self, keep: int) -> None:
        """`keep`: tokens of the newest messages that stay as they are."""
        self.keep = keep
        self.count = 0
        self.whole = 0  # tokens of the messages so far, as they are
        self.tokens = 0  # the same as they are told

    def told(self, message: Message) -> Message:
        """The message, without its content where that is the result of a tool, old and large."""
        size = tokens.of_message(message)
        is_old = self.count >= KEEP_MESSAGES and self.whole + size > self.keep
        told = _dropped(message) if is_old else message
        self.count += 1
        self.whole += size
        self.tokens += size if told is message else tokens.of_message(told)
        return told

    def all_told(self, messages: Sequence[Message]) -> list[Message]:
        """The same of several that follow each other, oldest first."""
        return [self.told(each) for each in reversed(messages)][::-1]


def lighter(messages: Sequence[Message], keep: int) -> tuple[Message, ...]:
    """The messages without old, large results."""
    return tuple(Newest(keep).all_told(messages))


def _dropped(message: Message) -> Message:
    if not isinstance(message, ToolMessage):
        return message
    if message.images:
        told = f"{message.content}\n\n{PICTURES.format(count=len(message.images))}"
        message = replace(message, content=told, images=())
    if len(message.content) * 4 <= RESULT_BYTES:
        return message
    size = len(message.content.encode())
    return replace(message, content=DROPPED.format(bytes=size)) if size > RESULT_BYTES else message
