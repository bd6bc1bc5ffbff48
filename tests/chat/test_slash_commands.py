"""Slash commands: what is one and what is a text, who may, what they leave behind, and what a model reads of them."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import plans
from accounts.db.bounded import TookTooLong
from accounts.errors import Invalid, NotAllowed, Unavailable
from accounts.models import ApiKey, Membership, Organization, Role, User
from accounts.plans import Terms
from accounts.sign_in.keys import create_key
from agents import commands as own
from agents import events as ev
from agents.events import AnyEvent
from agents.messages import AssistantMessage, UserMessage
from chat.access import permissions_on
from chat.commands import finding, registry
from chat.doors.registry import DOORS as FRONT_DOORS
from chat.models import SCHEDULED, Chat, ChatShare, Feedback, Message, MessageKind, Run, RunStatus
from chat.models.facts import facts_of
from chat.page.slash import slash
from chat.run_request import Item, RunRequest
from chat.runner import commands, older, planning, runner
from chat.runner.history import history
from chat.runner.kinds import title
from chat.runner.kinds.command import CommandWork
from chat.runner.kinds.memory import told
from chat.runner.loading import load
from chat.services import commanding
from chat.services.messages import delete_message, edit_message
from chat.services.runs import regenerate, start_by_itself, start_run
from tests.chat.search.test_searching import index_all
from tests.chat.test_compactions import add, turns
from tests.chat.working import older_process_is_up

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
PATH = "/api/commands/"
NAMES = ["help", "model", "title", "summarize", "compact", "clear", "search", "usage", "export", "feedback"]


@pytest.fixture(autouse=True)
def takes_no_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "owner_here", lambda: None)


@pytest.fixture
def own_command(monkeypatch: pytest.MonkeyPatch) -> Iterator[own.Command]:
    """What an own app has registered: one with a name of its own, and one with the product's."""
    made = own.Command("orders", "Open orders", "Which orders are open of", archetype="project_navigator")
    monkeypatch.setattr(own, "_all", {"orders": made, "usage": own.Command("usage", "Ours", "How much of ")})
    yield made


@pytest.fixture
def without_features() -> Iterator[None]:
    """The organization's plan has none."""
    commands.table.fill(registry.COMMANDS, lambda organization_id, name: False)
    yield
    registry.hand_down()


def begin(chat: Chat, text: Any, user: User | None = None, **more: Any) -> Run:
    return start_run(user=user or chat.user, chat=chat, ask=RunRequest(content=text, **more))


def done(run: Run, *, before: list[AnyEvent] | None = None) -> str:
    """The run ends here, as if its process had driven it: what it said."""
    run = Run.objects.select_related("chat", "user", "input").get(pk=run.pk)
    said = said_by(CommandWork(run, before or [], permissions_on(run.user, run.asked_in)))
    Message.objects.filter(pk=run.message_id).update(content=said, status="completed")
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    return said


def said_by(work: CommandWork) -> str:
    async def driven() -> list[AnyEvent]:
        return [event async for events in work.drive() for event in events]

    return "".join(each.text for each in asyncio.run(driven()) if isinstance(each, ev.TextDelta))


# --- What is one ------------------------------------------------------------------------------------------------------

READ = {
    "/help": ("/help", "help"),
    "/title  A \n title ": ("/title  A \n title ", "title"),
    "/help\n": ("/help\n", "help"),
    "//help me": ("/help me", ""),
    "//orders x": ("/orders x", ""),
    "///help": ("///help", ""),
    "//nothing of ours": ("//nothing of ours", ""),
    "// a comment": ("// a comment", ""),
    "/nothing": ("/nothing", ""),
    "/Help": ("/Help", ""),
    " /help": (" /help", ""),
    "/help.": ("/help.", ""),
    "/etc/hosts is a file": ("/etc/hosts is a file", ""),
    "Say /help": ("Say /help", ""),
    "/orders Miller": ("Which orders are open of Miller", ""),
    "/usage Miller": ("How much of Miller", ""),
}


