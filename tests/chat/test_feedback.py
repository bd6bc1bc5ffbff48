"""What people say of messages: feedback on answers, reactions, annotations; counted for all, and gone with either."""

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat.feedback.anchoring import find
from chat.feedback.models import EMOJI, Annotation, Reaction, left_behind
from chat.models import Chat, ChatShare, Feedback, Hold, Kept, Message, MessageStatus, Run, RunStatus
from chat.models.chats import Access
from chat.models.feedback import REASONS
from chat.ops.cleanup import CleanUp
from chat.services import people
from chat.services.messages import delete_message, edit_message
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db
NOTHING = {"up": 0, "down": 0, "mine": None}
DOWN = {"rating": "down", "reasons": ["slow", "wrong", "slow"], "comment": "It was."}


def at(message: Message, what: str = "") -> str:
    return f"/api/messages/{message.pk}/{what}"


def react(message: Message, emoji: str) -> str:
    return at(message, f"reactions/{quote(emoji)}/")


def noted(message: Message, passage: str, body: str = "Why?") -> dict[str, Any]:
    start = message.content.index(passage)
    return {"start": start, "end": start + len(passage), "quote": passage, "body": body}


@pytest.fixture
def told(chat: Chat, alice: User) -> Message:
    """An answer that is over."""
    message = answer(chat, alice, text="A README. 🚀 Read the README.").message
    assert message is not None
    return message


@pytest.fixture
def bobs(chat: Chat, bob: User) -> ChatShare:
    return ChatShare.objects.create(chat=chat, user=bob, access=Access.WRITE)


def test_feedback_is_one_a_person_and_counted_for_all(api, alice, bob, bobs, told) -> None:
    assert api(alice).get(at(told)).json()["feedback"] == NOTHING
    first = api(alice).put(at(told, "feedback/"), DOWN, format="json")
    mine = {"rating": "down", "reasons": ["wrong", "slow"], "comment": "It was."}
    assert (first.status_code, first.json()) == (200, {"up": 0, "down": 1, "mine": mine})
    api(bob).put(at(told, "feedback/"), {"rating": "up"}, format="json")
    page = api(bob).get(f"/api/chats/{told.chat_id}/messages/").json()["results"]
    own = {"rating": "up", "reasons": [], "comment": ""}
    assert [each["feedback"] for each in page] == [NOTHING, {"up": 1, "down": 1, "mine": own}]
    assert "It was" not in str(page), "what others said is not Bob's to read"
    again = api(alice).put(at(told, "feedback/"), {"rating": "up"}, format="json").json()
    assert again == {"up": 2, "down": 0, "mine": own}, "it takes the place of what was said"
    assert api(alice).delete(at(told, "feedback/")).status_code == 204
    assert api(alice).delete(at(told, "feedback/")).status_code == 204, "as often as one likes"
    assert api(alice).get(at(told)).json()["feedback"] == {"up": 1, "down": 0, "mine": None}


def test_whoever_reads_may_rate_but_not_react(api, bob, chat, told) -> None:
    ChatShare.objects.create(chat=chat, user=bob, access=Access.READ)
    assert api(bob).put(at(told, "feedback/"), {"rating": "up"}, format="json").status_code == 200
    assert api(bob).put(react(told, "👍")).status_code == 403
    assert api(bob).post(at(told, "annotations/"), noted(told, "README"), format="json").status_code == 403
    assert api(bob).get(at(told, "annotations/")).status_code == 200
    assert not Reaction.objects.exists() and not Annotation.objects.exists()


def test_charlie_finds_nothing_to_say_anything_of(api, alice, charlie, told) -> None:
    made = api(alice).post(at(told, "annotations/"), noted(told, "README"), format="json").json()
    one = at(told, f"annotations/{made['id']}/")
    tried = (
        ("put", at(told, "feedback/"), {"rating": "up"}), ("delete", at(told, "feedback/"), None),
        ("put", react(told, "👍"), None), ("delete", react(told, "👍"), None),
        ("get", at(told, "annotations/"), None), ("post", at(told, "annotations/"), noted(told, "A")),
        ("patch", one, {"body": "Hm"}), ("delete", one, None),
    )  # fmt: skip
    for method, path, body in tried:
        assert getattr(api(charlie), method)(path, body, format="json").status_code == 404, (method, path)
    assert not Feedback.objects.exists() and Annotation.objects.get().body == "Why?"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rating"),
        ({"rating": "sideways"}, "rating"),
        ({"rating": "down", "reasons": ["boring"]}, "reasons"),
        ({"rating": "down", "reasons": "wrong"}, "reasons"),
        ({"rating": "down", "reasons": [*REASONS, "wrong"]}, "reasons"),
        ({"rating": "down", "comment": "x" * 2001}, "comment"),
        ({"rating": "down", "comment": 1}, "comment"),
        ({"rating": "down", "stars": 5}, "stars"),
    ],
)
def test_bad_feedback_names_its_field_and_changes_nothing(api, alice, told, body, field) -> None:
    refused = api(alice).put(at(told, "feedback/"), body, format="json")
    assert refused.status_code == 400
    assert [name.split(".")[0] for name in refused.json()["error"]["fields"]] == [field]
    assert not Feedback.objects.exists()


