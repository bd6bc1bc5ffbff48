"""A small run of `make bench BENCH_ARGS=scale`: real processes, real databases, few chats."""

import os

import pytest
import uvloop

from tests import environment
from tests.bench import scaling
from tests.bench.deployment import Deployment, House, Shape
from tests.bench.scaling import SHORT, Load, Measured, Rest


@pytest.mark.live
@pytest.mark.skipif(environment.profile() != "scaled", reason="it needs PostgreSQL: see the scaled profile")
def test_a_run_costs_web_agents_and_both_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PROFILE", environment.profile())  # the bench sets it, and it shall be as it was
    monkeypatch.setattr(scaling, "SETTLES_S", 2)
    cores = os.sched_getaffinity(0)
    house = House()
    try:
        deployment = Deployment(house, Shape(1, 1))
        try:
            rest, found, statements = uvloop.run(_measured(deployment))
        finally:
            deployment.close()
    finally:
        house.close()
    assert os.sched_getaffinity(0) == cores
    assert not house.folder.exists()
    assert found.runs == 40 and found.runs_per_s > 0
    assert found.each["web_ms"] > 0 and found.each["agents_ms"] > 0
    assert 2_000 < found.each["wal_bytes"] < 2_000_000
    assert found.each["redis_commands"] > 0
    assert 5 < statements < 200
    assert rest.memory_mb["web"] > 30 and rest.connections["agents"] >= 1


async def _measured(deployment: Deployment) -> tuple[Rest, Measured, float]:
    await scaling.warm(deployment)
    rest = await scaling.rest(deployment)
    found = await scaling.measure(deployment, Load("few", 8, 5, SHORT.wish), rest.a_second, {})
    return rest, found, await scaling.statements(deployment, Load("fewer", 4, 2, SHORT.wish))
