"""What came with messages, as far as a model can take it. Pure."""

from agents.messages import File, Image, UserMessage, not_shown
from agents.model_info import ModelInfo
from agents.providers.base import ProviderRequest

NO_AUDIO = ("responses", "messages")  # APIs that have no word for it, whatever the model can


def shown(message: UserMessage, model: ModelInfo) -> UserMessage:
    """The message as this model takes it: what it can neither see, read nor hear is told in words."""
    images = tuple(each for each in message.images if can_take(model, each))
    files = tuple(each for each in message.files if can_take(model, each))
    told = [not_shown(each) for each in message.attached if not can_take(model, each)]
    return UserMessage("\n\n".join(filter(None, (message.text, *told))), images, files) if told else message


def can_take(model: ModelInfo, attached: Image | File) -> bool:
    """Whether this model is sent it."""
    if isinstance(attached, Image):
        return model.has("images")
    return model.has(attached.kind) and not (attached.kind == "audio" and model.server.api in NO_AUDIO)


def unseen(request: ProviderRequest, asked: ProviderRequest) -> tuple[str, ...]:
    """The origins of what is in the messages of a request, and was left out of these messages as they are asked.

    A file whose text was told in its place was not left out.
    """
    pairs = zip(reversed(request.messages), reversed(asked.messages), strict=False)  # older ones may be left out whole
    found = [
        each.origin
        for before, after in pairs
        if isinstance(before, UserMessage) and isinstance(after, UserMessage)
        for each in before.attached
        if each.origin and each not in after.attached and not (isinstance(each, File) and each.instead)
    ]
    return tuple(found)
