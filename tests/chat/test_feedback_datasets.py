"""Feedback as lines for those who test and train models; each format read by what its own house wrote."""

import json
import time
from typing import Any

import pytest

from accounts.models import Membership, Organization, Role, User
from chat.feedback import datasets
from chat.models import Chat, Feedback, Message, MessageKind
from chat.services.messages import add_message, delete_message, lock_chat
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db
QUESTION = "What is in here?"


def given(message: Message, user: User, rating: str = "up", **more: Any) -> None:
    Feedback.objects.create(message=message, user=user, rating=rating, **more)


def lines(organization: Organization, format: datasets.Format, **how: bool) -> list[dict[str, Any]]:
    found = list(datasets.lines(organization, format, **how))
    assert all("\n" not in line for line in found)
    return [json.loads(line) for line in found]


@pytest.fixture
def told(chat: Chat, alice: User) -> Message:
    message = answer(chat, alice, text="A README by Bob, says bob@example.com.").message
    assert message is not None
    return message


@pytest.fixture
def again(told: Message) -> Message:
    """The same question, answered again."""
    fields = {"role": "assistant", "content": "Ein Märchen. 🚀", "parts": [], "model": "other"}
    return add_message(lock_chat(told.chat), told.parent, **fields)


def test_evals_read_them(organization, alice, bob, told, again) -> None:
    from openai.types.evals.create_eval_jsonl_run_data_source import SourceFileContent

    given(told, alice, "down", reasons="wrong slow", comment="Bob's.")
    given(again, bob)
    found = lines(organization, "openai-evals")
    read = SourceFileContent.model_validate({"type": "file_content", "content": found}, strict=True)
    items = [each.item for each in read.content]
    asked = [{"role": "user", "content": QUESTION}]
    assert items[0] == {
        "input": asked, "output": "A README by [person], says [address].", "model": "",
        "rating": "down", "reasons": ["wrong", "slow"], "comment": "[person]'s.",
    }  # fmt: skip
    assert (items[1]["output"], items[1]["model"], items[1]["input"]) == ("Ein Märchen. 🚀", "other", asked)


def test_langsmith_reads_them(organization, alice, bob, told) -> None:
    from langsmith.schemas import ExampleCreate, FeedbackBase

    given(told, alice, "down", reasons="wrong")
    given(told, bob, "", comment="Hm.")
    (found,) = lines(organization, "langsmith")
    example = ExampleCreate(**{name: found[name] for name in ("inputs", "outputs", "metadata")})
    assert example.inputs == {"messages": [{"role": "user", "content": QUESTION}]}
    said = [{name: each[name] for name in FeedbackBase.model_fields if name in each} for each in found["feedback"]]
    assert said == [
        {"key": "rating", "score": 0, "value": "down wrong", "comment": ""},
        {"key": "rating", "score": None, "value": "", "comment": "Hm."},
    ]


def test_preference_is_between_answers_to_one_message(organization, alice, bob, chat, told, again) -> None:
    given(answer(chat, alice).message, alice)  # nothing beside it
    assert lines(organization, "preference") == []
    given(told, alice, "down")
    (pair,) = lines(organization, "preference")
    assert pair["input"] == {"messages": [{"role": "user", "content": QUESTION}]}
    assert pair["preferred_output"] == [{"role": "assistant", "content": "Ein Märchen. 🚀"}], "nobody found that bad"
    assert pair["non_preferred_output"][0]["content"].startswith("A README")
    given(again, bob, "down")
    assert lines(organization, "preference") == [], "one is as bad as the other"


def test_people_are_in_it_only_where_that_is_asked_for(organization, alice, bob, told) -> None:
    given(told, bob, comment="Alice knows.")
    for format in ("openai-evals", "langsmith"):
        veiled, plain = (str(lines(organization, format, without_people=without)) for without in (True, False))
        for word in ("Alice", "Bob", "bob@example.com", str(bob.pk), str(told.pk)):
            assert word in plain and word not in veiled, (format, word)


def test_a_name_within_a_word_is_none(organization, alice, bob, told) -> None:
    Message.objects.filter(pk=told.pk).update(content="Bobsled, bob, Bob. x@y.zz")
    given(told, alice)
    assert lines(organization, "openai-evals")[0]["item"]["output"] == "Bobsled, bob, [person]. [address]"


def test_the_newest_messages_before_it_and_no_commands(organization, alice, chat, told, settings) -> None:
    last = answer(chat, alice, text="Last").message
    given(last, alice)
    said = [each["content"] for each in lines(organization, "openai-evals")[0]["item"]["input"]]
    assert len(said) == 3 and said[0] == said[2] == QUESTION
    settings.CHAT_DATASET_MESSAGES = 2
    assert len(lines(organization, "openai-evals")[0]["item"]["input"]) == 2
    Message.objects.filter(pk=told.pk).update(kind=MessageKind.COMMAND)
    assert len(lines(organization, "openai-evals")[0]["item"]["input"]) == 1


def test_no_others_organization_and_nothing_that_is_gone(organization, alice, charlie, chat, told) -> None:
    elsewhere = Organization.objects.create(name="Elsewhere")
    Membership.objects.create(organization=elsewhere, user=charlie, role=Role.OWNER)
    theirs = Chat.objects.create(organization=elsewhere, user=charlie, model="m", archetype="generalist")
    given(answer(theirs, charlie, text="Theirs").message, charlie)
    given(told, alice)
    assert [each["item"]["output"] for each in lines(elsewhere, "openai-evals")] == ["Theirs"]
    assert len(lines(organization, "openai-evals")) == 1
    delete_message(user=alice, message=told)
    assert lines(organization, "openai-evals") == []


def test_a_chat_that_may_not_leave_is_left_out(organization, alice, chat, told, monkeypatch) -> None:
    given(told, alice)
    other = Chat.objects.create(organization=organization, user=alice, model="m", archetype="generalist", level=3)
    given(answer(other, alice, text="Secret.").message, alice)
    for format in ("openai-evals", "langsmith"):
        assert len(lines(organization, format)) == 1 and "Secret." not in str(lines(organization, format))

    before = datasets._before

    def confidential_meanwhile(*read: Any) -> Any:
        Chat.objects.filter(pk=chat.pk).update(level=3)
        return before(*read)

    monkeypatch.setattr(datasets, "_before", confidential_meanwhile)
    assert lines(organization, "openai-evals") == []


def test_a_long_word_is_no_address_and_takes_no_time(organization, alice, told) -> None:
    Message.objects.filter(pk=told.pk).update(content="x" * 300_000)
    given(told, alice)
    began = time.monotonic()
    assert len(lines(organization, "openai-evals")) == 1
    assert time.monotonic() - began < 2


def test_it_is_read_chat_by_chat(organization, alice, django_assert_max_num_queries) -> None:
    for number in range(3):
        chat = Chat.objects.create(organization=organization, user=alice, model="m", archetype="generalist")
        for _ in range(5):
            given(answer(chat, alice, text=f"Answer {number}").message, alice)
    found = datasets.lines(organization, "openai-evals")
    with django_assert_max_num_queries(2 + 3 + 5):  # the names, the chats; of the first its rows, and a branch each
        next(found)
    assert sum(1 for _ in found) == 14
