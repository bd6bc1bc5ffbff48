"""Workflows in rows: drafts and what is published, which chats go through one, and where the end of a run leads."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Project, Role, User
from accounts.permissions import PERMISSIONS
from agents import events as ev
from agents.usage import Usage
from chat.doors.starting import make_chat
from chat.eventlog import Fenced, Logged, stored
from chat.eventlog.projection import fold
from chat.models import Chat, Run, RunStatus, Workflow, WorkflowRun, WorkflowVersion
from chat.models.facts import facts_of
from chat.models.workflows import PublishedVersion
from chat.runner import runner, workflows
from chat.runner.beginning import beginning
from chat.runner.ending import Ending, last_events, store_ending
from chat.runner.kinds import answer as answers
from chat.runner.kinds.step import StepWork
from chat.runner.workflows import Move, standing_of
from chat.services import workflows as services
from chat.services.chats import create_chat, fork_chat
from chat.services.going_through import decide
from chat.services.messages import delete_message, edit_message
from tests.chat.rows import answer, append
from tests.chat.working import older_process_is_up
from tools.capabilities import KNOWLEDGE

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]

STEPS = {
    "steps": [
        {"id": "name", "name": "Name", "prompt": "Ask.", "needs": ["who"], "next": [{"to": "wait"}]},
        {"id": "wait", "name": "Pause", "kind": "wait", "needs": ["go"], "next": [{"to": "ok"}]},
        {"id": "ok", "name": "Go-ahead", "kind": "approval",
         "next": [{"when": {"answer": "ok", "equals": "deny"}, "to": "name"}, {"to": "last"}]},
        {"id": "last", "name": "Last", "prompt": "Say goodbye."},
    ]
}  # fmt: skip
WRONG = {"steps": [{"id": "a", "name": "A", "prompt": "Ask.", "next": [{"to": "b"}]}]}


def made(organization: Organization, project: Project | None = None, steps: Any = STEPS, **fields: Any) -> Workflow:
    """A published workflow."""
    workflow = Workflow.objects.create(organization=organization, project=project, name="Intake", **fields)
    workflow.versions.create(number=1, definition=steps, published_at="2026-11-01T00:00:00Z")
    return workflow


@pytest.fixture(autouse=True)
def takes_no_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "owner_here", lambda: None)


@pytest.fixture
def guided(chat: Chat, organization: Organization) -> Chat:
    """Alice's chat, at the first step."""
    version = made(organization).versions.get()
    WorkflowRun.objects.create(chat=chat, version=version, step="name")
    Chat.objects.filter(pk=chat.pk).update(has_workflow=True)
    chat.refresh_from_db()
    return chat


# --- Drafts and versions ----------------------------------------------------------------------------------------------


def test_a_draft_is_published_and_stays_as_it_is(api: Api, alice: User, organization: Organization) -> None:
    body = {"organization": str(organization.pk), "name": "Intake", "definition": WRONG}
    first = api(alice).post("/api/workflows/", body, format="json").json()
    path = f"/api/workflows/{first['id']}/"
    assert (first["draft"], first["published"]) == (1, None)
    assert first["faults"] == ['steps[0].next[0].to: there is no step "b"']
    refused = api(alice).post(f"{path}publish", {}, format="json")
    assert refused.status_code == 400 and refused.json()["error"]["fields"] == {"definition": first["faults"]}
    again = api(alice).put(path, {"definition": STEPS, "is_default": True}, format="json").json()
    assert (again["draft"], again["faults"], again["is_default"]) == (1, [], True)
    assert api(alice).post(f"{path}publish", {}, format="json").json()["published"] == 1
    assert api(alice).post(f"{path}publish", {}, format="json").json()["error"]["code"] == "no_draft"
    assert api(alice).put(path, {"definition": WRONG}, format="json").json()["draft"] == 2
    versions = api(alice).get(f"{path}versions/").json()["results"]
    assert [(each["number"], each["published_at"] is None) for each in versions] == [(2, True), (1, False)]
    published = WorkflowVersion.objects.get(number=1)
    published.definition = WRONG
    with pytest.raises(PublishedVersion):
        published.save()
    with pytest.raises(PublishedVersion):
        WorkflowVersion.objects.filter(number=1).update(definition=WRONG)
    assert WorkflowVersion.objects.get(number=1).definition == STEPS
    assert api(alice).delete(path).status_code == 204
    assert api(alice).get("/api/workflows/").json()["results"] == []
    assert api(alice).put(path, {"definition": STEPS}, format="json").json()["error"]["code"] == "workflow_archived"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_new", [False, True], ids=["changed", "made"])
