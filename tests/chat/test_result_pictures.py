"""Pictures that a tool gave back: whose they are, kept once however often a call is made, gone with their answer."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Organization, User
from agents import events as ev
from agents.messages import ToolMessage
from chat.attachments import given, storing, taking
from chat.attachments.going import Attachments
from chat.eventlog import tool_rows
from chat.eventlog.projection import fold
from chat.models import Attachment, AttachmentState, AttachmentUse, Chat, ChatShare, Run, RunStatus
from chat.models.chats import Access
from chat.page.contents import shown_files
from chat.page.pictures import beside_calls, of_calls
from chat.runner.history import history
from chat.runner.looking import looker
from tests import photos
from tests.chat.rows import answer, say
from tests.tools.contexts import context
from tools.base import ToolContext
from tools.errors import ToolError

pytestmark = pytest.mark.django_db
Api = Callable[[User], APIClient]
PHOTO = photos.photo(60, 40)


@pytest.fixture(autouse=True)
def nothing_stored() -> Iterator[None]:
    yield
    for id in set(storing.ids()):
        storing.remove(id)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    """One that is under way."""
    return answer(chat, alice, RunStatus.RUNNING)


def ctx_of(run: Run, call: str = "call_1", **changes: Any) -> ToolContext:
    return context(user_id=run.user_id, chat_id=run.chat_id, run_id=run.pk, call_id=call, may_attach=True, **changes)


def kept(run: Run, data: bytes = PHOTO, call: str = "call_1") -> ev.Attached:
    return ev.Attached(**vars(given.keep_picture(ctx_of(run, call), "a chart", data)))


def returned(*files: ev.Attached, call: str = "call_1") -> ev.ToolReturned:
    return ev.ToolReturned(at=time.time(), call=call, name="draw", result="Drawn.", elapsed_ms=1, attachments=files)


def end(run: Run, *events: ev.ToolReturned) -> None:
    """The answer as the run's end stores it: what the events fold to."""
    called = [ev.ToolCalled(at=each.at, call=each.call, name=each.name, arguments={}) for each in events]
    folded = fold([ev.TurnStarted(at=1, turn=1, model="m"), *called, *events])
    message = run.answer
    message.parts, message.attachments, message.status = folded.parts, folded.attachments, "completed"
    message.save()
    tool_rows.record(run.pk, events)


def test_a_picture_of_a_call_is_kept_once_and_that_of_another_call_is_another(run: Run) -> None:
    first = kept(run)
    assert (first.media_type, first.width, first.height, first.name) == ("image/jpeg", 60, 40, "a chart")
    assert kept(run) == first and Attachment.objects.count() == 1
    others = {kept(run, call="call_2").id, kept(run, photos.photo(61, 40)).id}
    assert len(others) == 2 and first.id not in others
    # What a process that died has half stored is left to the chore; the picture is kept anew.
    Attachment.objects.filter(pk=first.id).update(state=AttachmentState.STORING)
    assert kept(run).id != first.id


@pytest.mark.parametrize("data", [b"no picture", photos.bomb(), b"\x89PNG\r\n\x1a\nnothing"])
def test_what_is_no_picture_is_told_in_a_sentence(run: Run, data: bytes) -> None:
    with pytest.raises(ToolError) as told:
        kept(run, data)
    assert str(told.value).endswith(".") and not Attachment.objects.exists()


def test_outside_of_an_answer_there_is_none(run: Run, chat: Chat) -> None:
    with pytest.raises(ToolError, match="answers of a chat alone"):
        given.keep_picture(ctx_of(Run(pk=uuid.uuid4(), user=run.user, chat=chat)), "", PHOTO)


def test_who_may_not_write_there_any_more_keeps_nothing(run: Run, charlie: User) -> None:
    Run.objects.filter(pk=run.pk).update(user=charlie)
    with pytest.raises(ToolError):
        kept(run)
    assert not Attachment.objects.exists()


