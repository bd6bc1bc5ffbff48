"""Builds by their rows: begun once by a call, taken over behind their commit, shown, erased with their message."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Project, Role, User
from accounts.permissions import PERMISSIONS
from agents import events as ev
from agents.errors import NoRights, WorkFailed
from agents.events import AnyEvent
from agents.loop.judging import ALLOW, ASK, Question, Verdict
from agents.usage import Usage
from chat.doors.trpc.initiate_chat.procedures import _status_now
from chat.models import Chat, Message, MessageStatus, Run, RunStatus, ToolGrant, ToolPolicy
from chat.models.facts import facts_of
from chat.page import builds
from chat.runner import runner
from chat.runner.execution import Execution
from chat.runner.judging import CallJudge
from chat.runner.kinds import build
from chat.runner.loading import WITH
from chat.services.messages import delete_message
from chat.services.runs import cancel_run
from chat.services.work import begin_for_tool
from tests.chat.rows import answer, append
from tests.tools.test_component_code import CARD
from tools.base import ToolContext
from tools.components.tool import generate_component
from tools.errors import ToolError
from tools.executor import execute
from tools.files import list_files, read_file
from tools.git.repository import Repository
from tools.testing import context_of

PATH = "components/Card.tsx"
ASKED = {"name": "Card", "kind": "react", "description": "A card.", "path": PATH}


@pytest.fixture(autouse=True)
def takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process takes no runs by itself."""
    monkeypatch.setattr(runner, "owner_here", lambda: None)


@pytest.fixture
def began(chat: Chat, alice: User) -> Run:
    """The answer that begins builds."""
    return answer(chat, alice)


@pytest.fixture
def ctx(chat: Chat, alice: User, began: Run) -> ToolContext:
    """Of its call."""
    return context(began, alice)


def context(run: Run, user: User, call: str = "call_1") -> ToolContext:
    chat = run.asked_in
    return context_of(
        user, chat_id=chat.pk, project_id=chat.project_id, organization_id=chat.organization_id, run_id=run.pk,
        call_id=call, branch=chat.branch_name(), author_name="Alice", author_email="alice@example.com",
        capabilities=frozenset({"repository"}),
    )  # fmt: skip


def built(run: Run, alice: User, code: str = CARD) -> Run:
    """The run as its end leaves it, its commit made."""
    chat = run.chat
    assert chat is not None and chat.project_id is not None
    written = Repository(chat.project_id).write(
        chat.branch_name(), PATH, code, author_name="Alice", author_email="alice@example.com"
    )
    result = {"path": PATH, "bytes": len(code.encode()), "commit": written.commit, "attempts": 1}
    fields = {"status": RunStatus.SUCCEEDED, "ended_at": timezone.now(), "request": {**run.request, "result": result}}
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


# --- Beginning --------------------------------------------------------------------------------------------------------