def test_of_many_who_make_a_default_at_once_each_is_heard_and_one_holds(
    alice: User, organization: Organization, is_new: bool
) -> None:
    rows = [made(organization, is_default=number == 0) for number in range(6)]
    gate, failed = threading.Barrier(len(rows)), list[Exception]()

    def ask(row: Workflow) -> None:
        gate.wait()
        try:
            if is_new:
                services.create_workflow(
                    user=alice, name="New", definition=STEPS, organization=organization.pk, is_default=True
                )
            else:
                services.change_workflow(user=alice, workflow=row, definition=STEPS, is_default=True)
        except Exception as error:
            failed.append(error)
        connection.close()

    threads = [threading.Thread(target=ask, args=(row,)) for row in rows]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == [] and Workflow.objects.filter(is_default=True).count() == 1


NO_DRAFT: dict[str, tuple[Any, str]] = {
    "a list": ([], "definition: Expected `object`"),
    "a step without an id": ({"steps": [{"name": "A"}]}, "steps[0]: Object missing required field `id`"),
    "too long": ({"steps": [{"id": "a", "name": "A", "prompt": "x" * 100_000}]}, "Expected at most 100000 characters"),
}


@pytest.mark.parametrize(("definition", "told"), NO_DRAFT.values(), ids=NO_DRAFT.keys())
def test_what_is_not_even_a_draft(api: Api, alice: User, project: Project, definition: Any, told: str) -> None:
    body = {"project": str(project.pk), "name": "Intake", "definition": definition}
    refused = api(alice).post("/api/workflows/", body, format="json")
    assert refused.status_code == 400 and refused.json()["error"]["fields"]["definition"][0].startswith(told)
    assert not Workflow.objects.exists()


def test_members_read_and_who_is_outside_finds_nothing(
    api: Api, bob: User, charlie: User, organization: Organization, elsewhere: Organization, settings: Any, alice: User
) -> None:
    path = f"/api/workflows/{made(organization).pk}/"
    assert api(bob).get(path).json()["definition"] == STEPS
    assert [each["name"] for each in api(bob).get("/api/workflows/").json()["results"]] == ["Intake"]
    for method in ("put", "delete", "post"):
        where = f"{path}publish" if method == "post" else path
        assert getattr(api(bob), method)(where, {"definition": STEPS}, format="json").status_code == 403
        assert getattr(api(charlie), method)(where, {"definition": STEPS}, format="json").status_code == 404
    assert api(charlie).get(path).status_code == api(charlie).get(f"{path}versions/").status_code == 404
    assert api(charlie).get("/api/workflows/").json()["results"] == []
    theirs = {"organization": str(elsewhere.pk), "workflow": str(Workflow.objects.get().pk)}
    refused = api(charlie).post("/api/chats/", theirs, format="json")
    assert refused.status_code == 400 and list(refused.json()["error"]["fields"]) == ["workflow"]
    settings.WORKFLOWS_MAX = 1
    more = {"organization": str(organization.pk), "name": "More", "definition": STEPS}
    assert api(alice).post("/api/workflows/", more, format="json").json()["error"]["code"] == "too_many_workflows"


# --- Which chats ------------------------------------------------------------------------------------------------------


