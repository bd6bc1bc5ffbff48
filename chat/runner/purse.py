"""Where the turns of a run take their shares from: what is reserved for it, and more of the budgets that apply to it.

Its own cap, where the request has one, is as a budget of this run alone.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings

from accounts.db import AWAY, db
from agents.errors import QuotaExceeded
from agents.loop.purse import Share
from agents.options import RunOptions
from agents.usage import Usage
from chat.metering import amounts, budgets
from chat.metering.amounts import Amount
from chat.metering.budgets import Cover
from chat.models import Run

OUTPUT_PART = 4  # a turn has a quarter of the usual one for its output at least
OUTPUT_LEAST = 64  # tokens: where a cap leaves less, there is nothing to say with


@dataclass(frozen=True)
class Cap:
    """What a request lets its run use."""

    tokens: int | None
    nanos: int | None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.tokens is not None or self.nanos is not None


def cap_of(options: RunOptions) -> Cap:
    """The cap of a request."""
    return Cap(options.max_tokens, options.max_nanos)


class RunPurse:
    """One run's. It asks the database nothing where what is reserved covers the turn and what may follow it."""

    def __init__(self, run: Run, *, spent: Amount, cap: Cap) -> None:
        self.run_id: UUID = run.pk
        self.attempt = run.attempt
        self.reserved_tokens, self.reserved_nanos = run.reserved_tokens, run.reserved_nanos
        # Used by turns that are over, and the shares of those that are not.
        self.tokens, self.nanos = spent.tokens, spent.nanos or 0
        self.cap = cap
        self.covered_turns = run.covered_turns  # as the run began, so it is asked anew behind its first turn

    async def take(self, input_tokens: int, models: Sequence[str], ahead: int) -> Share:
        """The share of a turn with so much input: a turn's usual one, or its input and a quarter of that for output."""
        usual = settings.AGENTS_BUDGET_TURN_TOKENS
        share = self._priced(Share(input_tokens, max(usual - input_tokens, usual // OUTPUT_PART)), models)
        share = self._within_cap(share, models, ahead)
        self._promise(share.tokens, share.nanos or 0)
        cover = await self._cover(share, ahead)
        if cover is Cover.NOTHING:
            self._promise(-share.tokens, -(share.nanos or 0))
            raise QuotaExceeded
        return replace(share, is_last=share.is_last or cover is Cover.THIS)

    def settle(self, share: Share, model: str, usage: Usage) -> None:
        """The turn is over. What nobody can price has cost what was thought."""
        nanos = amounts.cost(model, usage) if self._counts_money else 0
        used = share.nanos if nanos is None else nanos
        self._promise(usage.total_tokens - share.tokens, (used or 0) - (share.nanos or 0))

    @property
    def _counts_money(self) -> bool:
        return self.reserved_nanos > 0 or self.cap.nanos is not None

    def _promise(self, tokens: int, nanos: int) -> None:
        self.tokens += tokens
        self.nanos += nanos

    def _priced(self, share: Share, models: Sequence[str]) -> Share:
        """With what it costs at most, whoever of those answers who have a price."""
        if not self._counts_money:
            return share
        costs = {each: amounts.most_of(each, share.input_tokens, share.output_tokens) for each in models}
        known = {model: nanos for model, nanos in costs.items() if nanos is not None}
        if models[0] not in known:
            return replace(share, nanos=None)
        return replace(share, nanos=max(known.values()), models=frozenset(known))

    def _within_cap(self, share: Share, models: Sequence[str], ahead: int) -> Share:
        """The same with no more output than the cap has room for; the last one where none can follow it."""
        if not self.cap:
            return share
        least = settings.AGENTS_BUDGET_TURN_TOKENS // OUTPUT_PART
        most = self._room(share, least, ahead)
        is_last = ahead > 0 and most < least
        if is_last:
            most = self._room(share, least, 0)
        if most < OUTPUT_LEAST:
            raise QuotaExceeded
        cut = replace(share, output_tokens=min(most, share.output_tokens), is_last=is_last)
        return cut if cut.output_tokens == share.output_tokens else self._priced(cut, models)

    def _room(self, share: Share, least: int, ahead: int) -> int:
        """How many tokens of output the cap has room for, if so many turns with the least of them are to follow."""
        rooms = []
        if self.cap.tokens is not None:
            rooms.append(self.cap.tokens - self.tokens - share.input_tokens - ahead * (share.input_tokens + least))
        if self.cap.nanos is not None:
            rooms.append(self._affordable(share, least, ahead, self.cap.nanos - self.nanos))
        return min(rooms)

    def _affordable(self, share: Share, least: int, ahead: int, nanos: int) -> int:
        """The same for so much money."""
        if share.nanos is None or share.models is None:
            return 0
        model = max(share.models, key=lambda each: amounts.most_of(each, share.input_tokens, share.output_tokens) or 0)
        asked, answered = (amounts.most_of(model, share.input_tokens, each) or 0 for each in (0, share.output_tokens))
        left = nanos - asked - ahead * (amounts.most_of(model, share.input_tokens, least) or 0)
        if answered == asked:
            return share.output_tokens if left >= 0 else 0
        return left * share.output_tokens // (answered - asked)

    async def _cover(self, share: Share, ahead: int) -> Cover:
        """Whether this share, promised already, and so many like it are covered. The first is reserved then."""
        more = Amount(share.tokens * ahead, None if share.nanos is None else share.nanos * ahead)
        covered, self.covered_turns = self.covered_turns, 0
        if ahead < covered:
            more = Amount()
        if not self.reserved_tokens or self._has_reserved(share, more):
            return Cover.MORE
        wanted = Amount(self.tokens, None if share.nanos is None else self.nanos)
        while True:
            try:
                cover = await db(budgets.extend, self.run_id, self.attempt, wanted, more)
            except AWAY:
                await asyncio.sleep(0.5)
                continue
            if cover is not Cover.NOTHING:
                self.reserved_tokens = max(self.reserved_tokens, wanted.tokens)
                self.reserved_nanos = max(self.reserved_nanos, wanted.nanos or 0)
            return cover

    def _has_reserved(self, share: Share, more: Amount) -> bool:
        if share.nanos is None:
            return False
        is_money_there = not self._counts_money or self.nanos + (more.nanos or 0) <= self.reserved_nanos
        return is_money_there and self.tokens + more.tokens <= self.reserved_tokens
