"""Every route with its rule, and a world to try them in: tests/test_routes.py runs the one through the other.

A new route needs a row here; without one a test fails.
"""

import json
import random
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import Permission
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, Project, ProjectMember, Role, User
from accounts.sign_in.pairs import new_pair
from chat.models import Character, Chat, ChatShare, Message, Run, RunStatus, Sharing, Task
from chat.models.chats import Access
from tests.chat.rows import answer
from tests.live import PASSWORD
from tests.pictures import DOT

# --- Rules: who gets what they ask for; the rest gets 401, 404 or 403 -----------------------------------------------

PUBLIC = "anybody"
SIGNED_IN = "whoever signed in"
READ = "who may read there"
WRITE = "who may write there"
MINE = "whose it is: the world's chat is its editor's"
ADMIN = "who administers there"
OWNER = "who owns the organization"
OPERATOR = "who administers there and runs the installation"

STRANGERS = ("outsider", "ex-member")
UNKNOWN = ("nobody", "deactivated")
ALLOWED: dict[str, tuple[str, ...]] = {
    PUBLIC: (*UNKNOWN, *STRANGERS, "viewer", "editor", "admin", "owner", "operator"),
    SIGNED_IN: (*STRANGERS, "viewer", "editor", "admin", "owner", "operator"),
    READ: ("viewer", "editor", "admin", "owner", "operator"),
    WRITE: ("editor", "admin", "owner", "operator"),
    MINE: ("editor",),
    ADMIN: ("admin", "owner", "operator"),
    OWNER: ("owner",),
    OPERATOR: ("operator",),
}
ROLES = ALLOWED[PUBLIC]


def refusal(role: str) -> int:
    """What who is not allowed gets."""
    return 401 if role in UNKNOWN else 404 if role in STRANGERS else 403


# --- The world --------------------------------------------------------------------------------------------------------


