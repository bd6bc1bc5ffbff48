"""What came with messages and results, as far as a model can take it. Pure."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from agents.loop.looking import Most
from agents.messages import File, Image, Message, ToolMessage, UserMessage, not_shown
from agents.model_info import ModelInfo
from agents.providers.base import ProviderRequest

NO_AUDIO = ("responses", "messages")  # APIs that have no word for it, whatever the model can


def shown(message: UserMessage, model: ModelInfo) -> UserMessage:
    """The message as this model takes it: what it can neither see, read nor hear is told in words."""
    images = tuple(each for each in message.images if can_take(model, each))
    files = tuple(each for each in message.files if can_take(model, each))
    told = [not_shown(each) for each in message.attached if not can_take(model, each)]
    return UserMessage("\n\n".join(filter(None, (message.text, *told))), images, files) if told else message


def shown_result(message: ToolMessage, model: ModelInfo) -> ToolMessage:
    """The same of a tool's result."""
    return message if model.has("images") else replace(_with_lines(message, map(_unseen, message.images)), images=())


def _unseen(image: Image) -> str:
    return not_shown(replace(image, instead=""))


def _with_lines(message: ToolMessage, lines: Iterable[str]) -> ToolMessage:
    return replace(message, content="\n\n".join(filter(None, (message.content, *lines))))


def _without(message: ToolMessage, gone: Sequence[Image]) -> ToolMessage:
    """The result with a line in the place of these pictures."""
    left = tuple(each for each in message.images if each not in gone)
    return replace(_with_lines(message, map(not_shown, gone)), images=left)


def within(messages: tuple[Message, ...], most: Most) -> tuple[Message, ...]:
    """The messages with the newest pictures, as many as one request holds; older ones of results are told in words.

    What came with people's messages is counted, and has been chosen before.
    """
    if not any(isinstance(each, ToolMessage) and each.images for each in messages):
        return messages
    images, room, told = most.images, most.bytes, list[Message]()
    for message in reversed(messages):
        gone: list[Image] = []
        for image in message.images if isinstance(message, ToolMessage | UserMessage) else ():
            size = len(image.url) * 3 // 4  # base64
            if isinstance(message, ToolMessage) and (images <= 0 or size > room):
                gone.append(image)
            else:
                images, room = images - 1, room - size
        told.append(_without(message, gone) if isinstance(message, ToolMessage) and gone else message)
    return tuple(told[::-1])


def can_take(model: ModelInfo, attached: Image | File) -> bool:
    """Whether this model is sent it."""
    if isinstance(attached, Image):
        return model.has("images")
    return model.has(attached.kind) and not (attached.kind == "audio" and model.server.api in NO_AUDIO)


def unseen(request: ProviderRequest, asked: ProviderRequest) -> tuple[str, ...]:
    """The origins of what is in the messages of a request, and was left out of these messages as they are asked.

    A file whose text was told in its place was not left out, nor a picture of a result that is not told any more.
    """
    pairs = zip(reversed(request.messages), reversed(asked.messages), strict=False)  # older ones may be left out whole
    found = [
        each.origin
        for before, after in pairs
        for each in _attached(before)
        if each.origin and each not in _attached(after) and _is_missed(each, after)
    ]
    return tuple(found)


def _is_missed(attached: Image | File, after: Message) -> bool:
    """Whether nothing else was told in its place: the text of a file, or that a result is too old to be told whole."""
    if isinstance(after, ToolMessage):
        return isinstance(attached, Image) and _unseen(attached) in after.content
    return not (isinstance(attached, File) and attached.instead)


def _attached(message: Message) -> tuple[Image | File, ...]:
    if isinstance(message, UserMessage):
        return message.attached
    return message.images if isinstance(message, ToolMessage) else ()
