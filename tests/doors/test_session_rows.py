"""What a session opens, for how long, and that its id is nowhere in the database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import NotFound
from accounts.models import User
from chat.models import Chat, ChatSession, Task
from chat.services.sessions import find_session, open_session, token_of
from tests.chat.rows import answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(chat: Chat, alice: User) -> ChatSession:
    return open_session(user=alice, run=answer(chat, alice))


def refused(session: ChatSession) -> str:
    with pytest.raises(NotFound) as error:
        find_session(token_of(session.pk))
    return error.value.code


def test_it_is_found_by_its_id_for_ten_minutes(session: ChatSession) -> None:
    assert find_session(token_of(session.pk)) == session
    assert timedelta(minutes=9) < session.expires_at - timezone.now() <= timedelta(minutes=10)
    ChatSession.objects.update(expires_at=timezone.now())
    assert refused(session) == "session_expired"


def test_it_ends_with_its_users_sessions_and_with_the_user(session: ChatSession, alice: User) -> None:
    alice.end_sessions()
    assert refused(session) == "session_unknown"
    ChatSession.objects.update(token_version=alice.token_version)
    assert find_session(token_of(session.pk)) == session
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert refused(session) == "session_unknown"


def test_its_id_cannot_be_guessed_and_is_not_stored(session: ChatSession, chat: Chat, alice: User) -> None:
    other = open_session(user=alice, run=answer(chat, alice))
    tokens = {token_of(session.pk), token_of(other.pk)}
    assert len(tokens) == 2 and all(len(each) == 64 for each in tokens)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chat_chatsession")
        stored = str(cursor.fetchall())
    assert not any(each in stored for each in tokens)


def test_it_is_its_users_alone(session: ChatSession, alice: User, bob: User, charlie: User) -> None:
    Chat.objects.update(sharing="project")
    assert list(ChatSession.objects.visible_to(alice)) == [session]
    assert not ChatSession.objects.visible_to(bob) and not ChatSession.objects.visible_to(charlie)
    alice.memberships.all().delete()
    assert not ChatSession.objects.visible_to(alice)


def test_a_task_outlives_nothing_and_nothing_ends_with_it(chat: Chat, alice: User) -> None:
    task = Task.objects.create(project=chat.project, title="Opening hours")
    session = open_session(user=alice, run=answer(chat, alice), task=task)
    assert set(task.messages.all()) == {session.run.input, session.run.message}
    assert list(chat.tasks.all()) == [task]
    task.delete()
    session.refresh_from_db()
    assert session.task is None and chat.messages.count() == 2 and not chat.tasks.exists()
