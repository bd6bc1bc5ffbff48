"""Whom a turn is asked of, and the request as that one takes it. Pure."""

from dataclasses import dataclass
from itertools import accumulate

from msgspec.structs import replace

from agents import tokens
from agents.loop.attached import shown, shown_result
from agents.loop.lighter import AT_PERCENT, KEEP_PART, lighter
from agents.messages import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import Provider, ProviderRequest

MARGIN = 20  # a twentieth of a window is left free: tokens are estimated
OUTPUT_PART = 4  # at most a quarter of a window is kept for the answer


@dataclass(frozen=True)
class Target:
    """A model and who serves it."""

    model: ModelInfo
    provider: Provider


def fitted(request: ProviderRequest, target: Target) -> ProviderRequest:
    """The request by the model's own name, without what it cannot take and without what is another's state."""
    model, maker = target.model, target.provider.maker
    asked = replace(
        request,
        model=model.wire_name,
        messages=tuple(_taken(each, model, maker) for each in request.messages),
        tools=request.tools if model.has("tools") else (),
        temperature=request.temperature if model.has("sampling") else None,
        output_limit=model.max_output_tokens,
        effort=request.effort if request.effort in model.efforts else "",
    )
    room = room_of(model, request.max_output_tokens)
    return asked if room is None else _within(asked, room, model.context_tokens // KEEP_PART)


def left_out(request: ProviderRequest, asked: ProviderRequest) -> tuple[str, ...]:
    """What of a request is not in it as it is asked: temperature, effort, tools."""
    gone = {
        "temperature": request.temperature is not None and asked.temperature is None,
        "effort": request.effort != asked.effort,
        "tools": bool(request.tools) and not asked.tools,
    }
    return tuple(name for name, is_gone in gone.items() if is_gone)


def room_of(model: ModelInfo, max_output_tokens: int | None) -> int | None:
    """How many tokens a question may have: the window without the answer and a margin; None where nobody knows it."""
    if not model.is_context_known:
        return None
    window = model.context_tokens
    output = max_output_tokens or model.max_output_tokens or window
    return window - window // MARGIN - min(output, window // OUTPUT_PART)


def _taken(message: Message, model: ModelInfo, maker: str) -> Message:
    """The message as this model takes it: state that is another's left out, what it cannot see told in words."""
    if isinstance(message, AssistantMessage) and message.state is not None:
        is_own = (message.state.maker, message.state.model) == (maker, model.wire_name)
        return message if is_own else replace(message, state=None)
    if isinstance(message, ToolMessage) and message.images:
        return shown_result(message, model)
    return shown(message, model) if isinstance(message, UserMessage) else message


def _within(request: ProviderRequest, room: int, keep: int) -> ProviderRequest:
    """The request with lighter messages where it nearly fills the room, and without the oldest where it is too much."""
    around, messages = tokens.of_text(request.system) + tokens.of_tools(request.tools), request.messages
    size = tokens.of_messages(messages)
    if around + size > room * AT_PERCENT // 100:
        messages = lighter(messages, keep)
        size = tokens.of_messages(messages)
    if around + size > room:
        messages = _newest(messages, room - around)
    return request if messages is request.messages else replace(request, messages=messages)


def _newest(messages: tuple[Message, ...], room: int) -> tuple[Message, ...]:
    """The messages without the oldest ones. The last that was asked is always whole."""
    front = tuple(each for each in messages[:1] if isinstance(each, SystemMessage))
    room -= tokens.of_messages(front)
    begins = [number for number, each in enumerate(messages) if isinstance(each, UserMessage)]
    sizes = list(accumulate(tokens.of_message(each) for each in reversed(messages)))[::-1]  # from each to the end
    start = next((number for number in begins if sizes[number] <= room), begins[-1] if begins else 0)
    return messages if start <= len(front) else (*front, *messages[start:])