def test_a_call_begins_one_build_however_often_it_is_made(ctx: ToolContext, began: Run, alice: User) -> None:
    first = begin_for_tool(ctx, "build", ASKED)
    assert first.waits and begin_for_tool(ctx, "build", ASKED) == first
    run = Run.objects.get(pk=first.run_id)
    assert (run.chat_id, run.parent_id, run.model, run.kind) == (began.chat_id, began.pk, began.model, "build")
    assert Message.objects.get(pk=began.message_id).job == run
    cancel_run(user=alice, run=run)
    assert begin_for_tool(ctx, "build", ASKED).run_id == run.pk
    assert begin_for_tool(context(began, alice, "call_2"), "build", ASKED).run_id != run.pk


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a b"}, "name"),
        ({"kind": "vue"}, "kind"),
        ({"description": " "}, "description"),
        ({"description": "x" * 8_001}, "8,000"),
        ({"path": "../../etc/passwd"}, "path"),
        ({"path": "Card.exe"}, ".tsx"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_argument_begins_nothing(ctx: ToolContext, changes: dict[str, Any], said: str) -> None:
    given = {"name": "Card", "kind": "react", "description": "A card.", **changes}
    told = async_to_sync(execute)(generate_component, ctx, given)
    assert told.retry and said in str(told.error)
    assert not Run.objects.filter(kind="build").exists()


def test_nobody_begins_one_where_they_may_not_write(
    began: Run, bob: User, charlie: User, settings: Any, project: Project
) -> None:
    for user in (bob, charlie):  # the chat is Alice's alone
        with pytest.raises(ToolError):
            begin_for_tool(context(began, user), "build", ASKED)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    Chat.objects.update(sharing="project", project_access="write")
    with pytest.raises(ToolError, match="role"):
        begin_for_tool(context(began, bob), "build", ASKED)
    assert not Run.objects.filter(kind="build").exists()


def test_a_full_queue_is_told_to_the_model(ctx: ToolContext, settings: Any) -> None:
    settings.WORK_PER_PROJECT, settings.WORK_QUEUE = 1, 1
    begin_for_tool(ctx, "build", ASKED)
    Run.objects.filter(kind="build").update(status=RunStatus.RUNNING)
    begin_for_tool(ToolContext(**{**vars(ctx), "call_id": "call_2"}), "build", ASKED)
    with pytest.raises(ToolError, match="wait"):
        begin_for_tool(ToolContext(**{**vars(ctx), "call_id": "call_3"}), "build", ASKED)


@pytest.mark.parametrize(
    ("status", "told"),
    [("queued", "pending"), ("running", "building"), ("succeeded", "success"), ("failed", "error")],
)
def test_a_message_in_one_step_says_how_its_build_is(ctx: ToolContext, began: Run, status: str, told: str) -> None:
    assert _status_now(began) == "success"
    begun = begin_for_tool(ctx, "build", ASKED)
    Run.objects.filter(pk=begun.run_id).update(status=status)
    assert _status_now(began) == told


# --- Taken over -------------------------------------------------------------------------------------------------------


def said(code: str, turn: int) -> list[AnyEvent]:
    usage = Usage(1, 0, 1, 0)
    return [
        ev.WorkProgressed(at=1.0, text=f"Attempt {turn} of 3", done=turn - 1, total=3),
        ev.TurnStarted(at=1.0, turn=turn, model="m"),
        ev.TextDelta(at=1.0, text=code),
        ev.ReplyCompleted(at=1.0, turn=turn, finish_reason="stop", usage=usage),
    ]


async def _driven(work: build.BuildWork) -> list[AnyEvent]:
    return [event async for events in work.drive() for event in events]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", [0, 2])
def test_whoever_takes_it_over_behind_its_commit_finds_that(ctx: ToolContext, alice: User, broken: int) -> None:
    begun = begin_for_tool(ctx, "build", ASKED)
    run = Run.objects.select_related("chat__project", "chat__organization", "user", "organization").get(pk=begun.run_id)
    log = [each for turn in range(1, broken + 1) for each in said("<a>", turn)] + said(CARD, broken + 1)
    commits = []
    for _ in range(2):  # killed behind the commit, before the end
        work = build.load(run, log, PERMISSIONS[Role.EDITOR])
        events = async_to_sync(_driven)(work)
        assert [each.text for each in events if isinstance(each, ev.WorkProgressed)] == [f"Writing {PATH}"]
        assert work.result["attempts"] == broken + 1
        commits.append(work.result["commit"])
    assert commits[0] == commits[1]
    project = ctx.project_id
    assert project is not None
    assert Repository(project).at_commit(commits[0]).read(PATH) == CARD
    assert len(Repository(project).diff(ctx.branch).files) == 1


def claimed(ctx: ToolContext, **asked: Any) -> Run:
    """A build that this process has begun."""
    Run.objects.filter(pk=begin_for_tool(ctx, "build", {**ASKED, **asked}).run_id).update(
        status=RunStatus.RUNNING, attempt=1
    )
    return Run.objects.select_related(*WITH).get(subject=ctx.call_id)


def loaded(run: Run, log: list[AnyEvent] | None = None) -> build.BuildWork:
    return build.load(run, said(CARD, 1) if log is None else log, PERMISSIONS[Role.EDITOR])


def drive(work: build.BuildWork) -> str:
    """The code that it fails by; empty where it does not."""
    try:
        async_to_sync(_driven)(work)
    except NoRights:
        return "no_rights"
    except WorkFailed as error:
        assert str(error).endswith("."), "a sentence"
        return error.code
    return ""


def files(ctx: ToolContext) -> list[str]:
    assert ctx.project_id is not None
    return [each.path for each in Repository(ctx.project_id).diff(ctx.branch).files]


def allow(run: Run, by: User, decision: Any = "allowed") -> None:
    append(run, ev.ApprovalResolved(at=1.0, call="call_1", name="generate_component", decision=decision, by=str(by.pk)))


def rule(chat: Chat, decision: str, pattern: str = "write_file") -> None:
    ToolPolicy.objects.create(organization=chat.organization, pattern=pattern, decision=decision)


MEANWHILE: dict[str, tuple[Callable[..., Any], str]] = {
    "nothing": (lambda **_: None, ""),
    "writing is denied": (lambda chat, **_: rule(chat, "deny"), "build_failed"),
    "building is denied": (lambda chat, **_: rule(chat, "deny", "generate_*"), "build_failed"),
    "writing asks": (lambda chat, **_: rule(chat, "ask"), "build_failed"),
    "the installation asks": (
        lambda settings, **_: setattr(settings, "TOOLS_ASK_FIRST", ["write_file"]),
        "build_failed",
    ),
    "it asks, and somebody had allowed it": (
        lambda chat, began, alice, **_: (rule(chat, "ask"), allow(began, alice)),
        "",
    ),
    "who had allowed it may not": (
        lambda chat, began, bob, **_: (rule(chat, "ask"), allow(began, bob)),
        "build_failed",
    ),
    "it asks, and builds are granted": (
        lambda chat, alice, **_: (
            rule(chat, "ask"),
            ToolGrant.objects.create(
                chat=chat, tool="generate_component", by=alice, expires_at=timezone.now() + timedelta(hours=1)
            ),
        ),
        "",
    ),
    "the chat is archived": (lambda **_: Chat.objects.update(status="archived"), "no_rights"),
    "the role is less": (lambda **_: Membership.objects.update(role=Role.VIEWER), "no_rights"),
    "the chat is another's": (lambda bob, **_: Chat.objects.update(user=bob), "no_rights"),
    "the person is gone": (lambda **_: User.objects.update(is_active=False), "no_rights"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("happens", "fails"), MEANWHILE.values(), ids=MEANWHILE.keys())
def test_the_commit_is_judged_as_of_its_moment(
    ctx: ToolContext, chat: Chat, began: Run, alice: User, bob: User, settings: Any, happens: Any, fails: str
) -> None:
    run = claimed(ctx)
    if happens is MEANWHILE["the installation asks"][0]:
        happens(settings=settings)
    work = loaded(run)
    happens(chat=chat, began=began, alice=alice, bob=bob, settings=settings)
    assert drive(work) == fails
    assert files(ctx) == ([] if fails else [PATH])


@pytest.mark.parametrize("decision", ["deny", "ask"])
def test_a_build_is_begun_as_a_file_is_written(chat: Chat, began: Run, decision: str) -> None:
    judge = CallJudge(began.pk, facts_of(began))
    assert judge.judged(Question(generate_component, "call_1")).decision == "allow"
    rule(chat, decision)
    assert judge.judged(Question(generate_component, "call_1")).decision == decision
    assert generate_component.names == {"generate_component", "write_file"}


async def test_the_builder_asks_nobody() -> None:
    async def asks(question: Question) -> Verdict:
        return ASK if question.tool.name == "read_file" else ALLOW

    judge = build._asking_nobody(asks)
    verdict = await judge(Question(read_file, "call_1"))
    assert verdict.decision == "deny" and "asks nobody" in verdict.because
    assert await judge(Question(list_files, "call_2")) == ALLOW


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "then", "fails"),
    [
        (None, None, ""),
        ("old", None, ""),
        (None, "another's", "build_failed"),
        ("old", "another's", "build_failed"),
        ("old", CARD, ""),
    ],
)
def test_what_was_written_to_its_file_meanwhile_stays(
    ctx: ToolContext, first: str | None, then: str | None, fails: str
) -> None:
    assert ctx.project_id is not None
    repository, by = Repository(ctx.project_id), {"author_name": "Bob", "author_email": "bob@example.com"}
    if first:
        repository.write(ctx.branch, PATH, first, **by)
    run = claimed(ctx)
    work = loaded(run)
    assert ("is there already" in str(work.job.history)) == bool(first)
    if then:
        repository.write(ctx.branch, PATH, then, **by)
    again = loaded(Run.objects.select_related(*WITH).get(pk=run.pk))  # a takeover knows what was there at first
    assert drive(again) == fails
    assert repository.at(ctx.branch).read(PATH) == (then or CARD)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("is_archived", [True, False])
