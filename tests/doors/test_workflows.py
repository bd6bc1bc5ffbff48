"""Workflows in a run's log, as the doors that have a word for them read it: nothing of Parley's own begins one yet."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from agents import events as ev
from chat.doors.base import Encoder
from chat.doors.reading import Reader, frames
from chat.doors.threads import dialect as threads
from chat.doors.trpc.initiate_chat import dialect as initiate_chat
from chat.eventlog import Logged
from chat.eventlog.rows import insert
from chat.models import Chat, RunEvent
from tests import transcripts
from tests.chat.rows import answer
from tests.transcripts import Script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(chat: Chat, alice: User) -> Callable[..., Any]:
    """`told(log, encoder)`: what a door sends of a run that has this log, read from its rows."""

    def stored(log: list[Logged]) -> Reader:
        run = answer(chat, alice)
        RunEvent.objects.filter(run=run).delete()
        insert(run.pk, log).save()
        return Reader(alice, run)

    async def read(log: list[Logged], encoder: Callable[..., Encoder]) -> list[dict[str, Any]]:
        reader = await sync_to_async(stored)(log)
        body = b"".join([each async for each in frames(reader, encoder(reader.info))])
        return [json.loads(each) for each in re.findall(rb"^data: (\{.+)$", body, re.MULTILINE)]

    return read


async def test_a_thread_is_told_of_a_workflow_and_of_its_end_before_done(told: Callable[..., Any]) -> None:
    said = await told(transcripts.built(), threads.Encoder)
    kinds = [each["type"] for each in said if each["type"] != "ai_response" or each["data"]["isComplete"]]
    assert kinds == [
        "connected", "message_saved", "workflow_status", "workflow_status", "ai_response", "workflow_complete", "done",
    ]  # fmt: skip
    waits, runs = (each["data"] for each in said if each["type"] == "workflow_status")
    assert waits["status"] == "pending" and waits["workflowId"] == runs["workflowId"] == "job_1"
    assert (runs["status"], runs["step"], runs["progress"]) == ("running", "compile", {"done": 1, "total": 3})
    over = said[-2]["data"]
    assert over == {"workflowId": "job_1", "name": "site", "status": "succeeded", "result": {"pages": 3}, "error": None}


async def test_a_thread_is_told_of_a_workflow_that_ended_before_the_run_failed(told: Callable[..., Any]) -> None:
    script = Script().begin().turn(1, "I build")
    script.add(ev.WorkflowCompleted, workflow="job_1", name="site", outcome="failed", error="No space.")
    script.add(ev.MessageSaved, message=transcripts.RUN.message)
    script.add(ev.RunFailed, code="upstream_interrupted", message="Broke off.", retryable=True, usage=script.used())
    said = await told(script.log, threads.Encoder)
    assert [each["type"] for each in said[-2:]] == ["workflow_complete", "error"]
    assert said[-2]["data"]["error"] == "No space."


@pytest.mark.parametrize(
    ("log", "end"),
    [
        (transcripts.built(), {"status": "success"}),
        (transcripts.building(), {"status": "building", "jobId": "job_1"}),
        (
            Script().begin().add(ev.WorkflowChanged, workflow="job_2", name="site", status="pending").end(),
            {"status": "pending", "jobId": "job_2"},
        ),
    ],
    ids=["over", "building", "pending"],
)
async def test_a_subscription_says_building_and_how_the_build_is_at_the_end(
    told: Callable[..., Any], log: list[Logged], end: dict[str, str]
) -> None:
    said = await told(log, initiate_chat.Encoder)
    statuses = [each["status"] for each in said if each.get("type") == "status"]
    assert statuses[0] == "thinking" and ("building" in statuses) == (end["status"] != "pending")
    assert said[-1] == {"type": "finalized", **end}
    assert said[-2]["finalContent"] == "".join(each["content"] for each in said if each.get("type") == "delta")