@pytest.mark.parametrize("typed", READ)
def test_what_is_typed_is_a_command_or_a_text(chat: Chat, own_command: own.Command, typed: str) -> None:
    stored, name = READ[typed]
    run = begin(chat, typed)
    question = Message.objects.get(pk=run.input_id)
    assert (question.content, run.command) == (stored, name)
    kinds = {question.kind, Message.objects.get(pk=run.message_id).kind}
    assert kinds == {MessageKind.COMMAND if name else MessageKind.TEXT}
    assert bool(run.model) is not bool(name) and bool(run.reserved_tokens) is False
    assert run.archetype == ("project_navigator" if typed.startswith("/orders") else chat.archetype)


TEXTS = {
    "an agent elsewhere": RunRequest(content="/clear", door="mcp"),
    "chat completions": RunRequest(content="/clear", door="completions"),
    "responses": RunRequest(content="/clear", door="responses"),
    "a schedule": RunRequest(content="/clear", door=SCHEDULED),
    "a system message": RunRequest(items=(Item("user", "Hello"), Item("system", "/clear"))),
    "the result of a tool": RunRequest(
        items=(Item("tool", "/clear", parts=({"type": "tool_result", "call": "c", "name": "n", "result": "/clear"},)),)
    ),
    "an assistant": RunRequest(items=(Item("assistant", "/clear"),)),
    "a file": RunRequest(content="Read", attachments=({"type": "file", "name": "a.md", "content": "/clear"},)),
    "not the last": RunRequest(items=(Item("user", "/clear"), Item("user", "Hello"))),
}


@pytest.mark.parametrize("whose", TEXTS)
def test_what_no_person_types_last_is_a_text(chat: Chat, whose: str) -> None:
    add(chat, "user", "Before")
    run = start_run(user=chat.user, chat=chat, ask=TEXTS[whose])
    assert run.command == "" and not Message.objects.filter(kind=MessageKind.COMMAND).exists()
    assert Message.objects.filter(parent=None).count() == 1


def test_what_a_workflow_or_a_timer_says_is_a_text(chat: Chat) -> None:
    run = start_by_itself(user=chat.user, chat=chat, said="/clear")
    assert run is not None and run.command == "" and run.question.kind == MessageKind.TEXT


def test_every_door_is_one_of_people_or_one_of_programs() -> None:
    dialects = {name for door in FRONT_DOORS for name in door.dialects}
    assert dialects == commanding.DOORS | {"mcp", "completions", "responses"}


WRONG = {
    "/title": "TITLE",
    "/title " + "x" * 201: "1 to 200",
    "/search": "TEXT",
    "/feedback  ": "COMMENT",
    "/help me": "nothing behind it",
    "/clear all": "nothing behind it",
}


@pytest.mark.parametrize("typed", WRONG)
def test_arguments_that_are_not_right_are_refused_and_change_nothing(chat: Chat, typed: str) -> None:
    with pytest.raises(Invalid, match=WRONG[typed]) as refused:
        begin(chat, typed)
    assert set(refused.value.fields) == {"content"} and not chat.messages.exists()


def test_a_command_takes_no_files(chat: Chat) -> None:
    with pytest.raises(Invalid) as refused:
        begin(chat, "/help", attachments=[{"type": "file", "name": "a.md", "content": "x"}])
    assert set(refused.value.fields) == {"attachments"}


def test_none_begins_while_an_older_process_is_up(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older._Seen, "is_over", False)
    monkeypatch.setattr(older._Seen, "looked_at", 0.0)
    run = begin(chat, "/help")
    monkeypatch.setattr(older._Seen, "is_over", False)
    monkeypatch.setattr(older._Seen, "looked_at", 0.0)
    older_process_is_up()
    for start in (lambda: begin(chat, "/help"), lambda: regenerate(user=chat.user, message=run.question)):
        with pytest.raises(Unavailable):
            start()
    assert begin(chat, "A text").command == ""