def test_who_stops_it_behind_its_commit_has_come_too_late_also_if_it_died(
    ctx: ToolContext, alice: User, is_there: bool, is_archived: bool
) -> None:
    run = claimed(ctx)
    log = [*said(CARD, 1), ev.WorkProgressed(at=1.0, text=f"Writing {PATH}", done=0, total=3)]
    append(run, *log)
    if is_there:
        assert drive(loaded(run, log)) == ""
    cancel_run(user=alice, run=run)
    Run.objects.filter(pk=run.pk).update(attempt=2)
    if is_archived:
        Chat.objects.update(status="archived")
    async_to_sync(Execution(runner, run.pk, 2).run)()
    run.refresh_from_db()
    assert run.status == (RunStatus.SUCCEEDED if is_there else RunStatus.CANCELLED)
    assert files(ctx) == ([PATH] if is_there else [])
    result = run.request.get("result", {})
    assert (result.get("path"), result.get("bytes"), result.get("attempts")) == (
        (PATH, len(CARD.encode()), 1) if is_there else (None, None, None)
    )


# --- Shown ------------------------------------------------------------------------------------------------------------


LINES = [
    ("queued", "Card.tsx waits for its turn to be built.", ["Stop"]),
    ("running", "Card.tsx is being built.", ["Stop"]),
    ("succeeded", "Card.tsx is built.", ["Show code", "Download"]),
    ("failed", "Card.tsx was not built.", []),
    ("cancelled", "Building Card.tsx was stopped. Nothing was written.", []),
]


