"""Whose answer to a waiting call counts, for what, and that it counts once."""

import time
from dataclasses import replace
from typing import Any

import pytest

from accounts.errors import Invalid, RequestError
from accounts.models import Membership, ProjectMember, Role, User
from accounts.sign_in.keys import create_key
from agents import events as ev
from agents.loop.judging import digest_asked, digest_of
from chat.access import get_run
from chat.eventlog import stored
from chat.eventlog.rows import Logged, insert
from chat.models import Chat, ChatShare, Run, RunStatus, ToolGrant
from chat.page.asked import question
from chat.runner import older
from chat.services import asked_tools
from chat.services.approvals import resolve_approval
from tests.agents.test_judging import made
from tests.chat.rows import answer, ask_for

pytestmark = pytest.mark.django_db
ARGUMENTS = {"path": "a.txt", "content": "x"}


@pytest.fixture(autouse=True)
def nobody_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older, "are_up", lambda: False)


def waiting(chat: Chat, user: User, *calls: str, **asked: Any) -> Run:
    """A run that waits for these calls."""
    run = answer(chat, user, RunStatus.WAITING)
    first = stored(run.pk)[-1].seq + 1
    name = asked.pop("name", "write_file")
    fields = {"permission": "write", "risk": "write", "digest": digest_of(name, ARGUMENTS), **asked}
    events = [
        ev.ApprovalRequested(
            at=time.time(), call=call, name=name, arguments=ARGUMENTS, expires_at=time.time() + 60, **fields
        )
        for call in calls or ("call_9",)
    ]
    insert(run.pk, [Logged(1, seq, event) for seq, event in enumerate(events, first)]).save()
    return run


def say(person: User, run: Run, call: str = "call_9", decision: Any = "allow", **more: Any) -> tuple[int, str]:
    """As the native door does: the answer's status and its error's code."""
    try:
        resolve_approval(user=person, run=get_run(person, run.pk, "write"), call=call, decision=decision, **more)
    except RequestError as error:
        return error.status, error.code
    return 200, ""


def resolved(run: Run) -> list[ev.ApprovalResolved]:
    return [each.event for each in stored(run.pk) if isinstance(each.event, ev.ApprovalResolved)]


def share(chat: Chat, person: User, access: str = "write") -> User:
    ChatShare.objects.create(chat=chat, user=person, access=access)
    return person


def test_a_weaker_person_allows_no_stronger_tool_but_denies_it(alice, bob, chat):
    share(chat, bob)
    run = waiting(chat, alice, permission="admin")
    assert say(bob, run) == (403, "tool_needs_more")
    assert resolved(run) == [] and Run.objects.get(pk=run.pk).status == RunStatus.WAITING
    assert say(bob, run, decision="deny") == (200, "")
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    assert say(alice, waiting(chat, alice, permission="admin")) == (200, "")


NAMED = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "seats": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
FORMS = (ev.Form(key="who", message="Who?", schema=NAMED), ev.Form(key="page", url="https://shop.example/in"))
GIVEN = {"who": {"name": "Ada"}}
# What is said, and the field that is refused.
ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "input"),
    "no object": ({"input": "Ada"}, "input"),
    "a form left out": ({"input": {"page": {}}}, "input.who"),
    "a field left out": ({"input": {"who": {}}}, "input.who"),
    "too long": ({"input": {"who": {"name": "x" * 21}}}, "input.who"),
    "another type": ({"input": {"who": {"name": "Ada", "seats": "two"}}}, "input.who"),
    "a field that nobody asked for": ({"input": {"who": {"name": "Ada", "key": "x"}}}, "input.who"),
    "a form that nobody asked for": ({"input": {**GIVEN, "more": {}}}, "input.more"),
    "something of a page": ({"input": {**GIVEN, "page": {"code": "x"}}}, "input.page"),
    "too much": ({"input": {"who": {"name": "x" * 16_000}}}, "input"),
    "for the chat": ({"input": GIVEN, "scope": "chat"}, "scope"),
    "with a denial": ({"input": GIVEN, "decision": "deny"}, "input"),
}