# --- Who may ----------------------------------------------------------------------------------------------------------


def shared(chat: Chat, person: User, access: str = "write") -> Chat:
    ChatShare.objects.create(chat=chat, user=person, access=access)
    return chat


def test_a_viewer_a_stranger_and_who_only_reads_begin_none(chat: Chat, bob: User, charlie: User) -> None:
    shared(chat, bob, "read")
    for person in (bob, charlie):
        for typed in ("/help", "/usage", "/clear", "/model gpt-4o"):
            with pytest.raises(NotAllowed):
                begin(chat, typed, person)
    assert not chat.messages.exists()


def test_guests_have_help_and_clear(chat: Chat, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_guest=True)
    guest = User.objects.get(pk=alice.pk)
    may = [name for name in NAMES if may_begin(chat, f"/{name} gpt-4o" if name in TAKES else f"/{name}", guest)]
    assert may == ["help", "clear"]


TAKES = {"title", "search", "feedback", "model"}


def may_begin(chat: Chat, typed: str, user: User) -> bool:
    try:
        begin(chat, typed, user)
    except NotAllowed as error:
        assert error.code == "command_not_allowed"
        return False
    return True


def test_only_the_owner_exports_and_searches_and_searches_where_nobody_else_reads(chat: Chat, bob: User) -> None:
    assert may_begin(chat, "/search x", chat.user)
    shared(chat, bob)
    assert not may_begin(chat, "/search x", chat.user) and not may_begin(chat, "/search x", bob)
    assert may_begin(chat, "/export", chat.user) and not may_begin(chat, "/export", bob)


def test_a_plan_without_a_feature_has_not_its_command(chat: Chat, without_features: None) -> None:
    assert not may_begin(chat, "/search x", chat.user) and may_begin(chat, "/usage", chat.user)


@pytest.mark.django_db(transaction=True)
def test_rights_are_asked_again_when_it_is_done(chat: Chat, bob: User) -> None:
    """It may have waited for hours."""
    run = begin(chat, "/search lighthouse")
    shared(chat, bob)
    assert "Others would read" in done(run)


def test_the_list_says_what_is_there_and_why_not(api: Api, chat: Chat, bob: User, charlie: User) -> None:
    found = {each["name"]: each for each in api(chat.user).get(PATH).json()["results"]}
    assert list(found) == NAMES and all(each["available"] and each["why"] == "" for each in found.values())
    assert found["title"]["arguments"]["required"] == ["title"] and found["help"]["arguments"]["properties"] == {}
    shared(chat, bob, "read")
    theirs = {each["name"]: each for each in api(bob).get(f"{PATH}?chat={chat.pk}").json()["results"]}
    assert not any(each["available"] for each in theirs.values()) and theirs["help"]["why"]
    assert api(charlie).get(f"{PATH}?chat={chat.pk}").status_code == 404
    assert api(bob).get(f"{PATH}?chat=x").status_code == api(bob).get(f"{PATH}?more=1").status_code == 400


def test_commands_of_own_apps_are_in_the_list_and_go_before_ours(
    api: Api, chat: Chat, own_command: own.Command
) -> None:
    found = api(chat.user).get(f"{PATH}?chat={chat.pk}").json()["results"]
    assert [each["name"] for each in found] == [*(name for name in NAMES if name != "usage"), "orders", "usage"]
    assert found[-2]["help"] == "Open orders" and found[-2]["available"]
    assert not {"orders", "usage", "compact"} & {each["name"] for each in slash(chat.user, chat)}


# --- What they do -----------------------------------------------------------------------------------------------------


def answered(chat: Chat, question: str = "Where is it?", text: str = "In the lighthouse.") -> Message:
    add(chat, "user", question)
    return add(chat, "assistant", text)