def test_the_page_reads_the_newest_step_and_not_the_whole_log(
    ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed(ctx)
    for attempt in (1, 2):
        append(run, *said("<a>", attempt)[:2])
        append(run, ev.TextDelta(at=1.0, text='{"type":"work.progressed"}'))
    decoded: list[int] = []
    load = ev.load
    monkeypatch.setattr(ev, "load", lambda text: decoded.append(len(text)) or load(text))
    assert builds._line(run) == "Card.tsx is being built: attempt 2 of 3."
    assert len(decoded) == 1


@pytest.mark.parametrize(("status", "line", "buttons"), LINES)
def test_the_page_shows_a_card(
    client: Client, ctx: ToolContext, began: Run, alice: User, status: str, line: str, buttons: list[str]
) -> None:
    run = Run.objects.get(pk=begin_for_tool(ctx, "build", ASKED).run_id)
    if status == "succeeded":
        built(run, alice)
    why = {"error_code": "build_failed", "error_message": "Line 1, column 2: <b>"} if status == "failed" else {}
    Run.objects.filter(pk=run.pk).update(status=status, **why)
    client.force_login(alice)
    shown = client.get(f"/chats/{began.chat_id}/").content.decode()
    card = shown.split('<div class="build"')[1].split("</article>")[0]
    assert line in card and [each for each in ("Stop", "Show code", "Download") if f">{each}<" in card] == buttons
    assert ("Line 1, column 2: &lt;b&gt;" in card) == (status == "failed")
    assert '<p class="work" hidden></p>' in shown


def test_the_code_is_shown_and_kept_and_never_run(
    client: Client, api: Callable[[User], Client], ctx: ToolContext, alice: User, bob: User, charlie: User
) -> None:
    code = "export default () => <b>{'<script>alert(1)</script>'}</b>;\n"
    run = built(Run.objects.get(pk=begin_for_tool(ctx, "build", ASKED).run_id), alice, code)
    told = api(alice).get(f"/api/runs/{run.pk}/component/").json()
    assert told["code"] == code and told["path"] == PATH
    client.force_login(alice)
    shown = client.get(f"/runs/{run.pk}/component/")
    assert b"<script>" not in shown.content and b"alert" in shown.content
    file = client.get(f"/runs/{run.pk}/component/?file=yes")
    assert (file.content.decode(), file["Content-Type"]) == (code, "text/plain; charset=utf-8")
    assert file["Content-Disposition"] == 'attachment; filename="Card.tsx"'
    assert "sandbox" in file["Content-Security-Policy"] and file["X-Content-Type-Options"] == "nosniff"
    for user in (bob, charlie):
        assert api(user).get(f"/api/runs/{run.pk}/component/").status_code == 404
        client.force_login(user)
        for query in ("", "?file=yes"):
            assert client.get(f"/runs/{run.pk}/component/{query}").status_code == 404
    Chat.objects.update(sharing="project", project_access="read")
    assert api(bob).get(f"/api/runs/{run.pk}/component/").json()["code"] == code
    assert api(charlie).get(f"/api/runs/{run.pk}/component/").status_code == 404


@pytest.mark.parametrize("result", [None, {"path": PATH, "bytes": 1, "commit": "0" * 40, "attempts": 1}])
def test_there_is_no_component_where_nothing_was_written_or_it_is_gone(
    api: Callable[[User], Client], ctx: ToolContext, began: Run, alice: User, result: Any
) -> None:
    run = begin_for_tool(ctx, "build", ASKED).run_id
    request = {**ASKED, **({"result": result} if result else {})}
    Run.objects.filter(pk=run).update(status="succeeded", request=request)
    for each in (run, began.pk, uuid.uuid4()):
        assert api(alice).get(f"/api/runs/{each}/component/").status_code == 404


def test_a_build_goes_with_the_message_that_began_it(ctx: ToolContext, began: Run, alice: User) -> None:
    run = built(Run.objects.get(pk=begin_for_tool(ctx, "build", ASKED).run_id), alice)
    message = Message.objects.get(pk=began.message_id)
    assert delete_message(user=alice, message=message).status == MessageStatus.DELETED
    run.refresh_from_db()
    assert run.request == {}