def name_of(chat: Chat) -> str:
    """What the chat goes through; empty: nothing."""
    row = WorkflowRun.objects.filter(chat=chat).select_related("version__workflow").first()
    assert (row is not None) == chat.has_workflow
    return row.version.workflow.name if row else ""


def test_a_new_chat_takes_its_projects_default_else_its_organizations(alice: User, project: Project) -> None:
    here = project.organization
    made(here, is_default=True)
    inside = made(here, project, is_default=True)
    Workflow.objects.filter(pk=inside.pk).update(name="Inside")
    WorkflowVersion.objects.create(workflow=inside, number=2, definition=WRONG)
    other = Project.objects.create(organization=here, name="Other")
    assert name_of(create_chat(user=alice, organization=here.pk, project=project.pk)) == "Inside"
    assert name_of(create_chat(user=alice, organization=here.pk, project=other.pk)) == "Intake"
    assert name_of(create_chat(user=alice, organization=here.pk)) == "Intake"
    assert name_of(make_chat(alice, door="threads", project=project, is_listed=True)) == "Inside"
    assert name_of(make_chat(alice, door="completions", project=project)) == "", "it is the door's own"
    chat = create_chat(user=alice, organization=here.pk)
    run = answer(chat, alice)
    assert name_of(fork_chat(user=alice, chat=chat, message=run.answer.pk)) == ""
    Workflow.objects.update(is_default=False)
    assert name_of(create_chat(user=alice, organization=here.pk)) == ""