@pytest.mark.django_db(transaction=True)
def test_a_model_that_there_is_not_and_one_that_there_is(chat: Chat) -> None:
    for typed, holds, then in (
        ("/model nothing", "Expected one of", chat.model),
        ("/model gpt-4o", "`gpt-4o`", "gpt-4o"),
        ("/model", "- `gpt-4o`", "gpt-4o"),
    ):
        assert holds in done(begin(chat, typed)) and chat.model != "gpt-4o"
        assert Chat.objects.get(pk=chat.pk).model == then


@pytest.mark.django_db(transaction=True)
def test_the_models_are_those_of_the_plan(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "named", lambda name: Terms(name, name, models=("gpt-4o", "demo")))
    told = done(begin(chat, "/model"))
    assert [line for line in told.splitlines() if line.startswith("- ")] == ["- `gpt-4o`", "- `demo`"]


COSTS: list[tuple[dict[str, int], str]] = [
    ({}, "Cost: 0.0000 USD"),
    ({"priced_tokens": 10, "cost_nanos": 15_000_000, "input_tokens": 10}, "Cost: 0.0150 USD"),
    ({"priced_tokens": 10, "input_tokens": 10, "estimated_tokens": 4}, "Cost: about 0.0000 USD"),
    ({"priced_tokens": 5, "input_tokens": 10}, "Cost: at least 0.0000 USD"),
    ({"input_tokens": 10}, "What it costs is not known."),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("counts", "told"), COSTS, ids=[told for _, told in COSTS])
def test_what_a_chat_costs_is_told_as_far_as_it_is_known(chat: Chat, counts: dict[str, int], told: str) -> None:
    Chat.objects.filter(pk=chat.pk).update(**counts)
    assert done(begin(chat, "/usage")).endswith(f"\n- {told}")


@pytest.mark.django_db(transaction=True)
def test_a_chat_whose_model_is_gone_chooses_another(chat: Chat) -> None:
    Chat.objects.filter(pk=chat.pk).update(model="gone")
    chat.refresh_from_db()
    with pytest.raises(Invalid):
        begin(chat, "Hello")
    assert "gpt-4o" in done(begin(chat, "/model gpt-4o"))


def test_clear_begins_anew_and_deletes_nothing(chat: Chat) -> None:
    last = answered(chat)
    run = begin(chat, "/clear")
    assert run.question.parent_id is None and Message.objects.filter(pk=last.pk).exists()
    chat.refresh_from_db()
    assert chat.leaf_id == run.message_id
    question = begin(chat, "And now?").question
    read = history(question)
    assert [each.text for each in read.messages] == ["And now?"]  # type: ignore[union-attr]
    assert read.begins_at is None and not read.is_cut, "nothing was left out"


def test_a_command_names_no_chat(chat: Chat) -> None:
    Chat.objects.filter(pk=chat.pk).update(title="", titled_by="")
    chat.refresh_from_db()
    run = begin(chat, "/help")
    chat.refresh_from_db()
    assert chat.title == "" and not facts_of(run).wants_title
    begin(chat, "Where is it?")
    chat.refresh_from_db()
    assert chat.title == "Where is it?" and title._is_unnamed(chat)


@pytest.mark.django_db(transaction=True)
def test_a_comment_is_kept_once_with_the_answer_and_goes_with_either(chat: Chat, bob: User, charlie: User) -> None:
    answer = answered(chat)
    for typed in ("/feedback It was wrong.", "/help", "/feedback No, right."):
        done(run := begin(chat, typed))
    kept = Feedback.objects.get()
    assert (kept.message, kept.user, kept.comment) == (answer, chat.user, "No, right.")
    assert Feedback.objects.visible_to(chat.user).exists() and not Feedback.objects.visible_to(charlie).exists()
    delete_message(user=chat.user, message=run.question)
    assert not Feedback.objects.exists()
    done(run := begin(chat, "/feedback Again."))
    done(begin(chat, "/title Again."))
    delete_message(user=chat.user, message=Message.objects.filter(content="/title Again.").get())
    assert Feedback.objects.exists(), "no other command is one"
    edit_message(user=chat.user, message=run.question, content="/feedback Never said")
    assert not Feedback.objects.exists()
    done(begin(chat, "/feedback Again."))
    delete_message(user=chat.user, message=answer)
    assert not Feedback.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_else_asks_for_a_command_again(chat: Chat, bob: User) -> None:
    answered(chat)
    shared(chat, bob)
    done(run := begin(chat, "/feedback It was wrong."))
    for message in (run.question, run.answer):
        with pytest.raises(NotAllowed) as refused:
            regenerate(user=bob, message=message)
        assert refused.value.code == "command_not_allowed"
    regenerate(user=chat.user, message=run.question)


