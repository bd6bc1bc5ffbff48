"""What is deleted while somebody adds to it: one of the two is told that the other was quicker, and nothing breaks."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.doors import people
from tests.live import Reply, Server

pytestmark = pytest.mark.live
TRIES = 2
Call = tuple[str, str, Any]  # method, path, body


def at_once(server: Server, token: str, calls: list[Call]) -> list[Reply]:
    """The answers to these calls, all sent at the same moment."""
    start = Barrier(len(calls))

    def send(call: Call) -> Reply:
        start.wait()
        return server.call(*call, token=token)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(send, calls))


def check(calls: list[Call], replies: list[Reply]) -> None:
    broken = [(call, reply.body) for call, reply in zip(calls, replies, strict=True) if reply.status >= 500]
    assert not broken


def test_a_project_that_is_deleted_while_it_is_used(server: Server) -> None:
    owner = server.token()
    organization = server.call("GET", "/api/organizations/", token=owner).body["results"][0]["id"]
    email = people.newcomer(server, organization=organization, role="viewer").get("/api/users/me/")["email"]
    for _ in range(TRIES):
        new = {"organization": organization, "name": "Short-lived"}
        project = server.call("POST", "/api/projects/", new, token=owner).body["id"]
        member = {"email": email, "role": "viewer"}
        calls: list[Call] = [
            *[("POST", f"/api/projects/{project}/members/", member) for _ in range(3)],
            ("POST", "/api/chats/", {"organization": organization, "project": project}),
            ("POST", "/api/tasks/", {"project": project, "title": "Task"}),
            ("POST", "/chat/threads", {"projectId": project}),
            ("POST", "/trpc/editorChat.create", {"orgId": organization, "projectId": project}),
            ("PATCH", f"/api/projects/{project}/", {"name": "Renamed"}),
            ("DELETE", f"/api/projects/{project}/", None),
        ]
        replies = at_once(server, owner, calls)
        check(calls, replies)
        assert replies[-1].status in (204, 409)


def test_a_chat_that_is_deleted_while_it_is_used(server: Server) -> None:
    owner = server.token()
    for _ in range(TRIES):
        chat = server.call("POST", "/v1/conversations", {}, token=owner).body["id"]
        id = chat.removeprefix("conv_")
        calls: list[Call] = [
            ("POST", f"/v1/conversations/{chat}", {"metadata": {"a": "b"}}),
            ("PATCH", f"/api/chats/{id}/", {"title": "Renamed"}),
            ("POST", "/trpc/editorChat.updateTitle", {"chatId": id, "title": "Renamed"}),
            ("POST", f"/v1/conversations/{chat}/items", {"items": [{"role": "user", "content": "Hello"}]}),
            ("POST", f"/api/chats/{id}/messages/", {"content": "Hello"}),
            ("DELETE", f"/v1/conversations/{chat}", None),
            ("DELETE", f"/api/chats/{id}/", None),
        ]
        check(calls, at_once(server, owner, calls))
