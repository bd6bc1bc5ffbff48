"""Whatever processes and people do to runs, in whatever order: the promises about logs, ends and turns hold."""

import pytest

from accounts.models import User
from chat.models import Chat, Run
from chat.ops.log_check import audit
from tests.engine.room import Room

STEPS = 200


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_of_claims_ends_stops_and_deaths(
    seed: int, chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_in_any_order(seed, chat, alice, monkeypatch)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(100, 300))
def test_in_many_more_orders(seed: int, chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_in_any_order(seed, chat, alice, monkeypatch)


def hold_in_any_order(seed: int, chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(chat, alice, seed, monkeypatch)
    for step in range(2 * STEPS):
        if step >= STEPS and room.fenced:  # without a refusal the seed means nothing: go on
            break
        room.step()
        room.check()
    room.settle()
    runs = list(Run.objects.filter(chat=chat))
    found = {str(run.pk): found.faults for run in runs if (found := audit(run)).faults or found.is_open}
    assert not found, f"seed {seed}: {found}; {' '.join(room.done)}"
    assert len(runs) > 3 and room.fenced, f"seed {seed} means nothing: nobody was refused"