@pytest.mark.django_db(transaction=True)
def test_what_is_searched_is_found_in_ones_own_chats_alone(chat: Chat, bob: User, charlie: User) -> None:
    def other(user: User, name: str, said: str, **more: Any) -> Chat:
        fields = {"organization": chat.organization, "model": "m", "archetype": "generalist", **more}
        made = Chat.objects.create(user=user, title=name, **fields)
        answered(made, said, "Yes.")
        return made

    Membership.objects.get_or_create(organization=chat.organization, user=charlie, defaults={"role": Role.EDITOR})
    titled = other(chat.user, "The LIGHTHOUSE", "Where?", is_listed=True)
    other(chat.user, "A [title](x)", "Of Lighthouses and 100% *more*")
    other(bob, "Bob's lighthouse", "lighthouse")
    other(charlie, "Charlie's", "lighthouse")
    other(chat.user, "Hidden", "lighthouse", is_listed=False)
    index_all()
    told = done(begin(chat, "/search lighthouse"))
    assert told.count("\n") == 1 and f"/chats/{titled.pk}/" in told
    assert "[The LIGHTHOUSE](" in told and r"[A \[title\]\(x\)](" in told
    assert "more" not in told, "words of another chat would stay here when they are deleted there"
    assert done(begin(chat, "/search 100%")).count("\n") == 0
    assert "Nothing was found" in done(begin(chat, '/search "more 100"')), "they do not stand in a row"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["*", "a b c d e f g h i"])
def test_what_nothing_can_be_found_by_is_told(chat: Chat, text: str) -> None:
    assert "at most 8" in done(begin(chat, f"/search {text}"))


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_says_so(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any, **more: Any) -> Any:
        raise TookTooLong

    monkeypatch.setattr(finding, "find", slow)
    assert "too long" in done(begin(chat, "/search lighthouse"))


@pytest.mark.django_db(transaction=True)
def test_what_is_found_makes_a_chat_as_confidential(chat: Chat) -> None:
    made = Chat.objects.create(
        organization=chat.organization, user=chat.user, title="Secret lighthouse", model="m", archetype="a", level=2
    )
    assert str(made.pk) in done(begin(chat, "/search lighthouse"))
    chat.refresh_from_db()
    assert chat.level == 2


