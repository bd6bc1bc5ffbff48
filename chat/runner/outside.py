"""What has come into a run's chat and project from outside, before the run: all of the chat, not only what its model is
still given to read. Looked up where a call is about to go out, not before.
"""

import asyncio
from urllib.parse import urlsplit

from accounts.db import AWAY, db
from agents.loop.outside import ANYWHERE, Outside
from chat.models import Message, MessageRole, ToolCall
from chat.models.facts import RunFacts
from chat.models.runs import ToolCallStatus
from tools.models import ProjectRepository

AGAIN_S = 0.5  # between two tries while the database is away


class Arrivals:
    """Of one run."""

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts

    async def outside(self) -> Outside:
        """What came in. It waits for a database that is away, as all of the run does."""
        while True:
            try:
                return await db(self.found)
            except AWAY:
                await asyncio.sleep(AGAIN_S)

    def found(self) -> Outside:
        """The same. Sync."""
        return Outside(self._names(), self._repository())

    def _names(self) -> frozenset[str]:
        """Of the tools that answered in earlier runs of the chat, subagents' among them."""
        if self.facts.chat_id is None:
            return frozenset()
        calls = ToolCall.objects.filter(run__chat=self.facts.chat_id).exclude(run=self.facts.id)
        answered = calls.exclude(status=ToolCallStatus.REFUSED)
        names = frozenset(answered.order_by().values_list("name", flat=True).distinct())
        return names | {ANYWHERE} if self._has_link() else names

    def _has_link(self) -> bool:
        """Whether somebody has sent a picture by its address."""
        said = Message.objects.filter(chat=self.facts.chat_id, role=MessageRole.USER).exclude(attachments=[])
        return any(map(_is_link, (file for files in said.values_list("attachments", flat=True) for file in files)))

    def _repository(self) -> frozenset[str]:
        """The host that the project's files were cloned from; anywhere, where somebody has uploaded them."""
        row = ProjectRepository.objects.filter(project=self.facts.project_id).first()
        if row is None or not (row.remote_url or row.fetched_at):
            return frozenset()
        return frozenset({urlsplit(row.remote_url).hostname or ANYWHERE})


def _is_link(file: dict[str, str]) -> bool:
    url = file.get("url") or ""
    is_fetched = bool(file.get("linked"))
    return is_fetched or (file.get("type") == "image" and bool(url) and not url.startswith("data:"))