@dataclass
class Place:
    """An organization with people of every role and one thing of every kind, all of it shared with its project."""

    name: str
    people: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.organization = Organization.objects.create(name=self.name)
        self.project = Project.objects.create(organization=self.organization, name=f"{self.name} project")
        for role in Role:
            self.people[role] = self._person(role, role)
        self.people["operator"] = self._person("operator", Role.ADMIN, is_staff=True)
        self.people["deactivated"] = self._person("deactivated", Role.OWNER, is_active=False)
        self.people["ex-member"] = self._person("ex-member", None)
        self.extra = self._person("extra", Role.VIEWER)
        self.spare = self._person("spare", None)
        self.invitation = Invitation.objects.create(
            organization=self.organization, email=f"new@{self.name}.example", invited_by=self.people["owner"],
            token_hash=self.name, expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        self.membership = Membership.objects.get(user=self.extra)
        self.project_member = self._project_member(self.extra)
        self.task = Task.objects.create(project=self.project, title=f"{self.name} task")
        self.character = Character.objects.create(
            number=random.randrange(10**12, 10**13),
            organization=self.organization,
            name="Guide",
            archetype="generalist",
        )
        self.character.users.set(User.objects.filter(memberships__organization=self.organization))
        self.chat = self._chat()
        self.share = ChatShare.objects.create(chat=self.chat, user=self.extra)
        self._leave_behind()
        self.run = answer(self.chat, self.people["editor"])
        self.busy = answer(self._chat(character=self.character.number), self.people["editor"], RunStatus.QUEUED)
        self._attach()
        self.refresh = new_pair(self.people["editor"]).refresh

    def _person(self, name: str, role: str | None, **fields: Any) -> User:
        address = f"{name}@{self.name}.example".lower()
        user = User.objects.create_user(address, PASSWORD, name=f"{name} of {self.name}", **fields)
        user.user_permissions.add(Permission.objects.get(codename="add_organization"))
        if role:
            Membership.objects.create(organization=self.organization, user=user, role=role)
        return user

    def _project_member(self, user: User) -> ProjectMember:
        return ProjectMember.objects.create(project=self.project, user=user, role=Role.VIEWER)

    def _chat(self, **fields: Any) -> Chat:
        return Chat.objects.create(
            organization=self.organization,
            project=self.project,
            user=self.people["editor"],
            title=f"{self.name} chat",
            model="gpt-4o",
            archetype="generalist",
            sharing=Sharing.PROJECT,
            project_access=Access.WRITE,
            **fields,
        )

    def _attach(self) -> None:
        files = [{"type": "image", "name": "dot.png", "url": DOT}]
        Message.objects.filter(pk=self.run.input_id).update(attachments=files)

    def _leave_behind(self) -> None:
        """Rows that outlived a membership; they must let nobody in."""
        gone = self.people["ex-member"]
        ProjectMember.objects.create(project=self.project, user=gone, role=Role.OWNER)
        ChatShare.objects.create(chat=self.chat, user=gone, access=Access.WRITE)
        left = Chat.objects.create(organization=self.organization, user=gone, model="gpt-4o", archetype="generalist")
        assert left.project is None

    def ids(self) -> list[str]:
        """Of all that strangers must never see."""
        things = (
            self.organization,
            self.project,
            self.chat,
            self.run,
            self.run.message,
            self.run.input,
            self.share,
            self.task,
            self.invitation,
        )
        return [str(each.pk) for each in things]


Body = Callable[[Place], dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """One method of one address, and its rule."""

    method: str
    path: str  # as the resolver has it, converters taken off
    needs: str
    body: Body | None = None
    ok: tuple[int, ...] = (200,)
    ids: Body | None = None  # of the path
    kind: str = "rest"  # rest, door (async, by token), page (by session)
    headers: Body | None = None  # that name something of the place
    input: Body | None = None  # in the address, as tRPC's queries have it
    is_closed: bool = True  # it refuses fields that it does not know

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def allowed(self, place: Place) -> User:
        """Somebody of the place who may do it."""
        if self.needs == OPERATOR:
            return place.people["operator"]
        return place.people["owner" if self.needs in (ADMIN, OWNER) else "editor"]

    def address(self, place: Place) -> str:
        """With this place's ids."""
        address = self.path.format(**(self.ids(place) if self.ids else {}))
        return f"{address}?input={quote(json.dumps(self.input(place), default=str))}" if self.input else address


def chat_id(place: Place) -> dict[str, Any]:
    return {"id": place.chat.pk, "chat_id": place.chat.pk}


def message_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.message_id}


def question_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.input_id}


def picture_number(place: Place) -> dict[str, Any]:
    """Of a message that has one."""
    return {"id": place.run.input_id, "number": 0}


def run_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.pk, "run_id": place.run.pk}


def busy_id(place: Place) -> dict[str, Any]:
    return {"run_id": place.busy.pk}


def call_id(place: Place) -> dict[str, Any]:
    return {"run_id": place.busy.pk, "call": "call_1"}


def organization_id(place: Place) -> dict[str, Any]:
    return {"id": place.organization.pk, "organization": place.organization.pk}


def project_id(place: Place) -> dict[str, Any]:
    return {"id": place.project.pk, "project": place.project.pk}


def member_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.membership.pk}


def hand_over(place: Place) -> dict[str, Any]:
    return {"from": place.people["ex-member"].pk, "to": place.people["editor"].pk}


def invitation_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.invitation.pk}


def project_member_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.project_member.pk}


def character_id(place: Place) -> dict[str, Any]:
    return {"id": place.character.number}


def session_id(place: Place) -> dict[str, Any]:
    return {"session_id": f"sess-{place.chat.pk}"}


def new_character(place: Place) -> dict[str, Any]:
    return {"id": 7, "organization": place.organization.pk, "name": "Guide", "archetype": "generalist"}


def to_agent(place: Place) -> dict[str, Any]:
    """In a session that is busy: so the door does not wait for the answer."""
    session = f"sess-{place.busy.chat_id}"
    return {"message": "Hello", "session_id": session, "character_id": place.character.number}


def share_id(place: Place) -> dict[str, Any]:
    return {"id": place.chat.pk, "share": place.share.pk}