def test_none_begins_while_an_older_process_is_up(
    api: Api, alice: User, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = made(organization, is_default=True)
    older_process_is_up()
    monkeypatch.setattr("chat.runner.older._Seen.is_over", False)
    monkeypatch.setattr("chat.runner.older._Seen.looked_at", -1e9)
    assert name_of(create_chat(user=alice, organization=organization.pk)) == ""
    named = {"organization": str(organization.pk), "workflow": str(workflow.pk)}
    assert api(alice).post("/api/chats/", named, format="json").status_code == 503
    assert Chat.objects.count() == 1


# --- Where an end leads -----------------------------------------------------------------------------------------------


def begun(chat: Chat, user: User) -> Run:
    """A run of the chat that has noted which step it is."""
    run = answer(chat, user, RunStatus.RUNNING)
    run = Run.objects.select_related("chat", "input").get(pk=run.pk)
    standing_of(run)
    return run


def ended(
    run: Run, move: Move | None = None, *, code: str = "", reason: str = "stop", said: tuple[ev.AnyEvent, ...] = ()
) -> list[ev.AnyEvent]:
    """The run ends, having said and come to that: the events behind what it said."""
    if said:
        append(run, *said)
    folded = fold(each.event for each in stored(run.pk))
    first = stored(run.pk)[-1].seq + 1

    def end(usage: Usage) -> ev.Terminal:
        if code:
            return ev.RunFailed(at=time.time(), code=code, message="No.", retryable=True, usage=usage)
        if reason == "stopped":
            return ev.RunCancelled(at=time.time(), by="", usage=usage)
        return ev.RunCompleted(at=time.time(), reason=reason, usage=usage)

    last = [Logged(1, seq, each) for seq, each in enumerate(last_events(folded, run.message_id, end), first)]
    store_ending(Ending(facts_of(run), 1, folded, last, claims_next=False, move=move))
    log = [each.event for each in stored(run.pk)]
    assert isinstance(log[-1], ev.RunCompleted | ev.RunFailed | ev.RunCancelled)
    assert [each.seq for each in stored(run.pk)] == list(range(1, len(log) + 1))
    return [each for each in log if isinstance(each, ev.WorkflowChanged | ev.WorkflowCompleted)]


def at(chat: Chat) -> tuple[str, str, int, int]:
    """Status, step, seq, failures of its workflow."""
    row = WorkflowRun.objects.get(chat=chat)
    assert row.goes_on == Chat.objects.get(pk=chat.pk).has_workflow
    return row.status, row.step, row.seq, row.failures


def test_a_run_moves_the_workflow_with_its_end_and_says_so_in_its_log(guided: Chat, alice: User) -> None:
    run = begun(guided, alice)
    standing = standing_of(run)
    assert standing is not None and standing.texts == {"who": "What is in here?"}
    told = standing.told()
    assert (told.step_id, told.index, told.steps, told.step, told.status) == ("name", 1, 4, "Name", "running")
    (moved,) = ended(run, Move("wait", standing.answers))
    assert isinstance(moved, ev.WorkflowChanged) and (moved.step_id, moved.status, moved.index) == (
        "wait",
        "pending",
        2,
    )
    assert at(guided) == ("waiting", "wait", 2, 0)
    # The next message is what was waited for: it leads on, and is answered outside of any step.
    asking = begun(guided, alice)
    assert at(guided) == ("waiting", "ok", 3, 0)
    beside = standing_of(asking)
    assert beside is not None and (beside.step.id, beside.at.moves) == ("ok", False)
    assert ended(asking, None) == [] and at(guided) == ("waiting", "ok", 3, 0)
    assert set(WorkflowRun.objects.get().answers) == {"who", "go"}


ENDS: dict[str, tuple[dict[str, Any], tuple[str, str, int, int]]] = {
    "it stays": ({"move": Move(None, {})}, ("running", "name", 1, 0)),
    "cut at its length": ({"move": Move("last", {}), "reason": "length"}, ("running", "last", 2, 0)),
    "to the end": ({"move": Move("end", {})}, ("completed", "name", 2, 0)),
    "it failed": ({"code": "upstream_error"}, ("running", "name", 1, 1)),
    "it took too long": ({"reason": "timeout_s"}, ("running", "name", 1, 1)),
    "a client's word is next": ({"reason": "tool_calls"}, ("running", "name", 1, 0)),
    "the budget is spent": ({"code": "quota_exceeded"}, ("running", "name", 1, 0)),
    "somebody stopped it": ({"reason": "stopped"}, ("running", "name", 1, 0)),
}


@pytest.mark.parametrize(("end", "stands"), ENDS.values(), ids=ENDS.keys())
def test_what_an_end_does(guided: Chat, alice: User, end: dict[str, Any], stands: tuple[str, str, int, int]) -> None:
    ended(begun(guided, alice), **end)
    assert at(guided) == stands


def test_a_step_that_fails_too_often_ends_the_workflow(guided: Chat, alice: User) -> None:
    told = [ended(begun(guided, alice), code="upstream_error") for _ in range(3)]
    assert told[:2] == [[], []]
    (over,) = told[2]
    assert isinstance(over, ev.WorkflowCompleted) and (over.outcome, over.name) == ("failed", "Intake")
    assert at(guided) == ("failed", "name", 1, 3)
    assert standing_of(begun(Chat.objects.get(pk=guided.pk), alice)) is None


def test_what_was_cancelled_meanwhile_is_not_moved(api: Api, guided: Chat, alice: User) -> None:
    run = begun(guided, alice)
    path = f"/api/chats/{guided.pk}/workflow/"
    assert api(alice).post(f"{path}cancel", {}, format="json").json()["status"] == "cancelled"
    assert ended(run, Move("last", {})) == []
    assert at(guided) == ("cancelled", "name", 1, 0)
    assert api(alice).post(f"{path}cancel", {}, format="json").json()["error"]["code"] == "workflow_over"
    assert api(alice).get(path).json()["step"] is None


def test_a_takeover_goes_on_as_the_same_step_and_an_answer_anew_leads_nowhere(guided: Chat, alice: User) -> None:
    run = begun(guided, alice)
    WorkflowRun.objects.update(step="last", seq=2)  # as it never is while a run is under way
    taken_over = standing_of(Run.objects.select_related("chat", "input").get(pk=run.pk))
    assert taken_over is not None and taken_over.step.id == "name"
    assert ended(run, Move("wait", {})) == [] and at(guided)[:3] == ("running", "last", 2)
    anew = answer(guided, alice, RunStatus.RUNNING)
    Run.objects.filter(pk=anew.pk).update(input=run.input)
    standing = standing_of(Run.objects.select_related("chat", "input").get(pk=anew.pk))
    assert standing is not None and (standing.step.id, standing.at.moves) == ("name", False)


def test_an_answer_is_the_message_as_it_is_now(api: Api, guided: Chat, alice: User) -> None:
    run = begun(guided, alice)
    standing = standing_of(run)
    assert standing is not None
    ended(run, Move("wait", standing.answers))
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    shown = lambda: api(alice).get(f"/api/chats/{guided.pk}/workflow/").json()["answers"]  # noqa: E731
    assert shown() == {"who": "What is in here?"}
    edit_message(user=alice, message=run.question, content="Ada")
    assert shown() == {"who": "Ada"}
    delete_message(user=alice, message=run.question)
    assert shown() == {"who": ""}


TOLD: dict[str, dict[str, Any]] = {
    "as it says": {
        "guidelines": "Be brief.", "max_tokens": 70, "max_sentences": 3, "timeout_s": 5.0, "archetype": "builder",
    },
    "nothing more": {"context": "none"},
    "a tool": {"kind": "tool", "tool": "list_files", "needs": []},
}  # fmt: skip


@pytest.mark.parametrize("fields", TOLD.values(), ids=TOLD.keys())
def test_a_step_is_asked_in_its_words_and_no_row_says_them(guided: Chat, alice: User, fields: dict[str, Any]) -> None:
    step = {**STEPS["steps"][0], "prompt": "Whisper.", "next": [], **fields}
    version = WorkflowVersion.objects.create(
        workflow=Workflow.objects.get(), number=2, definition={"steps": [step]}, published_at="2026-11-01T00:00:00Z"
    )
    WorkflowRun.objects.update(version=version)
    run = Run.objects.select_related("chat__project", "chat__organization", "input", "user").get(
        pk=answer(guided, alice, RunStatus.RUNNING).pk
    )
    run.chat.has_knowledge = True  # type: ignore[union-attr]
    work = answers.load(run, [], PERMISSIONS[Role.OWNER])
    assert isinstance(work, StepWork)
    options, job = work.job.options, work.job
    assert options.instructions == "\n\n".join(filter(None, ("Whisper.", fields.get("guidelines"))))
    assert options.max_output_tokens == fields.get("max_tokens")
    assert options.max_sentences == fields.get("max_sentences", None if fields.get("tool") else 2)
    assert options.tool_choice == fields.get("tool", "auto")
    assert job.archetype.name == fields.get("archetype", "generalist")
    assert work.timeout_s == fields.get("timeout_s", 120.0)
    assert (KNOWLEDGE in job.context.capabilities) == (fields.get("context") != "none")
    assert "Whisper" not in json.dumps(Run.objects.get(pk=run.pk).options)


# --- Decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "step"), [("allow", "last"), ("deny", "name")])
def test_a_person_decides_once(api: Api, guided: Chat, alice: User, decision: str, step: str) -> None:
    WorkflowRun.objects.update(step="ok", status="waiting", seq=3)
    path = f"/api/chats/{guided.pk}/workflow/answer"
    assert api(alice).post(path, {"decision": decision, "seq": 2}, format="json").json()["error"]["code"] == "changed"
    told = api(alice).post(path, {"decision": decision, "seq": 3}, format="json").json()
    assert (told["step"]["id"], told["seq"], told["status"]) == (step, 4, "running")
    assert api(alice).post(path, {"decision": decision}, format="json").json()["error"]["code"] == "not_waiting"
    assert api(alice).post(path, {"decision": "perhaps"}, format="json").status_code == 400


def test_who_only_reads_decides_nothing_and_who_is_outside_finds_nothing(
    api: Api, guided: Chat, bob: User, charlie: User
) -> None:
    WorkflowRun.objects.update(step="ok", status="waiting")
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    Chat.objects.filter(pk=guided.pk).update(sharing="project", project_access="write")
    path = f"/api/chats/{guided.pk}/workflow/"
    assert api(bob).get(path).json()["step"] == {
        "id": "ok",
        "name": "Go-ahead",
        "kind": "approval",
        "index": 3,
        "total": 4,
    }
    for verb, body in (("answer", {"decision": "allow"}), ("cancel", {})):
        assert api(bob).post(f"{path}{verb}", body, format="json").status_code == 403
        assert api(charlie).post(f"{path}{verb}", body, format="json").status_code == 404
    assert api(charlie).get(path).status_code == 404
    assert at(guided) == ("waiting", "ok", 1, 0)


def test_what_leads_to_a_tool_begins_its_run_unless_one_is_open(guided: Chat, alice: User) -> None:
    steps = json.loads(json.dumps(STEPS))
    steps["steps"][3] = {"id": "last", "name": "Look", "kind": "tool", "tool": "list_files"}
    version = WorkflowVersion.objects.create(
        workflow=Workflow.objects.get(), number=2, definition=steps, published_at="2026-11-01T00:00:00Z"
    )
    WorkflowRun.objects.update(version=version)
    run = begun(guided, alice)
    ended(run, Move("last", {}))
    by_itself = Run.objects.get(chat=guided, status=RunStatus.QUEUED)
    assert (by_itself.question.role, by_itself.question.content) == ("system", "Next step: Look")
    assert by_itself.user == alice
    Run.objects.filter(pk=by_itself.pk).update(status=RunStatus.RUNNING, attempt=1)
    one = Run.objects.select_related("chat", "input").get(pk=by_itself.pk)
    standing = standing_of(one)
    assert standing is not None and standing.step.tool == "list_files" and standing.answers == {}
    answer(guided, alice, RunStatus.QUEUED)  # a person has written meanwhile: that is the tool's next try
    assert ended(one, Move(None, {})) == [] and at(guided) == ("running", "last", 2, 1)
    assert Run.objects.filter(chat=guided, status=RunStatus.QUEUED).count() == 1


# --- Steps of tools ---------------------------------------------------------------------------------------------------


@pytest.fixture
def looking(guided: Chat) -> Chat:
    """The chat, whose last step is a tool's."""
    steps = json.loads(json.dumps(STEPS))
    steps["steps"][3] = {"id": "last", "name": "Look", "kind": "tool", "tool": "list_files"}
    version = WorkflowVersion.objects.create(
        workflow=Workflow.objects.get(), number=2, definition=steps, published_at="2026-11-01T00:00:00Z"
    )
    WorkflowRun.objects.update(version=version)
    return guided


def queued(chat: Chat) -> list[Run]:
    """What waits in the chat."""
    return list(Run.objects.filter(chat=chat, status=RunStatus.QUEUED))


def noted(run: Run) -> Run:
    """The run, begun: it has noted which step it is."""
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempt=1)
    run = Run.objects.select_related("chat", "input").get(pk=run.pk)
    standing_of(run)
    return run


