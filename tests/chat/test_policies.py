"""Tool policies: what rules come to, what a call is judged by as of now, and whose rules these are to make."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.permissions import PERMISSIONS
from agents.archetypes import registry
from agents.loop.job import Job
from agents.loop.judging import Question
from agents.loop.outside import Outside
from agents.options import RunOptions
from chat.models import Chat, ChatShare, Run, RunStatus, ToolGrant, ToolPolicy
from chat.models.facts import facts_of
from chat.runner import offering
from chat.runner.judging import CallJudge
from chat.runner.kinds.agent import job_of
from chat.runner.outside import Arrivals
from chat.runner.policies import Rule, decided
from chat.services import policies
from tests.agents.test_judging import made
from tests.chat.rows import answer, say
from tools.base import Tool
from tools.models import ProjectRepository

pytestmark = pytest.mark.django_db

HERE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
READS, WRITES = made(), made(permission="write")
SENDS, DEPLOYS = made(outward=True, permission="write"), made(permission="deploy")
FOREIGN = made(outward=True, place="h.example", asks_first=True, foreign=True)
AS_PERSON = made(permission="write", asks_first=True, as_person=True)


def whole(decision: Any, pattern: str = "made", role: str = "") -> Rule:
    return Rule(pattern, role, decision, None)


def inside(decision: Any, pattern: str = "made", role: str = "", project: uuid.UUID = HERE) -> Rule:
    return Rule(pattern, role, decision, project)


DECIDED: dict[str, tuple[Tool, list[Rule], str]] = {
    "no rule, a read": (READS, [], "allow"),
    "no rule, a deploy": (DEPLOYS, [], "ask"),
    "the organization allows what asks by itself": (SENDS, [whole("allow")], "allow"),
    "it asks for a read": (READS, [whole("ask")], "ask"),
    "it denies": (READS, [whole("deny")], "deny"),
    "deny beats ask beats allow": (READS, [whole("allow"), whole("deny"), whole("ask", "*")], "deny"),
    "ask beats allow, whichever is closer": (READS, [whole("allow"), whole("ask", "ma*")], "ask"),
    "another tool's": (READS, [whole("deny", "make"), whole("deny", "made_up"), whole("deny", "b*")], "allow"),
    "a beginning": (READS, [whole("deny", "mad*")], "deny"),
    "the whole name and a star": (READS, [whole("deny", "made*")], "deny"),
    "a name is no beginning": (READS, [whole("deny", "mad")], "allow"),
    "all tools": (READS, [whole("ask", "*")], "ask"),
    "this role's": (READS, [whole("deny", role="editor")], "deny"),
    "another role's": (READS, [whole("deny", role="viewer"), whole("deny", role="admin")], "allow"),
    "a role's and everybody's": (SENDS, [whole("allow"), whole("ask", role="editor")], "ask"),
    "the project is stricter": (READS, [whole("allow"), inside("ask")], "ask"),
    "the project denies": (SENDS, [whole("allow"), inside("deny", role="editor")], "deny"),
    "the project loosens nothing": (SENDS, [inside("allow")], "ask"),
    "nor what its organization denies": (READS, [whole("deny"), inside("allow")], "deny"),
    "nor what it asks for": (READS, [whole("ask"), inside("allow")], "ask"),
    "another project's": (READS, [inside("deny", project=OTHER)], "allow"),
    "nobody allows for another person": (AS_PERSON, [whole("allow")], "ask"),
    "but anybody denies": (AS_PERSON, [whole("deny")], "deny"),
    "nor what a project's admin asks for": (FOREIGN, [whole("allow", "*")], "ask"),
    "which a rule denies": (FOREIGN, [whole("deny")], "deny"),
    "and allows where they do": (replace(FOREIGN, asks_first=False), [whole("allow")], "allow"),
}


@pytest.mark.parametrize(("tool", "rules", "decision"), DECIDED.values(), ids=DECIDED.keys())
def test_what_rules_come_to(tool: Tool, rules: list[Rule], decision: str) -> None:
    assert decided(tool, "editor", rules, HERE) == decision
    assert decided(tool, "editor", rules[::-1], HERE) == decision


# --- As of now --------------------------------------------------------------------------------------------------------


@pytest.fixture
def judge(chat: Chat, bob: User) -> CallJudge:
    """Of a run of Bob's, an editor, in Alice's chat."""
    ChatShare.objects.create(chat=chat, user=bob, access="write")
    run = answer(chat, bob, RunStatus.RUNNING)
    return CallJudge(run.pk, facts_of(run))


def judged(judge: CallJudge, tool: Tool, **more: Any) -> str:
    return judge.judged(Question(tool, "call_1", **more)).decision


def rule(chat: Chat, decision: str, pattern: str = "made", **more: Any) -> ToolPolicy:
    return ToolPolicy.objects.create(organization=chat.organization, pattern=pattern, decision=decision, **more)


def test_a_rule_holds_from_the_next_call_on_and_costs_one_query(judge: CallJudge, chat: Chat) -> None:
    assert judged(judge, READS) == "allow"
    made_up = rule(chat, "deny", role="editor", project=chat.project)
    rule(chat, "deny", "other")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert judged(judge, READS) == "deny"
    assert len(asked) == 1
    made_up.delete()
    assert judged(judge, READS) == "allow"


def test_the_installation_and_what_came_in_ask_whatever_a_rule_says(judge: CallJudge, chat: Chat) -> None:
    rule(chat, "allow", "*")
    assert judged(judge, SENDS) == "allow"
    assert judged(judge, SENDS, is_tainted=True) == "ask"
    assert judged(judge, READS, is_tainted=True) == "allow"
    assert judged(judge, READS, asks_first=True) == "ask"
    rule(chat, "deny", "ma*")
    assert judged(judge, SENDS, is_tainted=True) == "deny"


def demoted(bob: User, chat: Chat) -> None:
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)


def demoted_here(bob: User, chat: Chat) -> None:
    ProjectMember.objects.create(project=chat.project, user=bob, role=Role.VIEWER)


def unshared(bob: User, chat: Chat) -> None:
    ChatShare.objects.filter(user=bob).delete()


def left(bob: User, chat: Chat) -> None:
    Membership.objects.filter(user=bob).delete()


def deactivated(bob: User, chat: Chat) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


@pytest.mark.parametrize("lose", [demoted, demoted_here, unshared, left, deactivated])
def test_who_lost_a_right_uses_no_tool_that_needs_it(
    judge: CallJudge, bob: User, chat: Chat, lose: Callable[[User, Chat], None]
) -> None:
    lose(bob, chat)
    verdict = judge.judged(Question(WRITES, "call_1"))
    assert verdict.decision == "deny" and "may not use made" in verdict.because


def test_another_organizations_rules_are_nobodys_here(judge: CallJudge, elsewhere: Organization) -> None:
    ToolPolicy.objects.create(organization=elsewhere, pattern="*", decision="deny")
    assert judged(judge, READS) == "allow"


# --- Grants -----------------------------------------------------------------------------------------------------------


def grant(chat: Chat, by: User, **more: Any) -> ToolGrant:
    until = more.pop("expires_at", timezone.now() + timedelta(hours=1))
    return ToolGrant.objects.create(chat=chat, tool=more.pop("tool", "made"), by=by, expires_at=until, **more)


ASKS = made(permission="write", asks_first=True)


def test_a_granted_tool_is_not_asked_for_and_each_use_is_counted(
    judge: CallJudge, chat: Chat, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    assert judged(judge, ASKS) == "ask"
    given = grant(chat, alice)
    with caplog.at_level("INFO", logger="chat.runner.judging"):
        assert [judged(judge, ASKS), judged(judge, ASKS, asks_first=True)] == ["allow", "allow"]
    given.refresh_from_db()
    assert given.uses == 2 and given.used_at is not None
    assert [str(given.pk) in each.getMessage() and "call=call_1" in each.getMessage() for each in caplog.records] == [
        True
    ] * 2
    rule(chat, "deny")
    assert judged(judge, ASKS) == "deny"
    given.refresh_from_db()
    assert given.uses == 2


NOT_GRANTED: dict[str, Callable[[ToolGrant], Any]] = {
    "expired": lambda given: ToolGrant.objects.update(expires_at=timezone.now()),
    "revoked": lambda given: ToolGrant.objects.update(revoked_at=timezone.now()),
    "of another tool": lambda given: ToolGrant.objects.update(tool="made_up"),
    "of another chat": lambda given: ToolGrant.objects.update(
        chat=Chat.objects.create(organization=given.chat.organization, user=given.by, model="m", archetype="a")
    ),
    "whoever gave it was demoted": lambda given: Membership.objects.filter(user=given.by).update(role=Role.VIEWER),
    "whoever gave it has left": lambda given: Membership.objects.filter(user=given.by).delete(),
    "whoever gave it is deactivated": lambda given: User.objects.filter(pk=given.by_id).update(is_active=False),
}


@pytest.mark.parametrize("change", NOT_GRANTED.values(), ids=NOT_GRANTED.keys())
def test_a_grant_that_does_not_hold_asks(
    judge: CallJudge, chat: Chat, organization: Organization, change: Callable[[ToolGrant], Any]
) -> None:
    dora = User.objects.create_user("dora@example.com")
    Membership.objects.create(organization=organization, user=dora, role=Role.EDITOR)
    ChatShare.objects.create(chat=chat, user=dora, access="write")
    given = grant(chat, dora)
    assert judged(judge, ASKS) == "allow"
    change(given)
    assert judged(judge, ASKS) == "ask"
    given.refresh_from_db()
    assert given.uses == 1


@pytest.mark.parametrize("tool", [SENDS, made(permission="write", deletes=True)])
def test_what_goes_out_or_deletes_is_never_granted(judge: CallJudge, chat: Chat, alice: User, tool: Tool) -> None:
    grant(chat, alice)
    assert judged(judge, tool) == "ask"


def test_what_is_done_as_the_person_is_granted_by_them_alone(
    judge: CallJudge, chat: Chat, alice: User, bob: User
) -> None:
    grant(chat, alice)
    assert judged(judge, AS_PERSON) == "ask"
    grant(chat, bob)
    assert judged(judge, AS_PERSON) == "allow"


def test_a_weaker_persons_grant_is_none_for_a_stronger_tool(
    judge: CallJudge, chat: Chat, bob: User, alice: User
) -> None:
    ProjectMember.objects.create(project=chat.project, user=bob, role=Role.ADMIN)
    ChatShare.objects.filter(user=bob).delete()
    Chat.objects.filter(pk=chat.pk).update(user=bob)  # all that his role allows
    strong = made(permission="admin", asks_first=True)
    dora = User.objects.create_user("dora@example.com")
    Membership.objects.create(organization=chat.organization, user=dora, role=Role.EDITOR)
    ChatShare.objects.create(chat=chat, user=dora, access="write")
    grant(chat, dora)
    assert judged(judge, strong) == "ask"
    assert judged(judge, strong, allowed_by=str(dora.pk)) == "deny"
    assert judged(judge, strong, allowed_by=str(bob.pk)) == "allow"


def test_a_tool_that_is_denied_is_not_offered(chat: Chat, bob: User, judge: CallJudge) -> None:
    offering._kept.clear()
    rule(chat, "deny", "made", role="editor")
    rule(chat, "ask", "other")
    for role, other, is_offered in (("editor", "made", False), ("viewer", "made", True), ("editor", "other", True)):
        assert offering.offering(judge.facts, lambda role=role: role)(replace(READS, name=other)) is is_offered


def test_what_is_offered_goes_by_the_role_that_calls_are_judged_by(
    chat: Chat, alice: User, organization: Organization
) -> None:
    """An owner has all rights that an admin has, and is none."""
    offering._kept.clear()
    run = answer(chat, alice, RunStatus.RUNNING)
    judge = CallJudge(run.pk, facts_of(run))
    rule(chat, "deny", role=Membership.objects.get(user=alice, organization=organization).role)
    assert judged(judge, READS) == "deny"
    assert job_of_run(run).may_offer(READS) is False


def job_of_run(run: Run) -> Job:
    limits = {"history": (), "options": RunOptions(), "timeout_s": 60.0}
    return job_of(run, [], PERMISSIONS[Role.OWNER], archetype=registry.get(run.archetype), **limits)  # type: ignore[arg-type]


def test_a_call_that_does_not_start_yet_uses_no_grant(judge: CallJudge, chat: Chat, alice: User) -> None:
    given = grant(chat, alice)
    assert judged(judge, ASKS, starts=False) == "allow"
    given.refresh_from_db()
    assert given.uses == 0


# --- What came in ---------------------------------------------------------------------------------------------------


def cloned(run: Run) -> None:
    ProjectRepository.objects.create(project=run.chat.project, remote_url="https://git.example/a/b.git")  # type: ignore[union-attr]


def uploaded(run: Run) -> None:
    ProjectRepository.objects.create(project=run.chat.project, fetched_at=timezone.now())  # type: ignore[union-attr]


def begun_here(run: Run) -> None:
    ProjectRepository.objects.create(project=run.chat.project, state="ready")  # type: ignore[union-attr]


def called(run: Run, status: str = "returned") -> None:
    earlier = answer(run.chat, run.user)  # type: ignore[arg-type]
    earlier.tool_calls.update(name="look_up", status=status)


def shown(run: Run, url: str = "https://a.example/x.png") -> None:
    say(run.chat, run.user, attachments=[{"type": "image", "url": url}])  # type: ignore[arg-type]


ARRIVED: dict[str, tuple[Callable[[Run], Any], Outside]] = {
    "a clone": (cloned, Outside(repository=frozenset({"git.example"}))),
    "an upload": (uploaded, Outside(repository=frozenset({""}))),
    "files of its own": (begun_here, Outside()),
    "a page": (called, Outside(frozenset({"look_up"}))),
    "a call that was refused": (lambda run: called(run, "refused"), Outside()),
    "a picture by its address": (shown, Outside(frozenset({""}))),
    "a picture sent whole": (lambda run: shown(run, "data:image/png;base64,AA=="), Outside()),
}


@pytest.mark.parametrize(("arrive", "expected"), ARRIVED.values(), ids=ARRIVED.keys())
def test_what_came_into_the_chat_however_long_ago(
    chat: Chat, alice: User, arrive: Callable[[Run], Any], expected: Outside
) -> None:
    arrive(Run(chat=chat, user=alice))
    run = answer(chat, alice, RunStatus.RUNNING)
    assert Arrivals(facts_of(run)).found() == expected


# --- REST -------------------------------------------------------------------------------------------------------------

PATH = "/api/policies/"


def new(place: Organization | Project, **fields: Any) -> dict[str, Any]:
    kind = "project" if isinstance(place, Project) else "organization"
    return {kind: str(place.pk), "pattern": "deploy_*", "decision": "deny", **fields}


def test_an_admin_makes_changes_and_deletes_rules(api, alice, organization, project):
    of_all = api(alice).post(PATH, new(organization, decision="allow"), format="json")
    assert of_all.status_code == 201, of_all.json()
    one = api(alice).post(PATH, new(project, role="editor"), format="json").json()
    assert (one["organization"], one["project"], one["created_by"]) == (
        str(organization.pk),
        str(project.pk),
        str(alice.pk),
    )
    listed = api(alice).get(PATH).json()["results"]
    assert [each["id"] for each in listed] == [one["id"], of_all.json()["id"]]
    for query, count in ((f"?project={project.pk}", 1), (f"?organization={organization.pk}", 2)):
        assert len(api(alice).get(PATH + query).json()["results"]) == count
    changed = api(alice).patch(f"{PATH}{one['id']}/", {"decision": "ask", "pattern": "x"}, format="json").json()
    assert (changed["decision"], changed["pattern"], changed["role"]) == ("ask", "x", "editor")
    assert api(alice).delete(f"{PATH}{one['id']}/").status_code == 204
    assert api(alice).get(f"{PATH}{one['id']}/").status_code == 404


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a pattern with a star inside": ({"pattern": "a*b"}, "pattern"),
    "no pattern": ({"pattern": ""}, "pattern"),
    "a pattern that is no name": ({"pattern": "rm -rf *"}, "pattern"),
    "a pattern in another form": ({"pattern": 7}, "pattern"),
    "a long one": ({"pattern": "a" * 65}, "pattern"),
    "an unknown role": ({"role": "boss"}, "role"),
    "an unknown decision": ({"decision": "maybe"}, "decision"),
    "a field that is none": ({"priority": 1}, "priority"),
    "a project that is none": ({"project": str(uuid.uuid4())}, "project"),
}


@pytest.mark.parametrize(("fields", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_rule_is_refused_by_name_and_nothing_is_made(api, alice, organization, fields, named):
    reply = api(alice).post(PATH, new(organization, **fields), format="json")
    assert reply.status_code in (400, 404) and named in reply.json()["error"]["fields"], reply.json()
    assert not ToolPolicy.objects.exists()


def test_a_projects_rule_that_would_loosen_is_refused(api, alice, project, organization):
    reply = api(alice).post(PATH, new(project, decision="allow"), format="json")
    assert reply.status_code == 400 and "stricter" in reply.json()["error"]["fields"]["decision"][0]
    one = api(alice).post(PATH, new(project), format="json").json()
    assert api(alice).patch(f"{PATH}{one['id']}/", {"decision": "allow"}, format="json").status_code == 400
    assert ToolPolicy.objects.get().decision == "deny"


def test_a_second_rule_for_the_same_is_a_conflict(api, alice, organization, project):
    for place in (organization, project):
        assert api(alice).post(PATH, new(place), format="json").status_code == 201
        reply = api(alice).post(PATH, new(place, decision="ask"), format="json")
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "policy_exists")


def test_an_organization_has_so_many_rules(api, alice, organization, settings):
    settings.TOOL_POLICIES_PER_ORGANIZATION = 1
    assert api(alice).post(PATH, new(organization), format="json").status_code == 201
    reply = api(alice).post(PATH, new(organization, pattern="x"), format="json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "too_many_policies")


def test_a_projects_rules_take_no_room_of_its_organizations(api, alice, organization, project, settings):
    settings.TOOL_POLICIES_PER_ORGANIZATION = 1
    for place in (project, organization):
        assert api(alice).post(PATH, new(place), format="json").status_code == 201
        reply = api(alice).post(PATH, new(place, pattern="x"), format="json")
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "too_many_policies")


@pytest.mark.parametrize("do", ["change", "delete"])
def test_a_rule_that_somebody_has_deleted_meanwhile_is_gone(alice, chat, do):
    row = rule(chat, "deny")
    ToolPolicy.objects.all().delete()
    with pytest.raises(NotFound):
        if do == "change":
            policies.change_policy(user=alice, policy=row, decision="ask")
        else:
            policies.delete_policy(user=alice, policy=row)


def test_who_makes_changes_and_deletes_rules_is_logged(api, alice, project, caplog):
    with caplog.at_level("INFO", logger="chat.services.policies"):
        path = f"{PATH}{api(alice).post(PATH, new(project), format='json').json()['id']}/"
        api(alice).patch(path, {"decision": "ask"}, format="json")
        api(alice).delete(path)
    told = [each.getMessage() for each in caplog.records]
    place = f"deploy_* for everybody in project {project.pk}"
    ends = (f"deny {place}", f"ask {place}, was deny {place}", f"was ask {place}")
    assert len(told) == 3 and all(line.endswith(end) for line, end in zip(told, ends, strict=True)), told
    assert all(str(alice.pk) in each for each in told)


def test_rules_are_for_admins_and_strangers_see_none(api, alice, bob, charlie, organization, project):
    one = api(alice).post(PATH, new(project), format="json").json()
    for person, status in ((bob, 403), (charlie, 404)):
        client = api(person)
        assert client.get(PATH).json()["results"] == []
        assert client.get(f"{PATH}?organization={organization.pk}").status_code == status
        assert client.get(f"{PATH}?project={project.pk}").status_code == status
        assert client.post(PATH, new(organization), format="json").status_code == status
        for method in ("get", "patch", "delete"):
            assert getattr(client, method)(f"{PATH}{one['id']}/").status_code == status
    ProjectMember.objects.create(project=project, user=bob, role=Role.ADMIN)
    assert [each["id"] for each in api(bob).get(PATH).json()["results"]] == [one["id"]]
    assert api(bob).post(PATH, new(project, pattern="x"), format="json").status_code == 201
    assert api(bob).post(PATH, new(organization, pattern="x"), format="json").status_code == 403


def test_grants_are_seen_by_the_chats_readers_and_revoked_by_its_writers(api, alice, bob, charlie, chat):
    given = grant(chat, alice)
    grant(chat, alice, expires_at=timezone.now())
    path = f"/api/chats/{chat.pk}/grants/"
    ChatShare.objects.create(chat=chat, user=bob, access="read")
    for person in (alice, bob):
        (row,) = api(person).get(path).json()["results"]
        assert (row["id"], row["tool"], row["title"]) == (str(given.pk), "made", "Made")
        assert (row["by_name"], row["uses"]) == ("Alice", 0)
    assert api(charlie).get(path).status_code == 404
    statuses = [api(each).delete(f"{path}{given.pk}/").status_code for each in (charlie, bob, alice, alice)]
    assert statuses == [404, 403, 204, 204]
    assert api(alice).get(path).json()["results"] == []
    assert api(alice).delete(f"{path}{uuid.uuid4()}/").status_code == 404


def test_to_revoke_a_grant_takes_all_of_its_tool_in_the_chat(api, alice, bob, chat):
    mine, other = grant(chat, alice), grant(chat, alice, tool="made_up")
    grant(chat, bob)
    assert api(alice).delete(f"/api/chats/{chat.pk}/grants/{mine.pk}/").status_code == 204
    assert list(ToolGrant.objects.valid()) == [other]
