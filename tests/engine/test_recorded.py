"""Logs that released versions have stored are read by this one, and say what they said then."""

import json

import pytest
from django.conf import settings

from agents import events as ev
from chat.eventlog.rows import numbered
from tests.engine.record import FOLDER, said

VERSIONS = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_this_version_has_its_logs_recorded() -> None:
    assert settings.PARLEY_VERSION in VERSIONS, "python -m tests.engine.record"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_log_says_what_it_said(version: str) -> None:
    logs = json.loads((FOLDER / f"{version}.json").read_text())
    assert len(logs) > 10
    for name, log in logs.items():
        entries = [
            entry for attempt, first, events in log["rows"] for entry in numbered(attempt, first, ev.load(events))
        ]
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), name
        told = json.loads(json.dumps(said([entry.event for entry in entries])))
        if version == "0.1.0":  # which did not say of a call which turn it is of
            told["parts"] = [{key: part[key] for key in part if key != "turn"} for part in told["parts"]]
        assert told == log["said"], name
