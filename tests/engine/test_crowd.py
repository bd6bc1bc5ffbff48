"""A crowd of readers on one process, and some that never read: `python -m tests.engine.crowd` has the figures."""

import pytest

from tests.engine.crowd import WRITE_TIMEOUT_S, measure


@pytest.mark.live
@pytest.mark.faults
async def test_a_crowd_is_served_and_who_never_reads_costs_little_and_is_cut() -> None:
    figures = await measure(200, stalled=10)
    print(*figures.lines(), sep="\n")
    assert figures.errors == 0
    assert figures.idle_kb < 300
    assert figures.stalled_mb < 8
    assert WRITE_TIMEOUT_S - 1 < figures.cut_s < WRITE_TIMEOUT_S + 20
