"""One reply of the model: its pieces become events as they come, and are put together on the way."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count

import msgspec

from agents import events as ev
from agents import tokens
from agents.archetypes.base import Limits
from agents.errors import LimitReached, ProviderError
from agents.events import AnyEvent, Call
from agents.loop.arguments import objects_in
from agents.loop.job import Job
from agents.loop.purse import Share, input_of, tokens_of
from agents.providers.base import CallPiece, Finish, Piece, ProviderRequest, ReasoningPiece, TextPiece, UsageReport
from agents.usage import Usage
from tools.cleaning import Halves, clean

ASKS = ("tool_calls", "stop")  # reasons behind which the calls of a reply are whole


async def replies(job: Job, request: ProviderRequest, reply: "Reply") -> AsyncGenerator[list[AnyEvent], None]:
    """Yield the reply's events; ask again, at most as often as the job allows, until its first visible token.

    Raises ProviderError, or QuotaExceeded before anything is asked. What had come by then has been yielded.
    """
    request = reply.request = await _afforded(job, request, reply)
    for attempt in count(1):
        try:
            # As few generators as may be lie on the way of a token.
            async with aclosing(job.provider(request.model).stream(request)) as batches:  # type: ignore[type-var]
                async for pieces in batches:
                    if events := reply.take(pieces):
                        yield events
            if events := reply.rest():
                yield events
            if not reply.finish_reason:
                raise ProviderError("upstream_incomplete", retryable=True)
            return
        except ProviderError as error:
            if reply.is_visible or not error.retryable or attempt >= job.retry.max_attempts:
                raise
            delay_s = _delay_s(job, attempt, error)
            yield [_retry(job, reply, attempt, delay_s, error)]
            await asyncio.sleep(delay_s)
            reply.start_again()


def _retry(job: Job, reply: "Reply", attempt: int, delay_s: float, error: ProviderError) -> AnyEvent:
    return ev.RetryScheduled(
        at=job.now(),
        agent=reply.path,
        failed_attempt=attempt,
        max_attempts=job.retry.max_attempts,
        delay_s=round(delay_s, 3),
        code=error.code,
        message=error.message,
    )


async def _afforded(job: Job, request: ProviderRequest, reply: "Reply") -> ProviderRequest:
    """The request, cut down to what its turn may use where somebody counts."""
    if job.purse is None:
        return request
    share = reply.share = await job.purse.take(input_of(request))
    most = min(share.output_tokens, request.max_output_tokens or share.output_tokens)
    return msgspec.structs.replace(request, max_output_tokens=most)


def _delay_s(job: Job, attempt: int, error: ProviderError) -> float:
    """2, 4, 8 ... seconds with up to a quarter of jitter, or what the provider asked for; bounded."""
    wanted = error.retry_after_s if error.retry_after_s is not None else 2.0**attempt * random.uniform(0.75, 1.25)
    return min(wanted, job.retry.max_delay_s)


class Reply:
    """What has come of one reply so far."""

    def __init__(self, job: Job, path: str, turn: int, limits: Limits) -> None:
        self.job = job
        self.path = path
        self.turn = turn
        self.limits = limits
        self.request: ProviderRequest | None = None
        self.share: Share | None = None
        self.start_again()

    def start_again(self) -> None:
        """Forget what an attempt brought that showed nothing."""
        self.text: list[str] = []
        self.is_visible = False
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.names: dict[int, str] = {}
        self.arguments: dict[int, list[str]] = {}
        self.argument_bytes = 0
        self.thoughts: list[str] = []
        self.text_end, self.thought_end = Halves(), Halves()

    def take(self, pieces: list[Piece]) -> list[AnyEvent]:
        """The events that these pieces make."""
        events: list[AnyEvent] = []
        for piece in pieces:
            if type(piece) is TextPiece:
                self._say(piece.text, events)
            else:
                self._note(piece, events)
        if events:
            self.is_visible = True
            self.job.check_budget()
        return events

    def rest(self) -> list[AnyEvent]:
        """The events of what was held back, once no more comes."""
        events: list[AnyEvent] = []
        self._think(self.thought_end.rest(), events)
        self._say(self.text_end.rest(), events)
        return events

    def _say(self, text: str, events: list[AnyEvent]) -> None:
        text = self.text_end.clean(text)
        if text:
            self.text.append(text)
            self.job.tally.text_bytes += len(text)
            events.append(ev.TextDelta(at=self.job.now(), agent=self.path, text=text))

    def _think(self, text: str, events: list[AnyEvent]) -> None:
        text = self.thought_end.clean(text)
        if text:
            self.thoughts.append(text)
            self.job.tally.text_bytes += len(text)
            events.append(ev.ReasoningDelta(at=self.job.now(), agent=self.path, text=text))

    def _note(self, piece: Piece, events: list[AnyEvent]) -> None:
        match piece:
            case ReasoningPiece(text=text):
                self._think(text, events)
            case CallPiece():
                self._collect(piece)
            case Finish(reason=reason):
                self.finish_reason = reason
            case UsageReport(usage=usage):
                self.usage = usage
            case _:
                pass  # an empty piece

    def _collect(self, piece: CallPiece) -> None:
        if piece.name:
            self.names[piece.index] = self.names.get(piece.index, "") + piece.name
        self.arguments.setdefault(piece.index, []).append(piece.arguments)
        self.argument_bytes += len(piece.arguments)
        if self.argument_bytes > self.limits.max_argument_bytes:
            raise LimitReached("max_argument_bytes")

    def calls(self) -> tuple[Call, ...]:
        """The tool calls asked for, in the order of their index; none of a reply that was cut off in its middle."""
        if self.finish_reason not in ASKS:
            return ()
        asked = [
            (self.names.get(index, ""), arguments)
            for index, pieces in sorted(self.arguments.items())
            for arguments in objects_in("".join(pieces))
        ]
        return tuple(
            Call(self.job.call_id(self.path, self.turn, position), clean(name), clean(arguments))
            for position, (name, arguments) in enumerate(asked)
        )

    def completed(self) -> ev.ReplyCompleted:
        """The event that says the reply is whole; its tokens are added to the run's."""
        usage = self.usage or self.estimate()
        self.job.tally.output_tokens += usage.output_tokens
        if self.share is not None and self.job.purse is not None:
            self.job.purse.settle(self.share, usage.total_tokens)
        return ev.ReplyCompleted(
            at=self.job.now(),
            agent=self.path,
            turn=self.turn,
            finish_reason=self.finish_reason,
            usage=usage,
            calls=self.calls(),
        )

    def estimate(self) -> Usage:
        """What the reply cost, for a provider that does not say."""
        said = [self.text, self.thoughts, self.names.values(), *self.arguments.values()]
        return Usage(
            input_tokens=tokens_of(request) if (request := self.request) else 0,
            output_tokens=sum(map(tokens.of_texts, said)),
            status="estimated",
        )
