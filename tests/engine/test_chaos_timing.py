"""What the chaos command counts as a stop when all was well, and as a takeover."""

import pytest

from chat.ops.chaos.driver import Driven
from chat.ops.chaos.faults import Outage
from chat.ops.chaos.findings.timing import stops, takeovers
from chat.ops.chaos.history import History
from chat.ops.chaos.plan import RunPlan
from chat.ops.chaos.upstream import Asked, Upstream, place_of

# A run of web2's second start, asked to stop at 100 by way of web1; its model call was closed at 100.5.
AWAY = {
    "nothing": (None, True),
    "the one that executes": (("web2.2", 99.5, 103.0), False),
    "the one that was asked": (("web1.3", 90.0, 100.2), False),
    "the database": (("", 100.1, 100.3), False),
    "another": (("agents1.1", 90.0, 110.0), True),
    "an earlier start of it": (("web2.1", 90.0, 110.0), True),
    "the one that was asked, long before": (("web1.3", 80.0, 90.0), True),
}


@pytest.mark.parametrize("name", AWAY)
def test_all_was_well_where_nobody_it_went_through_was_away(name: str) -> None:
    away, is_calm = AWAY[name]
    plan = RunPlan(number=1, chat=1, turns=())
    driven = Driven(plan, run="r", stopped_at=100.0, stopped_by="web1")
    upstream = Upstream([plan])
    upstream.asked = [Asked(1, 1, "web2.2", at=95.0, ended_at=100.5, end="left")]
    outages = [Outage("freeze", away[0], began=away[1], ended=away[2])] if away else []
    expected = ([0.5], []) if is_calm else ([], [0.5])
    assert stops([driven], upstream, outages, History()) == expected


TAKEN = {
    "by the next": ([(1, 90.0), (2, 106.0)], 6.0),
    "by somebody who died before a word, then by another": ([(1, 90.0), (3, 114.0)], 7.0),
    "by somebody who died of it later": ([(1, 90.0), (2, 106.0), (3, 114.0)], 6.0),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_takeover_counts_from_the_death_of_who_held_the_run(name: str) -> None:
    started, took = TAKEN[name]
    plan = RunPlan(number=1, chat=1, turns=())
    upstream = Upstream([plan])
    upstream.asked = [Asked(1, 1, "web2.1", at=95.0, ended_at=100.0, end="left")]
    outages = [
        Outage("kill", "web2.1", began=100.0, gone=100.0, ended=105.0),
        Outage("kill", "agents1.1", began=107.0, gone=107.0, ended=110.0),
        Outage("redis", "", began=112.0, gone=112.0, ended=113.0),
    ]
    audits = {"r": {"started": started, "ended_at": 120.0}}
    found = takeovers([Driven(plan, run="r")], audits, upstream, outages, History(), alone=False)
    assert found == [took]


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([("user", "[[chaos=1]] Go.")], (1, 0)),
        ([("user", "[[chaos=1]] Go."), ("assistant", "x"), ("tool", "y")], (1, 1)),
        ([("user", "[[chaos=1]] Stopped early.\n\n[[chaos=2]] Go."), ("assistant", "x")], (2, 1)),
        ([("assistant", "[[chaos=1]] said")], (-1, 1)),
    ],
)
def test_a_request_is_known_by_the_last_mark_of_its_last_message(
    messages: list[tuple[str, str]], place: tuple[int, int]
) -> None:
    assert place_of([{"role": role, "content": content} for role, content in messages]) == place
