"""Logs as a released version stored them, and what they said: `python -m tests.engine.record` writes this version's.

Once a version is out its file is never written again: later versions must read it as it is.
"""

import json
import pathlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from tests import environment

FOLDER = pathlib.Path(__file__).parent / "recorded"


def said(events: Sequence[Any]) -> dict[str, Any]:
    """What the message holds that these events tell of."""
    from chat.eventlog.projection import fold

    folded = fold(events)
    return {
        "content": folded.content,
        "parts": msgspec.to_builtins(folded.parts),
        "turns": folded.turns,
        "attempt": folded.attempt,
        "end": type(folded.terminal).__name__,
        "usage": msgspec.to_builtins(folded.usage),
    }


def record() -> dict[str, Any]:
    """Every transcript: its rows as the database holds them, and what they say."""
    from agents import events as ev
    from tests import transcripts

    logs = {name: make() if callable(make) else make for name, make in transcripts.ALL.items()}
    return {
        name: {
            "rows": [
                [attempt, (rows := list(group))[0].seq, ev.dump([each.event for each in rows])]
                for attempt, group in groupby(log, key=lambda entry: entry.attempt)
            ],
            "said": said([each.event for each in log]),
        }
        for name, log in logs.items()
    }


def main() -> None:
    environment.prepare()
    from django.conf import settings

    path = FOLDER / f"{settings.PARLEY_VERSION}.json"
    path.write_text(json.dumps(record(), indent=1, ensure_ascii=False) + "\n")
    environment.clean()
    print(path)


if __name__ == "__main__":
    main()
