"""One reply of the model: its pieces become events as they come, and are put together on the way."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count
from typing import Any

import msgspec
from msgspec import UNSET

from agents import events as ev
from agents import tokens
from agents.archetypes.base import Limits
from agents.errors import LimitReached, ProviderError
from agents.events import AnyEvent, Call
from agents.loop import attached
from agents.loop.arguments import objects_in
from agents.loop.citing import Marks, Source, cited
from agents.loop.fallback import Order
from agents.loop.job import Job
from agents.loop.purse import BUDGET, Share, concluding, input_of, tokens_of
from agents.loop.sent import Sent
from agents.loop.sentences import Sentences
from agents.loop.target import Target, fitted, left_out
from agents.providers.base import (
    CallPiece,
    Finish,
    LeftOut,
    Piece,
    Provider,
    ProviderRequest,
    ReasoningPiece,
    StatePiece,
    TextPiece,
    UsageReport,
)
from agents.providers.cached import CachedProvider
from agents.state import STATE_MAX_BYTES, VendorState
from agents.usage import Usage
from tools.cleaning import Halves, clean

log = logging.getLogger(__name__)

ASKS = ("tool_calls", "stop")  # reasons behind which the calls of a reply are whole
CONCLUDED = (*ASKS, "length")  # reasons that say nothing else of a reply that was told to be the last
CUT = "sentence_limit"  # the reason of one that has as many sentences as it may: the rest is not asked for


async def replies(job: Job, request: ProviderRequest, reply: "Reply") -> AsyncGenerator[list[AnyEvent], None]:
    """Yield the reply's events. Where its model cannot answer, the next one is asked; else the same again, at most as
    often as the job allows, until its first visible token.

    Raises ProviderError, or QuotaExceeded before anything is asked and before another one is behind words that count.
    What had come by then has been yielded.
    """
    targets = await reply.affords(request, job.targets(request.model))
    order = Order(targets, reply.meant(request), down_s=job.retry.down_s)
    for attempt in count(1):
        asked = reply.asks(order.current, reply.meant(request))
        try:
            # As few generators as may be lie on the way of a token.
            async with aclosing(reply.provider.stream(asked)) as batches:  # type: ignore[type-var]
                async for pieces in batches:
                    if events := reply.take(pieces):
                        yield events
                    if reply.is_cut:
                        break  # which closes the stream: what is not written is not paid
            if events := reply.rest():
                yield events
            if not reply.finish_reason:
                raise ProviderError("upstream_incomplete", retryable=True)
            order.answered()
            return
        except ProviderError as error:
            may_wait = error.retryable and not reply.is_visible and attempt < job.retry.max_attempts
            if order.move_on(error, may_wait=may_wait):
                yield await reply.handed_on(attempt, error, order, request)
            elif not may_wait:
                raise
            else:
                delay_s = _delay_s(job, attempt, error)
                yield [reply.retried(attempt, delay_s, error)]
                await asyncio.sleep(delay_s)
            reply.start_again()


def _depth(path: str) -> int:
    """How many agents are above this one."""
    return path.count("/") + 1 if path else 0


def _delay_s(job: Job, attempt: int, error: ProviderError) -> float:
    """2, 4, 8 ... seconds with up to a quarter of jitter, or what the provider asked for; bounded."""
    wanted = error.retry_after_s if error.retry_after_s is not None else 2.0**attempt * random.uniform(0.75, 1.25)
    return min(wanted, job.retry.max_delay_s)


class Reply:
    """What has come of one reply so far."""

    def __init__(
        self,
        job: Job,
        path: str,
        turn: int,
        limits: Limits,
        cites_from: int | None = None,
        max_sentences: int | None = None,
    ) -> None:
        """`cites_from`: where in the answer its text begins, if marks are looked for in it. `max_sentences`: behind so
        many of them the reply is cut, and whole.
        """
        self.job = job
        self.path = path
        self.turn = turn
        self.limits = limits
        self.cites_from = cites_from
        self.max_sentences = max_sentences
        self.request: ProviderRequest | None = None
        self.target: Target | None = None
        self.output: Any = UNSET  # of an answer that was to be of a schema
        self.output_error = ""
        self.left_out: tuple[str, ...] = ()  # of the request under way
        self.unseen: tuple[str, ...] = ()
        self.told_model = ""  # of which the turn's newest `turn.started` tells
        self.share: Share | None = None
        self.is_last = False  # what might follow it is not covered: it is told to conclude
        self.start_again()

    @property
    def provider(self) -> Provider:
        """Who is asked: of a run's first reply it may be whoever remembers what was answered before."""
        assert self.target is not None
        if self.job.answers is None or self.path or self.turn != 1:
            return self.target.provider
        return CachedProvider(self.target.provider, self.job.answers)

    @property
    def is_from_cache(self) -> bool:
        """It was kept: it uses nothing."""
        return self.usage is not None and self.usage.is_from_cache

    async def affords(self, request: ProviderRequest, targets: Sequence[Target]) -> Sequence[Target]:
        """Take the turn's share of what the run may use, where somebody counts: who may be asked then.

        Raises QuotaExceeded.
        """
        if self.job.purse is None:
            return targets
        # Without tools nothing follows; behind a subagent's, each of those above it has a turn to conclude.
        ahead = 1 + _depth(self.path) if request.tools else 0
        share = await self.job.purse.take(input_of(request), [each.model.id for each in targets], ahead)
        self.share, self.is_last = share, share.is_last
        return [each for each in targets if share.models is None or each.model.id in share.models]

    def meant(self, request: ProviderRequest) -> ProviderRequest:
        """The request; told to conclude where what might follow it is not covered."""
        return concluding(request) if self.is_last else request

    def counted(self) -> Usage:
        """What the reply used; it is settled, and added to the run's."""
        usage = self.usage or self.estimate()
        self.job.tally.output_tokens += usage.output_tokens
        if self.share is not None and self.job.purse is not None:
            self.job.purse.settle(self.share, self._model or self.told_model, usage)
        self.share = None
        return usage

    def forgone(self) -> Usage:
        """What a reply used that was refused: nothing; its share is given back."""
        if self.share is not None and self.job.purse is not None:
            self.job.purse.settle(self.share, self._model or self.told_model, Usage())
        self.share = None
        return Usage()

    def asks(self, target: Target, request: ProviderRequest) -> ProviderRequest:
        """The request as this one is asked it, cut down to what the turn may use where somebody counts."""
        self.target, self.told_model = target, self.told_model or request.model
        asked = fitted(request, target)
        self.unseen = attached.unseen(request, asked)
        if self.share is not None:
            most = min(self.share.output_tokens, asked.max_output_tokens or self.share.output_tokens)
            asked = msgspec.structs.replace(asked, max_output_tokens=most)
        self.request = asked
        self.left_out = left_out(request, asked)
        return asked if self.job.sent is None else msgspec.structs.replace(asked, on_sent=self._sent)

    def _sent(self, body: bytes) -> None:
        """Tell whoever wants to know what was sent for this turn."""
        assert self.job.sent is not None and self.target is not None
        server = self.target.provider.maker
        self.job.sent(Sent(self.job.now(), self.path, self.turn, self._model, server, self.job.briefing, body))

    def retried(self, attempt: int, delay_s: float, error: ProviderError, next_model: str = "") -> AnyEvent:
        """The event that says so."""
        return ev.RetryScheduled(
            at=self.job.now(),
            agent=self.path,
            failed_attempt=attempt,
            max_attempts=max(self.job.retry.max_attempts, attempt + bool(next_model)),
            delay_s=round(delay_s, 3),
            code=error.code,
            message=error.message,
            model=self._model if next_model else "",
            next_model=next_model,
        )

    async def handed_on(
        self, attempt: int, error: ProviderError, order: Order, request: ProviderRequest
    ) -> list[AnyEvent]:
        """The events that say that another model answers. What this one has shown is taken back, but it was used: the
        other one's share is taken anew. Raises QuotaExceeded.
        """
        used = self.counted() if self.is_visible else None
        if used is not None:
            order.keep(await self.affords(request, order.left))
        next_model = order.current.model.id
        events = [self.retried(attempt, 0.0, error, next_model)]
        if used is not None:
            self.told_model = next_model
            events += self.taken_back("fallback", used)
        return events

    def taken_back(self, reason: str, usage: Usage | None = None) -> list[AnyEvent]:
        """The events that take back what was shown of the turn, which begins anew; `usage`: what it was counted as."""
        at = self.job.now()
        return [
            ev.TurnReset(at=at, agent=self.path, turn=self.turn, reason=reason, usage=usage),
            ev.TurnStarted(at=at, agent=self.path, turn=self.turn, model=self.told_model),
        ]

    @property
    def _model(self) -> str:
        return self.target.model.id if self.target is not None else ""

    def start_again(self) -> None:
        """Forget what an attempt brought that showed nothing."""
        self.text: list[str] = []
        self.is_visible = self.is_cut = False
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.state: VendorState | None = None
        self.names: dict[int, str] = {}
        self.arguments: dict[int, list[str]] = {}
        self.argument_bytes = 0
        self.thoughts: list[str] = []
        self.text_end, self.thought_end = Halves(), Halves()
        self.marks = None if self.cites_from is None else Marks(self.job.sources, self.cites_from)
        self.sentences = Sentences(self.max_sentences) if self.max_sentences else None

    def take(self, pieces: list[Piece]) -> list[AnyEvent]:
        """The events that these pieces make."""
        events: list[AnyEvent] = []
        for piece in pieces:
            if type(piece) is TextPiece:
                self._say(piece.text, events)
                if self.is_cut:
                    break
            else:
                self._note(piece, events)
        if events:
            self._show(events)
            self.job.check_budget()
        return events

    def _show(self, events: list[AnyEvent]) -> None:
        """Somebody sees these; the first of a kept reply says that it is one."""
        first = events[0]
        if not self.is_visible and self.is_from_cache and isinstance(first, ev.TextDelta | ev.ReasoningDelta):
            events[0] = msgspec.structs.replace(first, cache="hit")
        self.is_visible = True

    def rest(self) -> list[AnyEvent]:
        """The events of what was held back, once no more comes."""
        events: list[AnyEvent] = []
        self._think(self.thought_end.rest(), events)
        if not self.is_cut:
            self._say(self.text_end.rest(), events, is_last=True)
        if self.marks is not None:
            self._cite(self.marks.rest(), events)
        return events

    def _say(self, text: str, events: list[AnyEvent], *, is_last: bool = False) -> None:
        text = self.text_end.clean(text)
        if self.sentences is not None:
            text = self._within(self.sentences, text, is_last=is_last)
        if text:
            self.text.append(text)
            self.job.tally.text_bytes += len(text)
            events.append(ev.TextDelta(at=self.job.now(), agent=self.path, text=text))
            if self.marks is not None and (found := self.marks.feed(text)):
                self._cite(found, events)

    def _within(self, sentences: Sentences, text: str, *, is_last: bool) -> str:
        """What of it may be said. Behind the last sentence the reply is whole, and what it used can be guessed only."""
        text = sentences.feed(text)
        if not sentences.left:
            self.is_cut, self.finish_reason = True, CUT
            self.usage = self.usage if self.is_from_cache else None
        elif is_last:
            text += sentences.rest()
        return text

    def _cite(self, found: list[tuple[Source, int]], events: list[AnyEvent]) -> None:
        at = self.job.now()
        events += [cited(source, place, at=at, run_id=self.job.run_id, turn=self.turn) for source, place in found]

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
            case StatePiece(items=items):
                self.state = self._kept(items)
            case LeftOut(names=names):
                self.left_out = tuple(dict.fromkeys((*self.left_out, *names)))
            case _:
                pass  # an empty piece

    def _collect(self, piece: CallPiece) -> None:
        if piece.name:
            self.names[piece.index] = self.names.get(piece.index, "") + piece.name
        self.arguments.setdefault(piece.index, []).append(piece.arguments)
        self.argument_bytes += len(piece.arguments)
        if self.argument_bytes > self.limits.max_argument_bytes:
            raise LimitReached("max_argument_bytes")

    def _kept(self, items: tuple[str, ...]) -> VendorState | None:
        assert self.target is not None
        state = VendorState(self.target.provider.maker, self.target.model.wire_name, items)
        if state.size > STATE_MAX_BYTES:
            log.warning("%s: %d bytes of state of a reply are not kept", state.maker, state.size)
        return state if items and state.size <= STATE_MAX_BYTES else None

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
        usage = self.counted()
        if self.is_last and self.finish_reason in CONCLUDED:
            self.finish_reason = BUDGET  # kept in the log, so that whoever takes over knows that it was the last
        return ev.ReplyCompleted(
            at=self.job.now(),
            agent=self.path,
            turn=self.turn,
            finish_reason=self.finish_reason,
            usage=usage,
            calls=self.calls(),
            model=self._model if self._model != self.told_model else "",
            state=self.state,
            output=self.output,
            output_error=self.output_error,
            left_out=self.left_out,
            unseen=self.unseen,
        )

    def estimate(self) -> Usage:
        """What the reply cost, for a provider that does not say."""
        said = [self.text, self.thoughts, self.names.values(), *self.arguments.values()]
        return Usage(
            input_tokens=tokens_of(request) if (request := self.request) else 0,
            output_tokens=sum(map(tokens.of_texts, said)),
            status="estimated",
        )