def test_a_search_tells_so_many_chats(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST", 2)
    for number in range(3):
        Chat.objects.create(
            organization=chat.organization, user=chat.user, title=f"Lighthouse {number}", model="m", archetype="a"
        )
    found = finding.find(chat.user, "lighthouse", besides=chat)
    assert [each.title for each in found] == ["Lighthouse 2", "Lighthouse 1"]


def test_a_search_looks_at_so_many_messages(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [
        Chat.objects.create(organization=chat.organization, user=chat.user, title=name, model="m", archetype="a")
        for name in ("Old", "New")
    ]
    for each in made:
        add(each, "user", "In the lighthouse.")
    index_all()
    assert len(finding.find(chat.user, "lighthouse", besides=chat)) == 2
    monkeypatch.setattr(finding, "MESSAGES", 1)
    assert [each.title for each in finding.find(chat.user, "lighthouse", besides=chat)] == ["New"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_key", [True, False])
def test_a_search_stays_in_the_organization_also_of_a_run_that_was_queued(chat: Chat, by_key: bool) -> None:
    elsewhere = Organization.objects.create(name="Elsewhere")
    Membership.objects.create(organization=elsewhere, user=chat.user, role=Role.OWNER)
    for place in (chat.organization, elsewhere):
        Chat.objects.create(organization=place, user=chat.user, title=f"Lighthouse {place}", model="m", archetype="a")
    person = User.objects.get(pk=chat.user_id)
    if by_key:
        person.key, _ = create_key(
            user=person, organization=chat.organization, scopes=["chat"], name="k", expires_at=None
        )
    run = begin(chat, "/search lighthouse", person)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempt=1)
    loaded = load(run.pk, 1)
    assert loaded is not None and isinstance(loaded.work, CommandWork)
    seer = loaded.work.asked.user
    assert Organization.objects.visible_to(seer).count() == (1 if by_key else 2)
    ApiKey.objects.all().delete()
    again = load(run.pk, 1)  # what it started goes on when the key is gone, and sees no more then
    assert again is not None and isinstance(again.work, CommandWork)
    assert Organization.objects.visible_to(again.work.asked.user).count() == (1 if by_key else 2)
    told = said_by(again.work)
    assert f"Lighthouse {chat.organization}" in told and "Elsewhere" not in told


# --- What a model reads -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_model_reads_neither_commands_nor_their_answers(chat: Chat) -> None:
    answered(chat)
    for typed in ("/help", "/usage"):
        done(begin(chat, typed))
    chat.refresh_from_db()
    question = add(chat, "user", "Why?")
    assert history(question).messages == (
        UserMessage("Where is it?"), AssistantMessage("In the lighthouse."), UserMessage("Why?"),
    )  # fmt: skip
    assert "/help" not in told(chat.messages.all(), 10_000)


def test_a_compaction_stands_for_none_of_them(chat: Chat) -> None:
    turns(chat, 1, 12)
    for _ in range(8):
        Message.objects.filter(pk=add(chat, "user", "/help").pk).update(kind=MessageKind.COMMAND)
    question = add(chat, "user", "Why?")
    found = planning.planned(question, planning.Window(3_000, 2_400, 400), 100, by_hand=True)
    assert found is not None and "/help" not in str(found.lines)
    assert Message.objects.get(pk=found.upto).kind == MessageKind.TEXT


def test_of_a_chat_of_commands_alone_there_is_nothing_to_sum_up(chat: Chat, api: Api) -> None:
    run = begin(chat, "/help")
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    reply = api(chat.user).post(f"/api/chats/{chat.pk}/compact/", {}, format="json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "nothing_to_compact")


def test_one_that_is_edited_is_a_text_unless_it_names_one_still(chat: Chat) -> None:
    run = begin(chat, "/help")
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    for text, kind in (("/usage", MessageKind.COMMAND), ("Help me", MessageKind.TEXT), ("/usage", MessageKind.TEXT)):
        message = Message.objects.get(pk=run.input_id)
        assert edit_message(user=chat.user, message=message, content=text).kind == kind


# --- Again ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_that_is_asked_again_is_done_again(chat: Chat) -> None:
    run = begin(chat, "/title One")
    done(run)
    again = regenerate(user=chat.user, message=Message.objects.get(pk=run.message_id))
    assert (again.command, again.model, again.input_id) == ("title", "", run.input_id) and "One" in done(again)


@pytest.mark.django_db(transaction=True)
def test_a_takeover_says_what_was_not_said_whole_again_and_nothing_twice(chat: Chat) -> None:
    begun = [ev.TurnStarted(at=1.0, turn=1, model=""), ev.TextDelta(at=1.0, text="Half")]
    whole = [*begun, ev.ReplyCompleted(at=1.0, turn=1, finish_reason="stop", usage=ev.Usage())]
    run = begin(chat, "/help")
    work = CommandWork(run, list(begun), frozenset())
    assert [type(each) for each in work.taken_back(2.0)] == [ev.TurnReset]
    assert "`/usage`" in done(run, before=list(begun))
    assert done(begin(chat, "/help"), before=list(whole)) == ""