def test_only_answers_that_are_over_and_there_are_rated(api, alice, chat, told) -> None:
    writing, question = answer(chat, alice, RunStatus.RUNNING).message, say(chat, alice)
    Run.objects.filter(message=writing).update(status=RunStatus.FAILED)
    gone = answer(chat, alice).message
    delete_message(user=alice, message=gone)
    for message, code in ((writing, "run_open"), (question, "not_an_answer"), (gone, "message_deleted")):
        refused = api(alice).put(at(message, "feedback/"), {"rating": "up"}, format="json")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, code)
    for what in (react(gone, "👍"), at(gone, "feedback/")):
        assert api(alice).delete(what).status_code == 409
    assert api(alice).post(at(writing, "annotations/"), noted(told, "A"), format="json").status_code == 409
    assert not Feedback.objects.exists()


def test_reactions_are_of_a_list_one_of_each_a_person(api, alice, bob, bobs, told) -> None:
    assert len(EMOJI) == len(set(EMOJI)) == 24
    for _ in range(2):
        assert api(alice).put(react(told, "🚀")).json() == {"results": [{"emoji": "🚀", "count": 1, "mine": True}]}
    for emoji in ("❤️", "❤", "🚀"):  # the second is the first, as some keyboards send it
        both = api(bob).put(react(told, emoji)).json()["results"]
    assert both == [{"emoji": "❤️", "count": 1, "mine": True}, {"emoji": "🚀", "count": 2, "mine": True}]
    assert [each["mine"] for each in api(alice).get(at(told)).json()["reactions"]] == [False, True]
    assert api(bob).delete(react(told, "🚀")).status_code == 204
    assert api(alice).get(at(told)).json()["reactions"][1] == {"emoji": "🚀", "count": 1, "mine": True}
    for other in ("🦆", "x", "👍👍"):
        refused = api(alice).put(react(told, other))
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["emoji"])
    assert set(Reaction.objects.values_list("emoji", flat=True)) == {"❤️", "🚀"}


def test_each_emoji_of_the_list_fits(api, alice, told) -> None:
    for emoji in EMOJI:
        api(alice).put(react(told, emoji))
    assert [each["emoji"] for each in api(alice).get(at(told)).json()["reactions"]] == list(EMOJI)