CALLED = ev.ToolCalled(at=0.0, call="c", name="list_files", arguments={})
GIVEN = ev.ToolReturned(at=0.0, call="c", name="list_files", result=[], elapsed_ms=1)
DENIED = ev.ToolFailed(at=0.0, call="c", name="list_files", error="No.", outcome="refused")
# How its run ends, whether it is begun again by itself, and how many failures that is.
TRIES: dict[str, tuple[dict[str, Any], bool, int]] = {
    "the provider failed before the call": ({"code": "upstream_error"}, True, 1),
    "the model called nothing": ({"move": Move(None, {})}, True, 1),
    "the provider failed behind the call": ({"code": "upstream_error", "said": (CALLED, GIVEN)}, False, 1),
    "it took too long": ({"reason": "timeout_s", "said": (CALLED,)}, False, 1),
    "a person denied it": ({"move": None, "said": (DENIED,)}, False, 1),
    "it ended its process": ({"code": "poison"}, False, 1),
    "the budget is spent": ({"code": "quota_exceeded"}, False, 0),
    "the rights are gone": ({"code": "no_rights"}, False, 0),
    "somebody stopped it": ({"reason": "stopped"}, False, 0),
}


@pytest.mark.parametrize(("end", "again", "failures"), TRIES.values(), ids=TRIES.keys())
def test_a_tools_step_is_tried_by_itself_where_nothing_was_called(
    looking: Chat, alice: User, end: dict[str, Any], again: bool, failures: int
) -> None:
    ended(begun(looking, alice), Move("last", {}))
    (one,) = queued(looking)
    ended(noted(one), **end)
    assert bool(queued(looking)) == again and at(looking) == ("running", "last", 2, failures)
    Run.objects.filter(status=RunStatus.QUEUED).update(status=RunStatus.CANCELLED)
    anew = answer(looking, alice, RunStatus.QUEUED)
    Run.objects.filter(pk=anew.pk).update(input=Run.objects.earliest("position").input)
    ended(noted(anew))
    assert queued(looking) == [], "an older answer that is given anew tries it neither"