@pytest.mark.parametrize(("said", "field"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_does_not_answer_a_form_is_refused_by_name_and_nothing_is_decided(alice, chat, said, field):
    run = waiting(chat, alice, name="mcp_shop_book", forms=FORMS, state="sealed")
    with pytest.raises(Invalid) as refused:
        resolve_approval(user=alice, run=run, call="call_9", **{"decision": "allow", **said})
    assert list(refused.value.fields or {}) == [field] and resolved(run) == []


def test_a_form_is_answered_by_who_may_and_only_as_it_was_shown(alice, bob, charlie, chat):
    share(chat, bob, "read")
    run = waiting(chat, alice, name="mcp_shop_book", forms=FORMS, state="sealed")
    assert say(charlie, run, input=GIVEN)[0] == 404 and say(bob, run, input=GIVEN)[0] == 403
    plain = digest_of("mcp_shop_book", ARGUMENTS)
    assert say(alice, run, input=GIVEN, digest=plain) == (409, "changed")
    (asked,) = [each.event for each in stored(run.pk) if isinstance(each.event, ev.ApprovalRequested)]
    assert say(alice, run, input=GIVEN, digest=digest_asked(asked)) == (200, "")
    assert [each.input for each in resolved(run)] == [{**GIVEN, "page": {}}]
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    assert say(alice, waiting(chat, alice), input=GIVEN)[0] == 400


@pytest.mark.parametrize("needs", ["", "read", "write", "deploy"])
def test_who_may_use_the_tool_allows_it(alice, bob, chat, needs):
    share(chat, bob)
    assert say(bob, waiting(chat, alice, permission=needs)) == (200, "")


def test_rights_are_those_of_now(alice, bob, chat):
    share(chat, bob)
    run = waiting(chat, alice, permission="deploy")
    ProjectMember.objects.create(project=chat.project, user=bob, role=Role.VIEWER)
    assert say(bob, run)[0] == 403
    Membership.objects.filter(user=bob).delete()
    assert say(bob, run)[0] == 404


def test_readers_and_strangers_answer_nothing(alice, bob, charlie, chat):
    share(chat, bob, "read")
    run = waiting(chat, alice)
    for decision in ("allow", "deny"):
        assert say(bob, run, decision=decision)[0] == 403
        assert say(charlie, run, decision=decision)[0] == 404
    assert resolved(run) == []


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_an_api_key_answers_nothing(alice, chat, decision):
    run = waiting(chat, alice)
    key, _ = create_key(user=alice, organization=chat.organization, scopes=["chat"], name="CI", expires_at=None)
    alice.key = key
    assert say(alice, run, decision=decision) == (403, "not_by_key")
    assert resolved(run) == []


def test_a_guest_answers_nothing(alice, chat):
    run = waiting(chat, alice)
    alice.is_guest = True
    assert say(alice, run) == (403, "not_by_key")


def test_the_digest_is_of_the_call_that_was_shown(alice, chat):
    run = waiting(chat, alice)
    for other in ("0" * 64, digest_of("write_file", {**ARGUMENTS, "content": "y"}), digest_of("other", ARGUMENTS), ""):
        assert say(alice, run, digest=other) == (409, "changed")
    for wrong in (7, ["x"], "x" * 65):
        assert say(alice, run, digest=wrong) == (400, "invalid")
    assert resolved(run) == []
    assert say(alice, run, digest=digest_of("write_file", ARGUMENTS)) == (200, "")


def test_of_two_answers_the_first_counts(alice, bob, chat):
    share(chat, bob)
    run = waiting(chat, alice, "call_8", "call_9")
    assert say(alice, run, "call_8") == (200, "")
    assert say(bob, run, "call_8", decision="deny")[0] == 404
    assert say(bob, run, "call_9", decision="deny") == (200, "")
    assert say(alice, run, "call_9") == (409, "not_waiting")
    assert [(each.call, each.decision, each.by) for each in resolved(run)] == [
        ("call_8", "allowed", str(alice.pk)),
        ("call_9", "denied", str(bob.pk)),
    ]


def test_an_answer_for_the_chat_is_a_grant(alice, chat, settings):
    settings.TOOL_GRANT_MAX_S = 60
    run = waiting(chat, alice)
    assert say(alice, run, scope="chat") == (200, "")
    given = ToolGrant.objects.get()
    assert (given.tool, given.by, given.chat) == ("write_file", alice, chat)
    assert 50 < (given.expires_at - given.created_at).total_seconds() <= 60
    assert [each.scope for each in resolved(run)] == ["chat"]


@pytest.mark.parametrize("asked", [{"risk": "outward"}, {"risk": "delete"}, {"risk": ""}])
def test_some_tools_are_allowed_one_at_a_time(alice, chat, asked):
    run = waiting(chat, alice, **asked)
    assert say(alice, run, scope="chat") == (400, "invalid")
    assert resolved(run) == [] and not ToolGrant.objects.exists()
    assert say(alice, run, scope="once") == (200, "")


@pytest.mark.parametrize("body", [{"scope": "ever"}, {"scope": ["chat"]}, {"scope": "chat", "decision": "deny"}])
def test_a_bad_scope_is_refused_by_name(alice, chat, body):
    run = waiting(chat, alice)
    with pytest.raises(Invalid) as told:
        resolve_approval(user=alice, run=run, call="call_9", **{"decision": "allow", **body})
    assert set(told.value.fields) == {"scope"} and resolved(run) == []


def test_a_grant_by_who_is_too_weak_is_none(alice, bob, chat):
    share(chat, bob)
    assert say(bob, waiting(chat, alice, permission="admin"), scope="chat") == (403, "tool_needs_more")
    assert not ToolGrant.objects.exists()


def test_processes_of_an_older_version_are_not_told_of_a_scope(alice, chat, monkeypatch):
    monkeypatch.setattr(older, "are_up", lambda: True)
    run = waiting(chat, alice)
    assert say(alice, run, scope="chat") == (200, "")
    assert ToolGrant.objects.count() == 1 and [each.scope for each in resolved(run)] == ["once"]


def test_of_an_older_log_the_tool_of_today_says_what_it_needs(alice, bob, chat, monkeypatch):
    """A log of before an upgrade says no permission: then write is not enough for all."""
    share(chat, bob)
    tools = (made(permission="admin"), replace(made(permission="write"), name="mild"))
    monkeypatch.setattr(asked_tools, "toolset_of", lambda project: tools)
    run = waiting(chat, alice, "call_9", name="made", permission="", risk="")
    ask_for(run, "call_10", "mild")
    assert question(bob, run, "call_9")["may"] == "deny" and question(bob, run, "call_10")["may"] == "allow deny"
    assert say(bob, run) == (403, "tool_needs_more")
    assert say(bob, run, "call_10", scope="chat") == (200, "")
    assert say(alice, run) == (200, "")


def test_an_answer_for_the_chat_answers_the_others_of_its_tool(alice, bob, chat):
    run = waiting(chat, alice, "call_8", "call_9")
    ask_for(run, "call_10", "list_files", permission="read", risk="read")
    assert say(alice, run, "call_8", scope="chat") == (200, "")
    assert [(each.call, each.scope) for each in resolved(run)] == [("call_8", "chat"), ("call_9", "chat")]
    assert Run.objects.get(pk=run.pk).status == RunStatus.WAITING
    assert say(alice, run, "call_10", decision="deny") == (200, "")


def test_a_grant_answers_no_call_that_its_giver_may_not_allow(alice, bob, chat):
    share(chat, bob)
    run = waiting(chat, alice, "call_8")
    ask_for(run, "call_9", permission="write", risk="write", as_person=True)
    assert say(bob, run, "call_8", scope="chat") == (200, "")
    assert [each.call for each in resolved(run)] == ["call_8"]


def test_a_grant_that_holds_is_renewed(alice, chat, settings):
    for lifetime in (60, 600):
        settings.TOOL_GRANT_MAX_S = lifetime
        run = waiting(chat, alice)
        assert say(alice, run, scope="chat") == (200, "")
        Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    (given,) = ToolGrant.objects.all()
    assert 500 < (given.expires_at - given.created_at).total_seconds() <= 601