def test_an_annotation_is_on_a_passage_in_code_points(api, alice, told) -> None:
    first = api(alice).post(at(told, "annotations/"), noted(told, "🚀 Read"), format="json", HTTP_IDEMPOTENCY_KEY="one")
    again = api(alice).post(at(told, "annotations/"), noted(told, "🚀 Read"), format="json", HTTP_IDEMPOTENCY_KEY="one")
    body = first.json()
    assert (first.status_code, again.json(), Annotation.objects.count()) == (201, body, 1)
    assert (body["start"], body["end"], body["quote"], body["detached"]) == (10, 16, "🚀 Read", False)
    assert body["author"] == {"id": str(alice.pk), "name": "Alice"}
    assert api(alice).get(at(told, "annotations/")).json()["results"] == [body]
    assert api(alice).get(at(told)).json()["annotations"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quote": "README!"}, "quote"),
        ({"start": 3}, "quote"),
        ({"start": 8, "end": 2}, "quote"),
        ({"end": 10**6}, "quote"),
        ({"start": -1}, "start"),
        ({"start": "two"}, "start"),
        ({"end": 2**40}, "quote"),
        ({"body": " "}, "body"),
        ({"body": "x" * 2001}, "body"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_bad_annotation_names_its_field(api, alice, told, changes, field) -> None:
    refused = api(alice).post(at(told, "annotations/"), {**noted(told, "README"), **changes}, format="json")
    assert (refused.status_code, list(refused.json()["error"]["fields"])[-1]) == (400, field)
    assert not Annotation.objects.exists()


def test_a_message_has_so_many_annotations(api, alice, told, settings) -> None:
    settings.CHAT_ANNOTATIONS_MAX = 2
    codes = [api(alice).post(at(told, "annotations/"), noted(told, "A"), format="json").status_code for _ in range(3)]
    assert codes == [201, 201, 409]
    one, rest = (
        api(alice).get(at(told, "annotations/"), {"page_size": 1}).json()[name] for name in ("results", "next")
    )
    assert len(one) == 1 and rest


def test_its_author_changes_it_and_the_owner_of_the_chat_removes_it(api, alice, bob, bobs, told) -> None:
    mine, his = (
        api(user).post(at(told, "annotations/"), noted(told, "A"), format="json").json() for user in (alice, bob)
    )
    mine, his = (at(told, f"annotations/{each['id']}/") for each in (mine, his))
    assert api(bob).patch(his, {"body": "Because"}, format="json").json()["body"] == "Because"
    assert api(alice).patch(his, {"body": "No"}, format="json").status_code == 403
    assert api(bob).delete(mine).status_code == 403
    assert [api(alice).delete(each).status_code for each in (his, mine, mine)] == [204, 204, 404]


@pytest.mark.parametrize(
    ("said", "start", "detached"),
    [
        ("Read the guide. Then the guide.", 9, False),
        ("First read the guide. Then the guide.", 15, False),
        ("Then the guide.", 9, False),
        ("Read the book.", 9, True),
    ],
)
def test_an_edit_moves_annotations_or_detaches_them(alice, chat, said, start, detached) -> None:
    message = say(chat, alice, "Read the guide. Then the guide.")
    Annotation.objects.create(message=message, user=alice, start=9, end=14, quote="guide", body="Which?")
    edit_message(user=alice, message=message, content=said)
    row = Annotation.objects.get()
    assert (row.start, row.is_detached) == (start, detached)
    edit_message(user=alice, message=message, content="Read the guide. Then the guide.")
    row.refresh_from_db()
    assert (row.start, row.end, row.is_detached) == (9, 14, False), "what comes back is found again"


@pytest.mark.parametrize(
    ("text", "near", "found"),
    [("ab ab ab", 3, 3), ("ab ab ab", 4, 3), ("ab ab ab", 5, 6), ("ba", 0, None), ("ab", 99, 0)],
)
def test_the_nearest_place_is_meant(text: str, near: int, found: int | None) -> None:
    assert find(text, "ab", near) == found


def test_what_was_said_goes_with_the_message(api, alice, told) -> None:
    for path, body in (("feedback/", DOWN), ("reactions/🚀/", None)):
        api(alice).put(at(told, path), body, format="json")
    api(alice).post(at(told, "annotations/"), noted(told, "A"), format="json")
    delete_message(user=alice, message=told)
    assert not (Feedback.objects.exists() or Reaction.objects.exists() or Annotation.objects.exists())
    shown = api(alice).get(at(told)).json()
    assert (shown["feedback"], shown["reactions"], shown["annotations"]) == (NOTHING, [], 0)


def test_what_an_older_process_leaves_behind_is_not_shown_and_goes(api, alice, bob, told) -> None:
    """Such a one erases messages, and knows none of these tables."""
    for user in (alice, bob):
        Reaction.objects.create(message=told, user=user, emoji="🚀")
        Annotation.objects.create(message=told, user=user, start=0, end=1, quote="A", body="Why?")
    assert not left_behind(Reaction.objects.all()).exists()
    Message.objects.filter(pk=told.pk).update(status=MessageStatus.DELETED)
    assert api(alice).get(at(told)).json()["reactions"] == []
    cleaning = CleanUp()
    while cleaning.step():
        pass
    assert not Reaction.objects.exists() and not Annotation.objects.exists()


def test_who_is_gone_does_not_count_and_a_hold_keeps_what_they_noted(api, alice, bob, bobs, told) -> None:
    Hold.objects.create(
        organization=told.chat.organization, scope="chat", subject=told.chat_id, name="c", reason="A case."
    )
    api(bob).put(at(told, "feedback/"), {"rating": "up"}, format="json")
    api(bob).put(react(told, "🚀"))
    api(bob).post(at(told, "annotations/"), noted(told, "A", "Planted words"), format="json")
    with_bob = api(alice).get(at(told)).json()
    assert (with_bob["feedback"]["up"], with_bob["annotations"], len(with_bob["reactions"])) == (1, 1, 1)
    people.delete_oneself(bob)
    without = api(alice).get(at(told)).json()
    assert (without["feedback"], without["annotations"], without["reactions"]) == (NOTHING, 0, [])
    assert api(alice).get(at(told, "annotations/")).json()["results"] == []
    assert "Planted words" in str(list(Kept.objects.values("data")))


def test_what_was_said_before_is_kept_under_a_hold(api, alice, told) -> None:
    made = api(alice).post(at(told, "annotations/"), noted(told, "A", "Planted"), format="json").json()
    api(alice).put(at(told, "feedback/"), DOWN, format="json")
    api(alice).put(at(told, "feedback/"), {"rating": "up"}, format="json")
    assert not Kept.objects.exists(), "without one nothing is"
    Hold.objects.create(
        organization=told.chat.organization, scope="chat", subject=told.chat_id, name="c", reason="A case."
    )
    api(alice).patch(at(told, f"annotations/{made['id']}/"), {"body": "Otherwise"}, format="json")
    assert Kept.objects.get().data["annotations"][0]["body"] == "Planted"


def test_a_page_of_messages_costs_one_query_for_all_of_it(api, alice, chat, told) -> None:
    client = api(alice)
    client.put(at(told, "feedback/"), DOWN, format="json")

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            client.get(f"/api/chats/{chat.pk}/messages/")
        return len(counted)

    before = cost()
    for _ in range(3):
        other = answer(chat, alice).message
        assert other is not None
        for emoji in EMOJI[:3]:
            client.put(react(other, emoji))
        client.put(at(other, "feedback/"), DOWN, format="json")
    assert cost() == before
