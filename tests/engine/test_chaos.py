"""`manage.py chaos` and `manage.py check_log`: what holds is said to hold, and what is broken is found."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from agents import events as ev
from chat.bus.bell import PROCESS
from chat.eventlog import Logged, committer, stored
from chat.eventlog.committer import store
from chat.eventlog.rows import insert
from chat.models import Chat, Message, Run, RunEvent, RunStatus
from chat.ops.chaos.findings.checker import Findings
from chat.ops.chaos.findings.table import misses, table
from chat.ops.chaos.plan import Shape, plan
from chat.ops.chaos.readers import Shown, kept
from chat.ops.log_check import audit
from tests import environment
from tests.chat.rows import answer
from tests.live import Server


@pytest.mark.live
@pytest.mark.faults
@pytest.mark.smoke
@pytest.mark.skipif(environment.profile() != "embedded", reason="the scaled one is make chaos")
def test_a_short_chaos_holds() -> None:
    done = Server().manage(
        "chaos", "--runs", "8", "--at-once", "8", "--pace", "0.4", "--seed", "11", "--seconds", "40",
        "--faults", "kill,slow-readers,upstream", check=False,
    )  # fmt: skip
    # Times are not asked about: how long a start takes is this machine's matter, and it may be busy.
    assert "8 runs:" in done.stdout and "acked submits lost" in done.stdout, done.stdout
    assert "NO: 0 expected" not in done.stdout, done.stdout


def test_a_seed_says_the_same_each_time() -> None:
    shape = Shape(seed=5, runs=20, readers=2)
    assert plan(shape) == plan(shape)
    assert plan(shape) != plan(Shape(seed=6, runs=20, readers=2))


def test_whatever_is_not_0_is_a_miss() -> None:
    assert misses(Findings()) == []
    wrong = Findings(lost=1, doubled=1, takeover_s=[11.0])
    assert misses(wrong) == ["acked submits lost", "runs beyond one per key", "takeover, s: p50 / p99 / max"]
    assert "NO: 0 expected" in table(wrong, [], 0)


def test_a_reader_that_follows_resets_holds_what_a_late_one_gets() -> None:
    def shown(seq: int, type: str) -> Shown:
        return Shown(f"r.1.{seq}", "{}", seq, type, "")

    taken_back = [shown(1, "run.queued"), shown(2, "turn.started"), shown(3, "text.delta"), shown(4, "turn.reset")]
    again = [shown(5, "turn.started"), shown(6, "text.delta")]
    assert kept(taken_back + again) == [taken_back[0], *again]
    assert kept([*taken_back, shown(0, "log.reset"), *again]) == again


BREAKS: dict[str, Any] = {
    "numbers missing": lambda run: RunEvent.objects.filter(run=run, first_seq=1).delete(),
    "the rows differ in content": lambda run: Message.objects.filter(run=run).update(content="other"),
    "an ended run with a lease": lambda run: Run.objects.filter(pk=run.pk).update(owner=PROCESS),
    "0 ends": lambda run: RunEvent.objects.filter(run=run).order_by("-first_seq").first().delete(),
}


def in_rows(run: Run) -> Run:
    """The same log, one event a row; and the turns that it says."""
    entries = stored(run.pk)
    RunEvent.objects.filter(run=run).delete()
    for entry in entries:
        insert(run.pk, [entry]).save()
    run.turns = sum(isinstance(each.event, ev.TurnStarted) for each in entries)
    run.save()
    return run


@pytest.mark.parametrize("said", BREAKS)
def test_check_log_finds_a_broken_log(said: str, chat: Chat, alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    run = in_rows(answer(chat, alice))
    assert audit(run).faults == []
    call_command("check_log")
    BREAKS[said](run)
    with pytest.raises(CommandError):
        call_command("check_log")
    assert said in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("check_log", "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[0])["run"] == str(run.pk)


def test_a_commit_whose_reply_was_lost_is_not_stored_twice(chat: Chat, alice: User) -> None:
    run = answer(chat, alice)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempt=1)
    last = stored(run.pk)[-1].seq
    batch = (run.pk, 1, [Logged(1, last + 1, ev.TextDelta(at=1.0, text="once"))])
    assert store([batch]) == set() == store([batch], is_repeat=True)
    assert [each.seq for each in stored(run.pk)].count(last + 1) == 1
    assert committer.dirty == {}