def task_id(place: Place) -> dict[str, Any]:
    return {"id": place.task.pk}


def prompt(place: Place) -> dict[str, Any]:
    return {"modelId": "gpt-4o", "prompt": "Hello", "projectId": place.project.pk, "taskId": place.task.pk}


def response_id(place: Place) -> dict[str, Any]:
    return {"response_id": f"resp_{place.run.pk}"}


def busy_response_id(place: Place) -> dict[str, Any]:
    return {"response_id": f"resp_{place.busy.pk}"}


def conversation_id(place: Place) -> dict[str, Any]:
    return {"conversation_id": f"conv_{place.chat.pk}"}


def item_id(place: Place) -> dict[str, Any]:
    return {**conversation_id(place), "item_id": f"msg_{place.run.message_id}"}


def next_response(place: Place) -> dict[str, Any]:
    before = {"previous_response_id": f"resp_{place.run.pk}"}
    return {"model": "gpt-4o", "input": "Hello", "background": True, **before}


def compaction(place: Place) -> dict[str, Any]:
    return {"model": "gpt-4o", "previous_response_id": f"resp_{place.run.pk}"}


def new_conversation(place: Place) -> dict[str, Any]:
    """That begins with something said before."""
    return {"items": [{"type": "item_reference", "id": f"msg_{place.run.message_id}"}]}


def completion(place: Place) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


def in_project(place: Place) -> dict[str, Any]:
    return {"OpenAI-Project": f"proj_{place.project.pk}"}


def to_chat(place: Place, **more: Any) -> dict[str, Any]:
    """At system 1's procedures."""
    return {"chatId": str(place.chat.pk), **more}


def to_chat_streamed(place: Place) -> dict[str, Any]:
    return to_chat(place, content="Hello", stream=True)


def to_project(place: Place) -> dict[str, Any]:
    """At system 4's."""
    return {"projectId": str(place.project.pk), "message": "Hello"}


def ui_message(place: Place) -> dict[str, Any]:
    said = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hello"}]}
    return {"id": f"at {place.name}", "messages": [said], "project": str(place.project.pk)}


def run_agent(place: Place) -> dict[str, Any]:
    said = {"id": "m", "role": "user", "content": "Hello"}
    props = {"project": str(place.project.pk)}
    return {"threadId": f"at {place.name}", "runId": "r", "messages": [said], "forwardedProps": props}


def fixed(**body: Any) -> Body:
    return lambda _: body


def first_message(place: Place) -> dict[str, Any]:
    return {"chat": {"organization": str(place.organization.pk)}, "content": "Hello"}


def credentials(place: Place) -> dict[str, Any]:
    return {"email": place.people["editor"].email, "password": PASSWORD}


MEMBERS, ONE_MEMBER = "/api/organizations/{organization}/members/", "/api/organizations/{organization}/members/{id}/"
INVITATIONS = "/api/organizations/{organization}/invitations/"
ONE_INVITATION = INVITATIONS + "{id}/"
PROJECT_MEMBERS, ONE_PROJECT_MEMBER = "/api/projects/{project}/members/", "/api/projects/{project}/members/{id}/"
MESSAGE, RUNS = "/api/messages/{id}/", "/api/chats/{chat_id}/runs"
THREAD = "/chat/threads/{chat_id}/messages"
EDITOR_CHAT = "/api/editorChat/stream/{chat_id}"
DIFF, PULL_REQUEST = "/api/editorChat/{chat_id}/get-diff", "/api/editorChat/{chat_id}/create-pr"
RESPONSE, CONVERSATION = "/responses/{response_id}", "/conversations/{conversation_id}"
ITEM = {"items": [{"role": "user", "content": "Hello"}]}

