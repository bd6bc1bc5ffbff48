"""A project's socket: it looks at access again with each message of its person."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import Membership, Project, User
from chat.doors.native.project_socket import ProjectSocket
from chat.doors.native.socket import GONE, SIGN_IN, Bucket

pytestmark = pytest.mark.django_db(transaction=True)


class Opened(ProjectSocket):
    """One that is open, and keeps what it says."""

    def __init__(self, user: User, project: Project) -> None:
        super().__init__()
        self.user, self.project_id = user, project.pk
        self.bucket, self.sending, self.main = Bucket(10), asyncio.Lock(), None
        self.said: list[Any] = []

    async def _say(self, message: dict[str, Any]) -> None:
        self.said.append(message["type"] if message["type"] != "error" else message["error"]["code"])

    async def close(self, code: Any = None, reason: Any = None) -> None:
        self.said.append(code)


def _ended(user: User, how: str) -> None:
    if how == "left":
        Membership.objects.filter(user=user).delete()
    if how == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize(
    ("how", "text", "said"),
    [
        ("", '{"type":"ping"}', ["pong"]),
        ("", '{"type":"no"}', ["invalid"]),
        ("left", '{"type":"ping"}', [GONE]),
        ("deactivated", '{"type":"ping"}', [SIGN_IN]),
    ],
)
def test_a_ping_is_answered_to_who_may_be_here(
    bob: User, project: Project, how: str, text: str, said: list[Any]
) -> None:
    socket = Opened(bob, project)
    _ended(bob, how)
    async_to_sync(socket.receive)(text)
    assert socket.said == said