@pytest.mark.parametrize("beside", [{"door": "native"}, {"door": "schedule"}, {"command": "help"}], ids=str)
def test_a_tool_that_was_allowed_while_a_run_was_under_way_begins_behind_it(
    looking: Chat, alice: User, beside: dict[str, str]
) -> None:
    WorkflowRun.objects.update(step="ok", status="waiting", seq=3)
    asked = answer(looking, alice, RunStatus.QUEUED)
    Run.objects.filter(pk=asked.pk).update(**beside)
    run = noted(asked)
    decide(user=alice, chat=looking, decision="allow")
    assert queued(looking) == []
    ended(run)
    assert [each.question.content for each in queued(looking)] == ["Next step: Look"]
    assert at(looking) == ("running", "last", 4, 0)


# --- Which step a message is for --------------------------------------------------------------------------------------


def again(run: Run, user: User) -> Run:
    """The message of a run that has ended is answered anew: that run, begun."""
    anew = answer(Chat.objects.get(pk=run.chat_id), user, RunStatus.QUEUED)
    Run.objects.filter(pk=anew.pk).update(input=run.input)
    return noted(anew)


def test_a_message_is_one_answer_however_often_it_is_asked_again(guided: Chat, alice: User) -> None:
    steps = {"steps": [
        {"id": "wait", "name": "Pause", "kind": "wait", "needs": ["x", "y"], "next": [{"to": "last"}]},
        {"id": "last", "name": "Last", "prompt": "Say goodbye.", "needs": ["z"]},
    ]}  # fmt: skip
    version = WorkflowVersion.objects.create(
        workflow=Workflow.objects.get(), number=2, definition=steps, published_at="2026-11-01T00:00:00Z"
    )
    WorkflowRun.objects.update(version=version, step="wait", status="waiting")
    bob = begun(guided, alice)
    for _ in range(2):
        ended(bob, code="upstream_error")
        bob = again(bob, alice)
        assert at(guided)[:3] == ("waiting", "wait", 1) and set(WorkflowRun.objects.get().answers) == {"x"}
    ended(bob)
    last = standing_of(begun(guided, alice))
    assert last is not None and last.step.id == "last" and set(last.answers) == {"x", "y"}