ROUTES = [
    Route("GET", "/healthz", PUBLIC),
    Route("GET", "/readyz", PUBLIC),
    Route("GET", "/login/", PUBLIC, ok=(200, 302), kind="page"),
    Route("POST", "/login/", PUBLIC, ok=(200, 302), kind="page"),
    Route("POST", "/logout/", PUBLIC, ok=(302,), kind="page"),
    Route("GET", "/", SIGNED_IN, kind="page"),
    Route("GET", "/favicon.ico", PUBLIC, kind="page"),
    Route("GET", "/chats/", SIGNED_IN, kind="page"),
    Route("GET", "/chats/{id}/", READ, ids=chat_id, kind="page"),
    Route("GET", "/chats/{id}/messages/", READ, ids=chat_id, kind="page"),
    Route("GET", "/messages/{id}/pictures/{number}/", READ, ids=picture_number, kind="page"),
    Route("GET", "/self-test/", SIGNED_IN, kind="page"),
    Route("POST", "/api/auth/token", PUBLIC, credentials),
    Route("POST", "/api/auth/token/refresh", PUBLIC, lambda place: {"refresh": place.refresh}),
    Route("POST", "/api/auth/logout", PUBLIC, lambda place: {"refresh": place.refresh}, ok=(204,)),
    Route("POST", "/api/auth/ticket", READ, lambda place: {"chat": place.chat.pk}, ok=(201,)),
    Route("GET", "/api/users/me/", SIGNED_IN),
    Route("PATCH", "/api/users/me/", SIGNED_IN, fixed(name="Another")),
    Route("GET", "/api/organizations/", SIGNED_IN),
    Route("POST", "/api/organizations/", SIGNED_IN, fixed(name="New"), ok=(201,)),
    Route("GET", "/api/organizations/{id}/", READ, ids=organization_id),
    Route("PATCH", "/api/organizations/{id}/", ADMIN, fixed(name="Other"), ids=organization_id),
    Route("DELETE", "/api/organizations/{id}/", OWNER, ok=(204,), ids=organization_id),
    Route("GET", "/api/organizations/{id}/budget/", READ, ids=organization_id),
    Route("GET", MEMBERS, READ, ids=organization_id),
    Route("GET", "/api/organizations/{organization}/former-members/", ADMIN, ids=organization_id),
    # Each may hand over their own; here it is an admin who hands over what somebody left behind.
    Route("POST", "/api/organizations/{organization}/hand-over/", ADMIN, hand_over, ok=(201,), ids=organization_id),
    Route("GET", INVITATIONS, ADMIN, ids=organization_id),
    Route("POST", INVITATIONS, ADMIN, fixed(email="somebody@new.example"), ok=(201,), ids=organization_id),
    Route("GET", ONE_INVITATION, ADMIN, ids=invitation_id),
    Route("DELETE", ONE_INVITATION, ADMIN, ok=(204,), ids=invitation_id),
    # Of whom the token is not for nobody joins: that is as far as all of them get here.
    Route("POST", "/api/invitations/accept/", SIGNED_IN, fixed(token="unknown"), ok=(404,)),
    Route("GET", "/invitation/", PUBLIC, ok=(200, 404), kind="page"),
    Route("POST", "/invitation/", PUBLIC, ok=(302, 404), kind="page"),
    Route("POST", MEMBERS, OPERATOR, lambda place: {"email": place.spare.email}, ok=(201,), ids=organization_id),
    Route("GET", ONE_MEMBER, READ, ids=member_id),
    Route("PATCH", ONE_MEMBER, ADMIN, fixed(role="editor"), ids=member_id),
    Route("DELETE", ONE_MEMBER, ADMIN, ok=(204,), ids=member_id),
    Route("GET", "/api/projects/", SIGNED_IN),
    Route(
        "POST", "/api/projects/", ADMIN, lambda place: {"organization": place.organization.pk, "name": "P"}, ok=(201,)
    ),
    Route("GET", "/api/projects/{id}/", READ, ids=project_id),
    Route("PATCH", "/api/projects/{id}/", ADMIN, fixed(name="Other"), ids=project_id),
    Route("DELETE", "/api/projects/{id}/", ADMIN, ok=(204,), ids=project_id),
    Route("GET", PROJECT_MEMBERS, READ, ids=project_id),
    Route(
        "POST", PROJECT_MEMBERS, ADMIN, lambda place: {"email": place.people["editor"].email}, ok=(201,), ids=project_id
    ),
    Route("GET", ONE_PROJECT_MEMBER, READ, ids=project_member_id),
    Route("PATCH", ONE_PROJECT_MEMBER, ADMIN, fixed(role="editor"), ids=project_member_id),
    Route("DELETE", ONE_PROJECT_MEMBER, ADMIN, ok=(204,), ids=project_member_id),
    Route("GET", "/api/chats/", SIGNED_IN),
    Route("POST", "/api/chats/", WRITE, lambda place: {"organization": place.organization.pk}, ok=(201,)),
    Route("GET", "/api/chats/{id}/", READ, ids=chat_id),
    Route("PATCH", "/api/chats/{id}/", WRITE, fixed(title="Other"), ids=chat_id),
    Route("DELETE", "/api/chats/{id}/", MINE, ok=(204,), ids=chat_id),
    Route("GET", "/api/chats/{id}/messages/", READ, ids=chat_id),
    Route("POST", "/api/chats/{id}/messages/", WRITE, fixed(content="Hello"), ok=(201,), ids=chat_id),
    Route(
        "POST",
        "/api/chats/{id}/fork/",
        WRITE,
        lambda place: {"message": place.run.message_id},
        ok=(201,),
        ids=chat_id,
    ),
    Route("GET", "/api/chats/{id}/export/", MINE, ids=chat_id, kind="door"),
    Route("GET", "/api/chats/{id}/shares/", READ, ids=chat_id),
    Route(
        "POST",
        "/api/chats/{id}/shares/",
        MINE,
        lambda place: {"user": place.people["owner"].pk},
        ok=(201,),
        ids=chat_id,
    ),
    Route("DELETE", "/api/chats/{id}/shares/{share}/", MINE, ok=(204,), ids=share_id),
    Route("GET", MESSAGE, READ, ids=message_id),
    Route("PATCH", MESSAGE, MINE, fixed(content="Better"), ids=question_id),
    Route("DELETE", MESSAGE, MINE, ids=message_id),
    Route("POST", "/api/messages/{id}/regenerate/", WRITE, fixed(), ok=(201,), ids=message_id),
    Route("GET", "/api/runs/", SIGNED_IN),
    Route("GET", "/api/runs/{id}/", READ, ids=run_id),
    Route("GET", "/api/tasks/", SIGNED_IN),
    Route("POST", "/api/tasks/", WRITE, lambda place: {"project": place.project.pk, "title": "T"}, ok=(201,)),
    Route("GET", "/api/tasks/{id}/", READ, ids=task_id),
    Route("PATCH", "/api/tasks/{id}/", WRITE, fixed(title="Other"), ids=task_id),
    Route("DELETE", "/api/tasks/{id}/", WRITE, ok=(204,), ids=task_id),
    Route("GET", "/api/characters/", SIGNED_IN),
    Route("POST", "/api/characters/", ADMIN, new_character, ok=(201,)),
    Route("GET", "/api/characters/{id}/", READ, ids=character_id),
    Route("PATCH", "/api/characters/{id}/", ADMIN, fixed(name="Other"), ids=character_id),
    Route("DELETE", "/api/characters/{id}/", ADMIN, ok=(204,), ids=character_id),
    Route("GET", "/api/capabilities/", PUBLIC),
    Route("GET", "/api/models/", SIGNED_IN),
    Route("GET", "/api/archetypes/", SIGNED_IN),
    Route("GET", "/api/schema/", PUBLIC),
    Route("GET", "/api/docs/", PUBLIC),
    Route("POST", "/api/chats/runs", WRITE, first_message, ok=(201,), kind="door"),
    Route("POST", RUNS, WRITE, fixed(content="Hello"), ok=(201,), ids=chat_id, kind="door"),
    Route("GET", "/api/runs/{run_id}/events", READ, ids=run_id, kind="door"),
    Route("POST", "/api/runs/{run_id}/cancel", WRITE, ok=(202,), ids=busy_id, kind="door"),
    # A run that does not wait for a decision is told so: that is as far as those who may decide get here.
    Route(
        "POST",
        "/api/runs/{run_id}/approvals/{call}",
        WRITE,
        fixed(decision="allow"),
        ok=(409,),
        ids=call_id,
        kind="door",
    ),
    Route("POST", EDITOR_CHAT, WRITE, fixed(content="Hello", enableStreaming=True), ids=chat_id, kind="door"),
    Route("GET", EDITOR_CHAT, READ, ids=chat_id, kind="door"),
    Route("GET", "/api/editorChat/test-sse", PUBLIC, kind="door"),
    Route("POST", "/api/chat", WRITE, ui_message, kind="door", is_closed=False),
    Route("GET", "/api/chat/{chat_id}/stream", SIGNED_IN, ok=(200, 204), ids=chat_id, kind="door"),
    Route("POST", "/api/chat/{chat_id}/stop", WRITE, ok=(202,), ids=chat_id, kind="door"),
    Route("POST", "/api/agui", WRITE, run_agent, kind="door", is_closed=False),
    Route("POST", DIFF, READ, ids=chat_id, kind="door"),
    Route("POST", PULL_REQUEST, WRITE, ok=(409,), ids=chat_id, kind="door"),  # there is nothing to propose
    *(
        each
        for base in ("/trpc", "/api/trpc")
        for each in (
            *(
                Route("POST", f"{base}/{name}", needs, body, ok=ok, kind="door")
                for name, needs, body, ok in (
                    ("editorChat.create", WRITE, lambda place: {"orgId": str(place.organization.pk)}, (200,)),
                    # Where it does not ask for a stream, the door waits.
                    ("editorChat.sendMessage", WRITE, to_chat_streamed, (200, 504)),
                    ("editorChat.updateTitle", WRITE, lambda place: to_chat(place, title="Other"), (200,)),
                    ("editorChat.delete", MINE, to_chat, (200,)),
                    ("editorChat.fork", WRITE, lambda place: to_chat(place, messageId=place.run.message_id), (200,)),
                    (
                        "editorChat.regenerate",
                        WRITE,
                        lambda place: to_chat(place, messageId=place.run.message_id, stream=True),
                        (200, 504),
                    ),
                    ("chat.initiateChat", WRITE, to_project, (200,)),
                    ("chat.sendMessage", WRITE, to_project, (504,)),
                )
            ),
            *(
                Route("GET", f"{base}/{name}", needs, input=input, kind="door")
                for name, needs, input in (
                    ("editorChat.list", READ, lambda place: {"orgId": str(place.organization.pk)}),
                    ("editorChat.get", READ, to_chat),
                    ("chat.getMessage", READ, lambda place: {"messageId": str(place.run.message_id)}),
                    ("chat.streamResponse", PUBLIC, None),  # it tells its errors in events: see tests/doors
                )
            ),
            # A procedure that there is not; batches: tests/doors.
            *(
                Route(method, base + "/{calls}", PUBLIC, ok=(404,), ids=fixed(calls="no.such"), kind="door")
                for method in ("GET", "POST")
            ),
        )
    ),
    *(
        Route(method, prefix + path, needs, body, ok=ok, kind="door")
        for prefix in ("/api", "")
        for method, path, needs, body, ok in (
            ("POST", "/chat/start", WRITE, prompt, (201,)),
            ("GET", "/chat/stream", PUBLIC, None, (200,)),  # it tells its errors in events: see tests/doors
            ("GET", "/chat/history", SIGNED_IN, None, (200,)),
        )
    ),
    Route("GET", "/chat/threads", SIGNED_IN, kind="door"),
    Route("POST", "/chat/threads", WRITE, lambda place: {"projectId": place.project.pk}, ok=(201,), kind="door"),
    Route("GET", THREAD, READ, ids=chat_id, kind="door"),
    # The runs of these tests stay queued: a door that waits for the answer says that it is not there yet.
    Route("POST", THREAD, WRITE, fixed(content="Hello"), ok=(504,), ids=chat_id, kind="door"),
    Route("POST", THREAD + "/stream", WRITE, fixed(content="Hello"), ids=chat_id, kind="door"),
    Route("POST", "/agent/chat", WRITE, to_agent, kind="door"),
    Route("POST", "/agent/chat/stream", WRITE, to_agent, kind="door"),
    Route("GET", "/agent/chat/history/{session_id}", READ, ids=session_id, kind="door"),
    *(
        Route(method, base + path, needs, body, ok=ok, ids=ids, kind="door", is_closed=False)
        for base in ("/api/llm", "/v1")
        for method, path, needs, body, ok, ids in (
            ("POST", "/responses", WRITE, next_response, (200,), None),
            ("POST", "/responses/compact", WRITE, compaction, (504,), None),
            ("GET", RESPONSE, READ, None, (200,), response_id),
            ("DELETE", RESPONSE, MINE, None, (200,), response_id),
            ("POST", RESPONSE + "/cancel", WRITE, None, (200,), busy_response_id),
            ("GET", RESPONSE + "/input_items", READ, None, (200,), response_id),
            ("POST", "/conversations", WRITE, new_conversation, (200,), None),
            ("GET", CONVERSATION, READ, None, (200,), conversation_id),
            ("POST", CONVERSATION, WRITE, fixed(metadata={"a": "b"}), (200,), conversation_id),
            ("DELETE", CONVERSATION, MINE, None, (200,), conversation_id),
            ("GET", CONVERSATION + "/items", READ, None, (200,), conversation_id),
            ("POST", CONVERSATION + "/items", WRITE, fixed(**ITEM), (200,), conversation_id),
            ("GET", CONVERSATION + "/items/{item_id}", READ, None, (200,), item_id),
            # One after the other: the second finds the first one's answer not over.
            (
                "POST",
                CONVERSATION + "/messages",
                WRITE,
                fixed(content="Hello", stream=True),
                (200, 409),
                conversation_id,
            ),
        )
    ),
    *(
        each
        for base in ("/api/llm", "/v1")
        for each in (
            Route(  # streamed; who wants the whole is told that it is not there yet
                "POST",
                base + "/chat/completions",
                WRITE,
                completion,
                ok=(200, 504),
                kind="door",
                headers=in_project,
                is_closed=False,
            ),
            Route("GET", base + "/models", SIGNED_IN, kind="door"),
            Route("GET", base + "/models/{model_id}", SIGNED_IN, ids=fixed(model_id="gpt-4o"), kind="door"),
        )
    ),
]
APART = "/admin/"  # Django's own routes, tested as a whole


