"""Workflows in a run's log, as the doors that have a word for them read it, and the line of the page."""

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
from chat.models import Chat, RunEvent, Workflow, WorkflowRun, WorkflowVersion
from chat.page.workflows import workflow_of
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
    assert (runs["status"], runs["progress"]) == ("running", {"done": 1, "total": 3})
    assert waits["step"] is None and runs["step"] == {"id": "", "name": "compile", "index": 2, "total": 3}
    over = said[-2]["data"]
    assert over == {"workflowId": "job_1", "name": "site", "status": "succeeded", "result": {"pages": 3}, "error": None}


def metadata(said: list[dict[str, Any]]) -> Any:
    """Of the last response."""
    [last] = [each["data"] for each in said if each["data"].get("isComplete")]
    return last["metadata"]


async def test_a_thread_is_told_of_each_step_and_with_the_response_of_which_it_is(told: Callable[..., Any]) -> None:
    said = await told(transcripts.stepped(), threads.Encoder)
    steps = [each["data"]["step"] for each in said if each["type"] == "workflow_status"]
    assert steps == [
        {"id": "dates", "name": "Dates", "index": 2, "total": 3},
        {"id": "payment", "name": "Payment", "index": 3, "total": 3},
    ]
    tokens = {"input": 10, "output": 5, "total": 15}
    assert metadata(said) == {"step": 2, "of": 3, "sources": [], "tokens": tokens}


WHERE = {"workflow": "flow_1", "name": "Booking", "steps": 3}
DATES = {**WHERE, "step": "Dates", "step_id": "dates", "index": 2, "steps_done": 1}
WORK = {"workflow": "job_1", "name": "site", "step": "compile", "steps_done": 4, "steps": 9}


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ([], [], (None, None)),
        ([DATES], [], (2, 3)),
        ([], [DATES], (2, 3)),
        ([DATES, WORK], [WORK], (2, 3)),
        ([WORK], [], (5, 9)),
        ([WORK, DATES], [], (2, 3)),
        ([{**WHERE, "status": "pending"}], [], (None, None)),
    ],
    ids=["none", "before it", "behind it", "and work", "work alone", "work first", "nowhere yet"],
)
async def test_the_response_is_of_the_step_that_was_told_before_it(
    told: Callable[..., Any], before: list[Any], after: list[Any], place: tuple[int | None, int | None]
) -> None:
    script = Script().begin()
    for each in before:
        script.add(ev.WorkflowChanged, **each)
    script.answer(1, "Which days?")
    for each in after:
        script.add(ev.WorkflowChanged, **each)
    found = metadata(await told(script.end(), threads.Encoder))
    assert (found["step"], found["of"]) == place


async def test_a_response_names_its_sources_by_title_alone(told: Callable[..., Any]) -> None:
    found = metadata(await told(transcripts.cited(), threads.Encoder))
    assert found["sources"] == [{"title": "Terms", "n": 1}, {"title": "Prices", "n": 2}]


async def test_a_thread_is_told_of_a_workflow_that_ended_before_the_run_failed(told: Callable[..., Any]) -> None:
    script = Script().begin().turn(1, "I build")
    script.add(ev.WorkflowCompleted, workflow="job_1", name="site", outcome="failed", error="No space.")
    script.add(ev.MessageSaved, message=transcripts.RUN.message)
    script.add(ev.RunFailed, code="upstream_interrupted", message="Broke off.", retryable=True, usage=script.used())
    said = await told(script.log, threads.Encoder)
    assert [each["type"] for each in said[-2:]] == ["workflow_complete", "error"]
    assert said[-2]["data"]["error"] == "No space."


async def test_a_chats_own_workflow_is_no_build(told: Callable[..., Any]) -> None:
    said = await told(transcripts.stepped(), initiate_chat.Encoder)
    assert [each["status"] for each in said if each.get("type") == "status"] == ["thinking"]
    assert said[-1] == {"type": "finalized", "status": "success"}


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


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (None, ""),
        ({"step": "dates"}, "Step 2 of 3: Dates"),
        ({"step": "payment", "status": "waiting"}, "Step 3 of 3: Payment"),
        ({"step": "payment", "status": "completed"}, ""),
        ({"step": "dates", "status": "cancelled"}, ""),
    ],
    ids=str,
)
def test_the_page_says_where_the_chats_workflow_stands(chat: Chat, fields: dict[str, str] | None, line: str) -> None:
    if fields is not None:
        workflow = Workflow.objects.create(organization=chat.organization, name="Booking")
        steps = [{"id": each, "name": each.title()} for each in ("who", "dates", "payment")]
        version = WorkflowVersion.objects.create(workflow=workflow, number=1, definition={"steps": steps})
        WorkflowRun.objects.create(chat=chat, version=version, **fields)
        chat.has_workflow = True
    assert workflow_of(chat) == line