def test_it_is_seen_by_whom_the_chat_is_shown_and_by_nobody_else(
    api: Api, run: Run, alice: User, bob: User, charlie: User
) -> None:
    file = kept(run)
    at = f"/api/attachments/{file.id}/content"
    assert api(bob).get(at).status_code == 404
    end(run, returned(file))
    assert [api(user).get(at).status_code for user in (alice, bob, charlie)] == [200, 404, 404]
    ChatShare.objects.create(chat=run.asked_in, user=bob, access=Access.READ)
    assert [api(user).get(at).status_code for user in (alice, bob, charlie)] == [200, 200, 404]
    assert api(alice).get("/api/attachments/").json()["results"] == []
    (said,) = api(alice).get(f"/api/messages/{run.message_id}/").json()["attachments"]
    assert (said["id"], said["type"], said["width"]) == (file.id, "image", 60)


def test_an_event_gives_nobody_a_file_of_somebody_else(
    run: Run, organization: Organization, elsewhere: Organization, bob: User, charlie: User
) -> None:
    foreign = [taking.take(bob, organization.pk, "a", PHOTO), taking.take(charlie, elsewhere.pk, "a", PHOTO)]
    named = [ev.Attached(id=str(each.pk), type="image") for each in foreign]
    gone = ev.Attached(id=str(uuid.uuid4()), type="image")
    tool_rows.record(run.pk, [returned(*named, gone)])
    assert not AttachmentUse.objects.exists()


async def test_the_model_is_not_given_a_file_of_somebody_else() -> None:
    assert (await looker(Run(message=None, user_id=uuid.uuid4()))([ev.Attached(id="x", type="image")])).images == ()


def test_a_later_question_shows_them_where_they_came_and_says_which_are_gone(run: Run, alice: User) -> None:
    one, two = kept(run), kept(run, photos.photo(61, 40))
    end(run, returned(one, two))
    question = say(run.asked_in, alice, "And now?")
    (result,) = [each for each in history(question).messages if isinstance(each, ToolMessage)]
    assert [each.origin for each in result.images] == [f"{run.message_id}/{each.id}" for each in (one, two)]
    assert all(each.url.startswith("data:image/jpeg;base64,") for each in result.images)
    Attachment.objects.filter(pk=two.id).update(state=AttachmentState.GOING)
    (result,) = [each for each in history(question).messages if isinstance(each, ToolMessage)]
    assert len(result.images) == 1 and "[image: a chart, which was removed]" in result.content


def test_the_page_shows_them_at_their_call_and_not_once_more(run: Run) -> None:
    one, two = kept(run), kept(run, call="call_2")
    end(run, returned(one), returned(two, call="call_2"))
    message = run.answer
    shown = shown_files([message])[message.pk]
    assert [file["large"].split("/")[3] for file in of_calls(message, shown)["call_2"]] == [two.id]
    assert beside_calls(message, shown) == []


def test_they_go_with_their_answer_and_stay_with_a_fork(api: Api, run: Run, alice: User, committed: Any) -> None:
    file = kept(run)
    end(run, returned(file))
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    fork = api(alice).post(f"/api/chats/{run.chat_id}/fork/", {"message": str(run.message_id)}, format="json")
    assert fork.status_code == 201, fork.json()
    with committed():
        assert api(alice).delete(f"/api/messages/{run.message_id}/").status_code in (200, 204)
    assert Attachment.objects.filter(pk=file.id, state=AttachmentState.READY).exists()
    with committed():
        assert api(alice).delete(f"/api/chats/{fork.json()['id']}/").status_code == 204
    assert not Attachment.objects.exists() and not list(storing.ids())


def test_what_a_process_left_that_died_before_it_told_of_it_goes_by_itself(run: Run, settings: Any) -> None:
    kept(run)
    settings.ATTACHMENT_UNUSED_S = 0
    chore = Attachments()
    while chore.step():
        pass
    assert chore.counts["unused"] == 1 and not Attachment.objects.exists() and not list(storing.ids())