def told(answered: Any) -> dict[str, Any]:
    """The error of an answer, in the native form: `fields` are the names of those that are not right."""
    error = answered.json()["error"]
    if set(error) == {"message", "type", "code", "param"}:  # OpenAI's form
        return {
            "code": error["code"],
            "message": error["message"],
            "fields": [error["param"]] if error["param"] else [],
        }
    if set(error) == {"message", "code", "data"}:  # tRPC's form
        return {**error, "code": error["data"]["code"], "fields": error["data"].get("fields", {})}
    assert set(error) == {"code", "message", "fields"}, error
    return dict(error)


def paths_of_resolver() -> set[str]:
    """Every path that Django knows, in the form of the table; the admin's as one."""
    return {f"/{path}" for path in _walk("", get_resolver().url_patterns)}


def _walk(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for each in patterns:
        path = prefix + _without_converters(str(each.pattern))
        if isinstance(each, URLResolver) and f"/{path}" != APART:
            yield from _walk(path, each.url_patterns)
        else:
            yield path


def _without_converters(pattern: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern)


def elsewhere_of(text: str, place: Place) -> str:
    """The text with each of the place's ids replaced by one that never was."""
    for model in (Organization, Project, Chat, Run, Message, ChatShare, Membership, ProjectMember, Task, User):
        for id in model.objects.values_list("pk", flat=True):
            text = text.replace(str(id), str(uuid.uuid4()))
    for number in Character.objects.values_list("number", flat=True):
        text = text.replace(str(number), str(number + 1))
    return text
