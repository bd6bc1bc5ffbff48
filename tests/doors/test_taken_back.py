"""A reader who was told that text is taken back, and comes back behind that word, is not shown the rest as if nothing
had been: their stream was at its end."""

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from agents import events as ev
from chat.eventlog.rows import insert
from chat.models import Chat, Run, RunEvent
from chat.services.sessions import open_session, token_of
from tests import transcripts
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def taken_over(chat: Chat, alice: User) -> Run:
    """A run whose second turn was taken back, and is over."""
    run = answer(chat, alice)
    RunEvent.objects.filter(run=run).delete()
    log = transcripts.taken_over()
    for attempt in (1, 2):
        insert(run.pk, [each for each in log if each.attempt == attempt]).save()
    return run


def place(run: Run) -> str:
    """Where the word is that text is taken back."""
    found = next(each for each in transcripts.taken_over() if isinstance(each.event, ev.TurnReset))
    return f"{run.pk}.{found.attempt}.{found.seq}"


async def test_an_event_source_of_system_1_is_told_to_stay_away(taken_over: Run, alice: User) -> None:
    for frame in (".0", ".1", ""):
        response = await AsyncClient().get(
            f"/api/editorChat/stream/{taken_over.chat_id}",
            headers={"Authorization": f"Bearer {AccessToken.of(alice)}", "Last-Event-ID": place(taken_over) + frame},
        )
        assert response.status_code == 204


async def test_one_of_system_2_is_told_again(taken_over: Run, alice: User) -> None:
    session = await sync_to_async(open_session)(user=alice, run=taken_over, task=None)
    response = await AsyncClient().get(
        f"/api/chat/stream?sessionId={token_of(session.pk)}", headers={"Last-Event-ID": place(taken_over)}
    )
    body = b"".join([each async for each in response]).decode()
    assert body.count("data: ") == 1 and '"code":"taken_back"' in body