def test_a_fenced_attempt_notes_nothing_and_moves_nothing(guided: Chat, alice: User) -> None:
    WorkflowRun.objects.update(step="wait", status="waiting", seq=2)
    run = answer(guided, alice, RunStatus.RUNNING)
    run = Run.objects.select_related("chat", "input").get(pk=run.pk)
    Run.objects.filter(pk=run.pk).update(attempt=2)
    with pytest.raises(Fenced):
        standing_of(run)
    assert at(guided) == ("waiting", "wait", 2, 0) and WorkflowRun.objects.get().answers == {}


@pytest.mark.parametrize("end", [{"code": "upstream_error"}, {"reason": "stopped"}, {"move": Move(None, {})}])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_message_that_had_no_answer_moves_its_own_step_alone(
    guided: Chat, alice: User, end: dict[str, Any], is_there: bool
) -> None:
    run = begun(guided, alice)
    ended(run, **end)
    if not is_there:
        WorkflowRun.objects.update(step="last", seq=4)
    standing = standing_of(again(run, alice))
    assert standing is not None and standing.step.id == "name"
    assert standing.at.moves == (is_there and "move" not in end)


@pytest.mark.parametrize("beside", [{"door": "schedule"}, {"command": "help"}], ids=str)
@pytest.mark.parametrize("step", ["name", "wait", "ok"])
def test_a_schedules_prompt_or_a_command_is_no_answer_and_leads_nowhere(
    guided: Chat, alice: User, step: str, beside: dict[str, str]
) -> None:
    WorkflowRun.objects.update(step=step, status="waiting", seq=5)
    asked = answer(guided, alice, RunStatus.QUEUED)
    Run.objects.filter(pk=asked.pk).update(**beside)
    run = noted(asked)
    assert standing_of(run) is None
    assert ended(run, Move("last", {})) == [] and at(guided) == ("waiting", step, 5, 0)
    assert WorkflowRun.objects.get().answers == {}


