"""Whether what is stored agrees with itself: what does not is found, told, and mended where it can be."""

import io
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from chat.eventlog import stored
from chat.eventlog.projection import fold
from chat.metering import usage_days
from chat.models import Chat, Chore, Message, Run, RunEvent, RunStatus, UsageDay, UsageRecord
from chat.ops import consistency
from chat.ops.chores import doing, lease
from chat.ops.chores.table import CHORES
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=5)


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    """A run that ended some days ago, and all that is kept of it."""
    made, at = answer(chat, alice), timezone.now() - LONG_AGO
    told = fold(each.event for each in stored(made.pk))
    parts = msgspec.to_builtins(told.parts)
    Message.objects.filter(pk=made.message_id).update(content=told.content, parts=parts)
    Run.objects.filter(pk=made.pk).update(ended_at=at, turns=told.turns)
    place = {"organization": chat.organization, "project": chat.project, "user": alice, "run": made, "day": at.date()}
    UsageRecord.objects.create(
        turn=1, attempt=1, model="known", input_tokens=100, cached_tokens=10, output_tokens=20, reasoning_tokens=0,
        status="reported", **place,
    )  # fmt: skip
    UsageRecord.objects.update(created_at=at)
    usage_days.rebuild(at.date(), at.date())
    return made


def tell(*arguments: str) -> tuple[str, str]:
    """What it says, and why it failed."""
    told = io.StringIO()
    try:
        call_command("check_consistency", *arguments, stdout=told)
    except CommandError as error:
        return told.getvalue(), str(error)
    return told.getvalue(), ""


def of_run(**fields: Any) -> Callable[[Run], object]:
    return lambda run: Run.objects.filter(pk=run.pk).update(**fields)


WRONG: dict[str, tuple[Callable[[Run], object], bool]] = {  # kind: what breaks it, and whether it is mended
    "leases": (of_run(lease_expires_at=timezone.now()), True),
    "messages": (lambda run: Message.objects.filter(pk=run.message_id).update(status="in_progress"), True),
    "usage": (lambda run: UsageDay.objects.update(output_tokens=F("output_tokens") + 1), True),
    "logs": (lambda run: RunEvent.objects.filter(run=run).update(events="[]"), False),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_hold_is_found_and_mended_where_it_can_be(kind: str, run: Run) -> None:
    said, failed = tell()
    assert (failed, "1 runs read, 0 faults" in said) == ("", True), said
    breaks, is_mended = WRONG[kind]
    breaks(run)
    said, failed = tell("--json")
    *faults, counts = map(json.loads, said.splitlines())
    assert failed and {each["kind"] for each in faults} == {kind} and counts[f"in {kind}"] == len(faults)
    assert {each["can_be_repaired"] for each in faults} == {is_mended}
    assert {each["of"] for each in faults} == {
        str(run.pk) if kind != "usage" else str(UsageDay.objects.earliest("day").day)
    }
    checked = consistency.last()
    assert checked and checked.faults == len(faults) and checked.told["runs read"] == 1
    assert tell("--repair")[1] == ("" if is_mended else failed)
    assert tell()[1] == ("" if is_mended else failed)
    checked = consistency.last()
    assert checked and bool(checked.faults) is not is_mended


def test_the_chore_repairs_nothing_names_each_in_the_log_and_its_row_tells(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    WRONG["leases"][0](run)
    duty = next(each for each in CHORES if each.name == consistency.NAME)
    assert consistency.last() is None and lease.claim(duty)
    with caplog.at_level(logging.WARNING, "chat.ops.consistency"):
        steps = sum(doing.batches(duty))
    row = Chore.objects.get(name=consistency.NAME)
    assert steps > 1 and row.told == {"runs read": 1, "faults": 1, "in leases": 1}
    assert str(run.pk) in caplog.text and Run.objects.get().lease_expires_at is not None


@pytest.mark.parametrize(("sample", "read"), [("1", 1), ("2", 2), ("0", 3)])
def test_so_many_runs_are_read_as_were_asked_for(sample: str, read: int, chat: Chat, alice: User) -> None:
    for _ in range(3):
        answer(chat, alice)
    answer(chat, alice, RunStatus.QUEUED)
    assert f"{read} runs read" in tell("--sample", sample)[0]


def test_a_sample_that_is_none_is_refused_and_says_what_is(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("-1", "x", "9" * 20):
        with pytest.raises((CommandError, SystemExit)):
            call_command("check_consistency", f"--sample={wrong}")


def test_days_that_may_still_be_counted_in_are_left_alone(run: Run) -> None:
    today = timezone.localdate()
    UsageDay.objects.update(day=today, output_tokens=F("output_tokens") + 1)
    UsageRecord.objects.update(day=today, created_at=timezone.now())
    assert tell()[1] == ""


def test_a_record_that_does_not_say_its_day_is_of_that_on_which_its_run_ended(run: Run) -> None:
    """As rebuild_usage places it, though it was written a moment later: after midnight."""
    ended = timezone.now().replace(hour=23, minute=59, second=59) - LONG_AGO
    Run.objects.filter(pk=run.pk).update(ended_at=ended)
    UsageRecord.objects.update(day=None, created_at=ended + timedelta(seconds=2))
    usage_days.rebuild(ended.date() - timedelta(days=1), ended.date() + timedelta(days=1))
    assert set(UsageDay.objects.values_list("day", flat=True)) == {ended.date()}
    assert tell()[1] == ""
