"""An answer that is to be JSON of a schema: looked at when it is whole, asked for once more where it does not fit."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from agents.errors import OutputInvalid
from agents.events import AnyEvent
from agents.loop.job import Job
from agents.loop.reply import Reply, replies
from agents.messages import AssistantMessage, UserMessage
from agents.output import Judged, judge
from agents.providers.base import ProviderRequest
from tools.cleaning import clean_json

REASON = "output_invalid"
AGAIN = """\
This answer does not fit the JSON Schema that was asked for:
{faults}
Write the whole answer again: the JSON alone."""


async def checked(job: Job, request: ProviderRequest, reply: Reply) -> AsyncGenerator[list[AnyEvent], None]:
    """Yield the reply's events. An answer that does not fit is taken back, once, and its model told what is wrong.

    Raises OutputInvalid where the second does not fit either and the request is strict, and what `replies` does. What
    asks for tools, was cut at its length or was refused is no answer yet, and is not looked at.
    """
    assert request.output is not None
    for is_last in (False, True):
        async with aclosing(replies(job, request, reply)) as pieces:
            async for events in pieces:
                yield events
        judged = await _judged(request, reply)
        if judged is None or not judged.faults or is_last or not request.output.repairs:
            break
        yield reply.taken_back(REASON, reply.counted())
        request = _again(request, reply, judged)
        reply.start_again()
    _note(request, reply, judged)


async def _judged(request: ProviderRequest, reply: Reply) -> Judged | None:
    """The answer, looked at; None where it is none."""
    if request.output is None or reply.finish_reason != "stop" or reply.calls():
        return None
    return await asyncio.to_thread(judge, "".join(reply.text), request.output.schema)  # a schema can be long work


def _again(request: ProviderRequest, reply: Reply, judged: Judged) -> ProviderRequest:
    faults = "\n".join(f"- {each}" for each in judged.faults)
    said = (AssistantMessage("".join(reply.text) or "-"), UserMessage(AGAIN.format(faults=faults)))
    return replace(request, messages=(*request.messages, *said))


def _note(request: ProviderRequest, reply: Reply, judged: Judged | None) -> None:
    assert request.output is not None
    if judged is None:
        return
    if judged.faults and request.output.strict:
        raise OutputInvalid(judged.faults)
    reply.output, reply.output_error = clean_json(judged.value), " ".join(judged.faults)
