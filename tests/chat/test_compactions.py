"""Compactions: which messages one stands for, what a model reads then, where it holds, and what goes with a message."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.errors import Invalid
from accounts.models import User
from agents.archetypes.compaction import compaction
from agents.errors import WorkFailed
from agents.loop.window import Window
from agents.loop.writing import Writing
from agents.messages import AssistantMessage, ToolMessage, UserMessage
from agents.model_info import ModelInfo
from agents.providers.base import Finish, ProviderRequest, TextPiece
from agents.tokens import of_text
from chat.doors.openai.responses.dialect.request import COMPACT_BY_MODEL, parse
from chat.models import Chat, Compaction, Message, MessageRole, Run, RunStatus
from chat.ops.cleanup import every
from chat.runner import compacting, planning, shortening
from chat.runner.compacting import REASONING_TOKENS, keep, told_of
from chat.runner.history import history
from chat.runner.planning import Plan, planned
from chat.runner.shortening import Shortener
from chat.services.messages import add_message, delete_message, edit_message, lock_chat
from tests.agents.scripted import ScriptedProvider
from tests.agents.test_loop import archetype, job
from tests.chat.rows import answer
from tests.chat.working import drills

__all__ = ["drills"]  # a fixture
pytestmark = pytest.mark.django_db
SMALL = Window(room=3_000, trigger=2_400, keep=400)
LONG = "and so on " * 20  # 50 tokens


@transaction.atomic
def add(chat: Chat, role: str, text: str, parts: Any = (), parent: Message | None = None) -> Message:
    locked = lock_chat(chat)
    author = chat.user if role == MessageRole.USER else None
    return add_message(
        locked, parent or locked.leaf, role=role, author=author, content=text, parts=list(parts) or said(role, text)
    )


def said(role: str, text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if role == MessageRole.ASSISTANT and text else []


def call(id: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_call", "call": id, "name": "read_file", "arguments": {"path": f"{id}.md"}, **more}


def result(id: str, value: str) -> dict[str, Any]:
    return {"type": "tool_result", "call": id, "name": "read_file", "result": value, "is_error": False}


def turns(chat: Chat, first: int, last: int) -> Message:
    """Questions and answers of these numbers, and the last question by itself."""
    for number in range(first, last):
        add(chat, "user", f"Question {number}. {LONG}")
        add(chat, "assistant", f"Answer {number}. {LONG}")
    return add(chat, "user", f"Question {last}. {LONG}")


def plan(question: Message, window: Window = SMALL, **more: Any) -> Plan:
    found = planned(question, window, 100, **more)
    assert found is not None
    return found


def made(question: Message, summary: str = "They spoke of doors.", **more: Any) -> Compaction:
    found = keep(plan(question, **more), uuid.uuid4(), summary, "m")
    assert found is not None
    return found


def texts(question: Message, window: Window = SMALL) -> list[str]:
    return [
        each.text if not isinstance(each, ToolMessage) else each.content for each in history(question, window).messages
    ]


def test_the_first_message_and_the_newest_stay_and_the_rest_is_told(chat: Chat) -> None:
    question = turns(chat, 1, 30)
    assert history(question, SMALL).is_cut
    found = made(question)
    told = history(question, SMALL)
    first, *rest = told.messages
    assert isinstance(first, UserMessage) and first.text.startswith("Question 1. ") and not told.is_cut
    assert "They spoke of doors." in first.text and first.text.count(f"summary {found.pk.hex[:12]}") == 2
    assert len(rest) >= 5 and rest[-1].text.startswith("Question 30.") and told.tokens < SMALL.trigger
    assert told.begins_at == Message.objects.get(parent=found.upto).pk
    assert found.messages == Message.objects.filter(position__lte=found.upto.position).count()
    assert found.tokens_before > found.tokens_after and abs(found.tokens_after - told.tokens) < 20


def test_a_second_one_tells_of_the_first_and_stands_for_both(chat: Chat) -> None:
    first = made(turns(chat, 1, 30))
    question = turns(chat, 31, 60)
    second = plan(question)
    assert (second.before, [str(each) for each in second.whole]) == (first.summary, first.whole)
    assert "Question 1." not in str(second.lines) and "Question 30." in str(second.lines)
    found = made(question, "They went on.")
    assert found.messages == found.upto.position
    assert "They spoke of doors." not in str(texts(question)) and "They went on." in str(texts(question))


def test_a_call_and_its_result_are_not_parted(chat: Chat) -> None:
    turns(chat, 1, 20)
    for number in range(12):
        id = f"call_{number}"
        if number % 2:
            add(chat, "assistant", "", [call(id), result(id, LONG)])
        else:  # the client's own
            add(chat, "assistant", "", [call(id, deferred=True)])
            add(chat, "tool", "", [result(id, LONG)])
    last = Message.objects.latest("position")
    for keeps in range(0, 1_500, 100):
        found = plan(last, Window(3_000, 2_400, keeps))
        begins = Message.objects.get(parent=found.upto)
        assert begins.role != MessageRole.TOOL, keeps
        kept = Message.objects.filter(position__gt=found.upto_position)
        parts = [each for row in kept for each in row.parts if "call" in each]
        calls, results = (
            [each["call"] for each in parts if each["type"] == f"tool_{kind}"] for kind in ("call", "result")
        )
        assert calls == results and calls and kept.count() >= 6, keeps


def test_where_it_may_begin_with_a_question_it_does(chat: Chat) -> None:
    question = turns(chat, 1, 30)
    for keeps in range(0, 1_500, 50):
        found = plan(question, Window(3_000, 2_400, keeps))
        assert Message.objects.get(parent=found.upto).role == MessageRole.USER


@pytest.mark.parametrize("why", ["it is short", "the newest are all there is", "one has just been made"])
def test_nothing_is_done_where(chat: Chat, why: str) -> None:
    if why == "it is short":
        question = turns(chat, 1, 6)
    elif why == "the newest are all there is":
        question = turns(chat, 1, 2)
    else:
        question = turns(chat, 1, 30)
        made(question)
    assert planned(question, SMALL, 100) is None


def test_a_first_message_that_is_too_long_is_summed_up_with_the_others(chat: Chat) -> None:
    add(chat, "user", "A whole book. " + "word " * 12_000)
    question = turns(chat, 2, 20)
    found = plan(question)
    assert found.whole == [] and found.lines[0].startswith("Person: A whole book.")
    assert "before the messages below. It" in str(history(made(question) and question, SMALL).messages[0].text)


def test_what_a_client_told_the_model_stays(chat: Chat) -> None:
    rule = add(chat, "system", "Answer in verse.")
    question = turns(chat, 1, 30)
    first = Message.objects.get(content__startswith="Question 1.")
    assert plan(question).whole == [first.pk, rule.pk]
    made(question)
    assert history(question, SMALL).messages[0].text == "Answer in verse."  # type: ignore[union-attr]
    assert plan(turns(chat, 31, 60)).whole == [first.pk, rule.pk]


def test_by_hand_a_short_chat_is_too(chat: Chat) -> None:
    question = turns(chat, 1, 8)
    found = plan(question, Window(100_000, 80_000, 20_000), by_hand=True)
    assert found.messages < 12 and planned(turns(Chat.objects.get(), 9, 10), SMALL, 0, by_hand=True) is not None


def test_another_branch_is_told_its_own(chat: Chat) -> None:
    question = turns(chat, 1, 30)
    found = made(question)
    early = Message.objects.get(content__startswith="Answer 3.")
    sibling = add(chat, "user", "Otherwise?", parent=early)
    assert "They spoke" not in str(texts(sibling)) and history(sibling, SMALL).front is None
    late = add(chat, "user", "And so?", parent=Message.objects.get(content__startswith="Answer 29."))
    assert late.position > found.upto.position and "They spoke" in str(texts(late))


def test_two_at_once_keep_one(chat: Chat) -> None:
    question = turns(chat, 1, 30)
    one, other = plan(question), plan(question)
    first = keep(one, uuid.uuid4(), "The first.", "m")
    assert keep(other, uuid.uuid4(), "The second.", "m") == first and Compaction.objects.count() == 1


def test_what_a_deleted_message_said_is_in_none(alice: User, chat: Chat) -> None:
    question = turns(chat, 1, 30)
    under_way, found = plan(question), made(question)
    kept = Message.objects.filter(position__gt=found.upto.position).first()
    assert kept is not None
    delete_message(user=alice, message=kept)
    assert Compaction.objects.count() == 1, "it tells nothing of it"
    delete_message(user=alice, message=Message.objects.get(content__startswith="Question 5."))
    assert not Compaction.objects.exists()
    assert keep(under_way, uuid.uuid4(), "They asked question 5.", "m") is None
    again = made(question)
    assert "Question 5." not in str(plan(question, by_hand=True).lines if not again else again.summary)
    edit_message(user=alice, message=Message.objects.get(content__startswith="Question 7."), content="Seven?")
    assert not Compaction.objects.exists()


@pytest.mark.parametrize(
    ("what", "is_kept"),
    [
        ("edited", False),
        ("deleted", False),
        ("the answer deleted", False),
        ("said of a picture", False),  # it cannot be told from an edit; it is made again
        ("a later one edited", True),
        ("an answer ended", True),
        ("read before it is deleted", False),
    ],
)
def test_what_changes_while_a_summary_is_written(
    alice: User, chat: Chat, what: str, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = turns(chat, 1, 30)
    of = Message.objects.get
    old, answered = of(content__startswith="Question 5."), of(content__startswith="Answer 5.")
    read = planning._contents

    def deletes(ids: Any) -> Any:
        rows = read(ids)
        delete_message(user=alice, message=old)
        return rows

    if what.startswith("read before"):
        monkeypatch.setattr(planning, "_contents", deletes)
    under_way = plan(question)
    if what == "edited":
        edit_message(user=alice, message=old, content="No password.")
    elif what == "a later one edited":
        later = Message.objects.filter(position__gt=under_way.upto_position, role=MessageRole.USER).first()
        assert later is not None
        edit_message(user=alice, message=later, content="Later.")
    elif what == "said of a picture":
        old.save(update_fields=["attachments", "updated_at"])
    elif what == "an answer ended":
        answered.save(update_fields=["content", "updated_at"])
    elif "deleted" in what and not what.startswith("read"):
        delete_message(user=alice, message=answered if "answer" in what else old)
    assert (keep(under_way, uuid.uuid4(), "They asked question 5.", "m") is not None) is is_kept
    assert Compaction.objects.exists() is is_kept


def test_one_that_is_forgotten_while_the_next_is_planned_is_not_looked_for(chat: Chat) -> None:
    made(turns(chat, 1, 30))
    question = turns(chat, 31, 60)
    tree = planning._Branch(question)
    Compaction.objects.all().delete()
    assert tree.before(question).earlier is None


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ({}, False),
        ({"status": "deleted", "content": ""}, True),
        ({"content": "No password."}, True),
        ({"attachments": [{"type": "image", "unseen": ["m"]}]}, False),
        ({"role": "assistant"}, False),
    ],
)
def test_what_an_older_version_left_behind_is_removed(chat: Chat, changes: dict[str, Any], is_due: bool) -> None:
    found = made(turns(chat, 1, 30))
    [kind] = [each for each in every() if each.name == "compactions of messages that are gone"]
    for place in (found.upto.position + 1, 9):
        assert not kind.due().exists()
        if changes:  # as it does it, which forgets nothing
            Message.objects.filter(chat=chat, position=place).update(**changes, updated_at=timezone.now())
    assert list(kind.due()) == ([found] if is_due else [])
    Compaction.objects.filter(pk=found.pk).update(upto=uuid.uuid4())
    assert list(kind.due()) == [found] and kind.batch(10) == 1 and not Compaction.objects.exists()


# --- Asking for one ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "most"),
    [
        (ModelInfo("m", "a", 200_000, True), 375 + REASONING_TOKENS),
        (ModelInfo("m", "a", 8_000, True), 2_000),
        (ModelInfo("m", "a", 200_000, True, max_output_tokens=4_096), 4_096),
        (ModelInfo("m", "a"), 750),
    ],
)
def test_a_model_is_asked_for_more_than_a_summary_where_there_is_room(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, info: ModelInfo, most: int
) -> None:
    monkeypatch.setattr(compacting, "info_of", lambda model: info)
    found = plan(turns(chat, 1, 30))
    assert found.most_tokens == 375 and compacting._most(found, "m") == most
    assert "in at most 250 words" in compacting.asked_for(found, "m", uuid.uuid4())


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("All of it.", "stop", "All of it."),
        ("They " * 300, "length", None),  # only too many words
        ("They wanted", "length", compacting.CUT),
        (" ", "length", compacting.EMPTY),
    ],
)
async def test_what_broke_off_is_no_summary(text: str, reason: str, said: str | None) -> None:
    provider = ScriptedProvider([[TextPiece(text), Finish(reason)]])
    writing = Writing(job(provider, compaction), compaction, model="m", turn=1)
    async for _ in writing.work(UserMessage("Sum up."), most_tokens=900, timeout_s=5):
        pass
    assert provider.requests[0].max_output_tokens == 900
    try:
        found = compacting._summary(writing, 200)
    except WorkFailed as failed:
        found = str(failed)
    assert found == said or (said is None and 150 < of_text(found) <= 200)


@pytest.mark.django_db(transaction=True)
async def test_what_has_failed_is_not_tried_with_each_answer(
    chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, now, fails = list[int](), [0.0], True

    async def writes(job: Any, run: Run, plan: Plan, turn: int) -> Any:
        tried.append(turn)
        if fails:
            raise TimeoutError
        yield []

    monkeypatch.setattr(shortening, "compacted", writes)
    monkeypatch.setattr(shortening, "_failed", {})
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    question = await sync_to_async(turns)(chat, 1, 30)
    run = Run(pk=uuid.uuid4(), chat=chat, input=question, model="m")
    read = await sync_to_async(history)(question, SMALL)

    async def answers(model: str = "m", *, is_refused: bool = False) -> int:
        run.model, before = model, len(tried)
        shortener = Shortener(run, read, SMALL, [], lambda: None)  # type: ignore[arg-type, return-value]
        request = ProviderRequest("m", "", read.messages)
        working = job(ScriptedProvider([]), archetype())
        async for _ in shortener.shorten(working, request, is_refused=is_refused):
            pass
        return len(tried) - before

    assert [await answers(), await answers(), await answers("other")] == [1, 0, 1]
    assert await answers(is_refused=True) == 1
    now[0] += shortening.FAILED_S + 1
    fails = False
    assert [await answers(), await answers()] == [1, 1], "what was made here is not kept, so it is made again"
    for number in range(shortening.FAILED_MAX + 5):
        shortening.note_failed((None, str(number)))
    assert len(shortening._failed) == shortening.FAILED_MAX and not shortening.has_failed((None, "0"))


def test_one_that_its_run_could_not_tell_of_is_told_of_once(chat: Chat, alice: User) -> None:
    question = turns(chat, 1, 30)
    run = Run(pk=uuid.uuid4(), chat=chat, input=question)
    found = keep(plan(question), run.pk, "They spoke.", "m")
    assert found is not None
    read = history(question, SMALL)
    untold = Shortener(run, read, SMALL, [], lambda: None)  # type: ignore[arg-type, return-value]
    assert untold.untold == found and untold.is_near
    told = Shortener(run, read, SMALL, [told_of(found)], lambda: None)  # type: ignore[arg-type, return-value]
    assert told.untold is None


def test_old_results_are_left_out_of_what_is_read_before_messages_are(chat: Chat) -> None:
    add(chat, "user", "One.")
    add(chat, "assistant", "", [call("call_1"), result("call_1", "word " * 2_000)])
    question = turns(chat, 2, 8)
    told = history(question, SMALL)
    assert not told.is_cut and "[result of 10,0" in str(texts(question)) and "word word" in str(told.whole)
    assert any(isinstance(each, AssistantMessage) and each.calls for each in told.messages)


# --- REST -------------------------------------------------------------------------------------------------------------

Api = Callable[[User], APIClient]


def path(chat: Chat, name: str) -> str:
    return f"/api/chats/{chat.pk}/{name}/"


def test_who_may_and_when(api: Api, alice: User, bob: User, charlie: User, chat: Chat) -> None:
    refused = api(alice).post(path(chat, "compact"), {}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "nothing_to_compact")
    turns(chat, 1, 12)
    for each in (bob, charlie):
        assert api(each).post(path(chat, "compact"), {}, format="json").status_code == 404
        assert api(each).get(path(chat, "compactions")).status_code == 404
    assert api(alice).post(path(chat, "compact"), {"upto": 3}, format="json").status_code == 400
    begun = api(alice).post(path(chat, "compact"), {}, format="json")
    assert begun.status_code == 202
    run = Run.objects.get(pk=begun.json()["run"])
    assert (run.kind, run.model, run.user) == ("compaction", chat.model, alice)
    again = api(alice).post(path(chat, "compact"), {}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "work_under_way")


def test_not_while_an_answer_is_written(api: Api, alice: User, chat: Chat) -> None:
    turns(chat, 1, 12)
    answer(chat, alice, RunStatus.RUNNING)
    refused = api(alice).post(path(chat, "compact"), {}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "run_open")


def test_they_are_listed_and_the_page_has_a_line_for_each(api: Api, alice: User, chat: Chat, client: Any) -> None:
    found = made(turns(chat, 1, 30), "They <b>spoke</b> of doors.")
    second = made(turns(chat, 31, 60), "They went on.")
    (one, other) = api(alice).get(path(chat, "compactions")).json()["results"]
    assert (one["id"], other["id"]) == (str(found.pk), str(second.pk))
    assert one["upto"] == str(found.upto_id) and one["summary"] == found.summary and one["messages"] == found.messages
    client.force_login(alice)
    html = client.get(f"/chats/{chat.pk}/messages/?from=0").content.decode()
    assert f"the model reads a summary of the {second.messages} messages above</summary>" in html
    html += client.get(f"/chats/{chat.pk}/messages/?after=20").content.decode()
    assert "They &lt;b&gt;spoke&lt;/b&gt; of doors." in html and "<b>spoke" not in html


@pytest.mark.parametrize(
    ("asked", "compact_at"),
    [
        (None, None),
        ([], None),
        ([{"type": "compaction", "compact_threshold": 2_000}], 2_000),
        ([{"type": "compaction"}], COMPACT_BY_MODEL),
        ([{"type": "compaction", "compact_threshold": 10}], "context_management.0.compact_threshold"),
        ([{"type": "compaction", "compact_threshold": True}], "context_management.0.compact_threshold"),
        ([{"type": "truncation"}], "context_management"),
        ("compaction", "context_management"),
    ],
)
def test_what_the_responses_door_takes(asked: Any, compact_at: Any) -> None:
    body = {"model": "m", "input": "Hello", "context_management": asked}
    if isinstance(compact_at, str):
        with pytest.raises(Invalid) as refused:
            parse(body)
        assert list(refused.value.fields) == [compact_at]
    else:
        assert parse(body).options.compact_at == compact_at


def test_the_messages_stay_as_they_were(chat: Chat) -> None:
    question = turns(chat, 1, 30)
    before = list(Message.objects.order_by("position").values())
    made(question)
    assert list(Message.objects.order_by("position").values()) == before
