"""The tools of a run's project, fixed when it begins: a takeover offers the same, or knows which are gone."""

import logging

from agents.installation import toolset_of
from agents.loop.toolset import Toolset, as_begun, digests
from chat.models import Chat, Run
from tools.base import Tool
from tools.mcp import offering

log = logging.getLogger(__name__)

KEY = "toolset"  # in the run's options


def toolset_for(run: Run) -> Toolset:
    """The tools. The first attempt stores what they are: two texts a tool, and nothing where there are none."""
    today, kept = _today(run.chat), run.options.get(KEY)
    if not kept and (not today or run.attempt > 1):
        return Toolset()  # a run that began with none has none to its end
    if run.attempt <= 1:
        kept = digests(today)
        run.options = {**run.options, KEY: kept}
        Run.objects.filter(pk=run.pk, attempt=run.attempt).update(options=run.options)
    found = as_begun(today, kept)
    if found.gone:
        log.warning("run %s goes on without tools that are gone or changed: %s", run.pk, ", ".join(sorted(found.gone)))
    return found


def _today(chat: Chat | None) -> tuple[Tool, ...]:
    """The tools of the chat's project. No query for a chat that was read with `has_mcp_tools`, false."""
    if chat is None:
        return ()
    has_none = getattr(chat, "has_mcp_tools", None) is False
    return toolset_of(chat.project_id, but=offering.toolset if has_none else None) or ()
