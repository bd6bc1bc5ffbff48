"""Where the turns of a run take their shares from: what is reserved for it, and more of its organization's budget."""

import asyncio
from uuid import UUID

from django.conf import settings

from accounts.db import AWAY, db
from agents.errors import QuotaExceeded
from agents.loop.purse import Share
from chat.metering import budgets
from chat.models import Run


class RunPurse:
    """One run's. A run whose reservation covers its turns asks the database nothing."""

    def __init__(self, run: Run, *, spent: int) -> None:
        self.run_id: UUID = run.pk
        self.attempt = run.attempt
        self.reserved = run.reserved_tokens
        self.promised = spent  # used by turns that are over, and the shares of those that are not

    async def take(self, input_tokens: int) -> Share:
        """The share of a turn with so much input: a turn's usual one, or its input and a quarter of that for output."""
        usual = settings.AGENTS_BUDGET_TURN_TOKENS
        share = Share(input_tokens, max(usual - input_tokens, usual // 4))
        self.promised += share.tokens
        if self.promised > self.reserved and not await self._extend(self.promised):
            self.promised -= share.tokens
            raise QuotaExceeded
        return share

    def settle(self, share: Share, used_tokens: int) -> None:
        """The turn is over."""
        self.promised += used_tokens - share.tokens

    async def _extend(self, tokens: int) -> bool:
        while True:
            try:
                is_covered = await db(budgets.extend, self.run_id, self.attempt, tokens)
            except AWAY:
                await asyncio.sleep(0.5)
                continue
            if is_covered:
                self.reserved = max(self.reserved, tokens)
            return is_covered
