"""A conversation in the order that every model server takes: roles alternate, whatever happened to it. Pure.

Servers with strict chat templates refuse a request with two messages of one role in a row, with a tool's result that no
answer follows, or with a system message in the middle (vllm-project/vllm#6862, suitenumerique/conversations#197).
"""

from collections.abc import Iterable, Iterator

from agents.messages import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage

BEFORE = "[The conversation so far.]"  # where there is no word of a person before the first answer
NO_ANSWER = "[No answer was given.]"  # behind a tool's result: the answer was stopped there, or failed


def shaped(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages so that they alternate: one system message at most, at the front; then a person's, an answer, ...

    An answer's calls are followed by exactly their results; what is left over of either is dropped. Nothing else that
    was said is lost: neighbours of one role become one message. What a client tells behind the last answer is what is
    to be answered, so it is sent as a person's: an answer at the end is one to go on with, which many servers refuse.
    """
    said = [each for each in messages if not _is_empty(each)]
    if late := _late(said):
        said[-len(late) :] = [UserMessage("\n\n".join(each.text for each in late))]
    told = "\n\n".join(each.text for each in said if isinstance(each, SystemMessage))
    turns = _turns([each for each in said if not isinstance(each, SystemMessage)])
    return (*([SystemMessage(told)] if told else []), *_alternating(turns))


def _late(said: list[Message]) -> list[SystemMessage]:
    """The system messages behind an answer that is the last other word."""
    found: list[SystemMessage] = []
    for each in reversed(said):
        if not isinstance(each, SystemMessage):
            return found if isinstance(each, AssistantMessage) else []
        found.insert(0, each)
    return []


Turn = UserMessage | tuple[AssistantMessage, tuple[ToolMessage, ...]]  # a person's, or a reply with its calls' results


def _is_empty(message: Message) -> bool:
    match message:
        case UserMessage(text=text):
            return not text.strip() and not message.attached
        case AssistantMessage(text=text, calls=calls):
            return not text.strip() and not calls
        case SystemMessage(text=text):
            return not text.strip()
        case ToolMessage():
            return False


def _turns(said: list[UserMessage | AssistantMessage | ToolMessage]) -> Iterator[Turn]:
    """Each reply with the results that follow it, of its own calls, each once; a result of no call is left out."""
    results: dict[str, ToolMessage] = {}
    reply: AssistantMessage | None = None
    for each in [*said, None]:
        if isinstance(each, ToolMessage):
            results.setdefault(each.call, each)
            continue
        if reply is not None:
            yield from _reply(reply, results)
        reply, results = (each, {}) if isinstance(each, AssistantMessage) else (None, {})
        if isinstance(each, UserMessage):
            yield each


def _reply(reply: AssistantMessage, results: dict[str, ToolMessage]) -> Iterator[Turn]:
    calls = {each.id: each for each in reply.calls if each.id in results}
    told = tuple(results[id] for id in calls)
    if calls or reply.text.strip():
        is_whole = len(calls) == len(reply.calls)  # else it is not what its provider said any more
        yield AssistantMessage(reply.text, tuple(calls.values()), reply.state if is_whole else None), told


def _alternating(turns: Iterable[Turn]) -> Iterator[Message]:
    """Neighbours of one role joined, and what is missing between two of others put in."""
    last: Message | None = None  # held back: what follows may belong to it
    for turn in turns:
        if isinstance(turn, UserMessage):
            if isinstance(last, ToolMessage):
                yield last
                last = AssistantMessage(NO_ANSWER)
            if isinstance(last, UserMessage):
                last = _joined(last, turn)
                continue
            if last is not None:
                yield last
            last = turn
            continue
        reply, results = turn
        if isinstance(last, AssistantMessage):
            last = AssistantMessage(f"{last.text}\n\n{reply.text}" if reply.text.strip() else last.text, reply.calls)
        else:
            yield last if last is not None else UserMessage(BEFORE)
            last = reply
        for result in results:
            yield last
            last = result
    yield last if last is not None else UserMessage(BEFORE)


def _joined(first: UserMessage, second: UserMessage) -> UserMessage:
    texts = [each.text for each in (first, second) if each.text.strip()]
    return UserMessage("\n\n".join(texts), (*first.images, *second.images), (*first.files, *second.files))