@pytest.mark.parametrize("has_workflow", [True, False])
def test_a_step_says_itself_by_which_model_it_begins(guided: Chat, alice: User, has_workflow: bool) -> None:
    guided.has_workflow = has_workflow
    run = Run(chat=guided, user=alice, archetype="generalist", model="gpt-4o", attempt=1)
    assert isinstance(beginning(run)[-1], ev.RunStarted if has_workflow else ev.TurnStarted)


# --- The admin --------------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(db: None) -> Client:
    """Who operates the installation, signed in to the admin."""
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "x"))
    return client


def test_the_editors_errors_name_the_step_and_an_action_publishes(
    staff: Client, organization: Organization, guided: Chat
) -> None:
    path = "/admin/chat/workflow/"
    body: dict[str, Any] = {"organization": str(organization.pk), "project": "", "name": "Made by hand"}
    for wrong, told in ((WRONG, "steps[0].next[0].to: there is no step"), ([1], "definition: Expected `object`")):
        page = staff.post(f"{path}add/", {**body, "definition": json.dumps(wrong)})
        assert page.status_code == 200 and told in page.content.decode()
    assert staff.post(f"{path}add/", {**body, "definition": json.dumps(STEPS)}).status_code == 302
    row = Workflow.objects.get(name="Made by hand")
    assert "Say goodbye." in staff.get(f"{path}{row.pk}/change/").content.decode()
    staff.post(path, {"action": "publish", "_selected_action": [str(row.pk)]})
    assert row.versions.get().published_at is not None
    changed = {**body, "name": "Renamed", "definition": json.dumps({"steps": STEPS["steps"][3:]})}
    assert staff.post(f"{path}{row.pk}/change/", changed).status_code == 302
    assert [each.number for each in row.versions.all()] == [2, 1]
    version, run = row.versions.first(), WorkflowRun.objects.get()
    for page in (f"/admin/chat/workflowversion/{version.pk}/change/", f"/admin/chat/workflowrun/{run.pk}/change/"):
        assert staff.get(page).status_code == 200 and staff.post(page, {}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert workflows.definition_of(run).steps[0].id == "name"
