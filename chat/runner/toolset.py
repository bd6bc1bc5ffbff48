"""The tools of a run's project, fixed when it begins: a takeover offers the same, or knows which are gone."""

import logging

from agents.installation import toolset_of
from agents.loop.toolset import Toolset, as_begun, digests
from chat.models import Run

log = logging.getLogger(__name__)

KEY = "toolset"  # in the run's options


def toolset_for(run: Run) -> Toolset:
    """The tools. The first attempt stores what they are: two texts a tool, and nothing where nothing gives any."""
    today = toolset_of(run.chat.project_id if run.chat else None)
    kept = run.options.get(KEY)
    if today is None and not kept:
        return Toolset()
    if kept is None or run.attempt <= 1:
        kept = digests(today or ())
        run.options = {**run.options, KEY: kept}
        Run.objects.filter(pk=run.pk, attempt=run.attempt).update(options=run.options)
    found = as_begun(today or (), kept)
    if found.gone:
        log.warning("run %s goes on without tools that are gone or changed: %s", run.pk, ", ".join(sorted(found.gone)))
    return found
