"""Every route with its rule, and a world to try them in: tests/test_routes.py runs the one through the other.

A new route needs a row here; without one a test fails.
"""

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.models import Permission
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import (
    ApiKey,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMember,
    ProjectSecret,
    Role,
    SignIn,
    User,
)
from accounts.secrets import seal
from accounts.sign_in.hashed import hash_of
from accounts.sign_in.keys import create_key
from accounts.sign_in.pairs import new_pair
from chat.attachments import storing
from chat.exports.models import Export
from chat.feedback.models import Annotation
from chat.links.models import Link
from chat.models import (
    Attachment,
    AttachmentUse,
    Budget,
    Character,
    Chat,
    ChatShare,
    Hold,
    Message,
    PullRequest,
    Rules,
    Run,
    RunStatus,
    Schedule,
    Sharing,
    Task,
    TextState,
    ToolGrant,
    ToolPolicy,
    Workflow,
    WorkflowRun,
    WorkflowVersion,
)
from chat.models.chats import Access
from chat.webhooks.models import DeliveryStatus, Webhook, WebhookDelivery, WebhookEvent
from tests.chat.rows import answer, ask_for
from tests.chat.sending import sent_for
from tests.live import PASSWORD
from tests.pictures import DOT
from tools.documents.patching import Changed
from tools.documents.storing import Author, write
from tools.git.repository import Repository
from tools.mcp.oauth.authority import Authority, Client, Kept
from tools.models import KnowledgeDocument, McpServer, McpSignIn, McpTool, Memory

# --- Rules: who gets what they ask for; the rest gets 401, 404 or 403 -----------------------------------------------

PUBLIC = "anybody"
SIGNED_IN = "whoever signed in"
READ = "who may read there"
WRITE = "who may write there"
MINE = "whose it is: the world's chat is its editor's"
ADMIN = "who administers there"
OWNER = "who owns the organization"
OWN = "whose it is; to everybody else it is not there"
OPERATOR = "who administers there and runs the installation"
KEY = "whoever brings an API key for it; a token opens it to nobody"

STRANGERS = ("outsider", "ex-member")
UNKNOWN = ("nobody", "deactivated")
ALLOWED: dict[str, tuple[str, ...]] = {
    PUBLIC: (*UNKNOWN, *STRANGERS, "viewer", "editor", "admin", "owner", "operator"),
    SIGNED_IN: (*STRANGERS, "viewer", "editor", "admin", "owner", "operator"),
    READ: ("viewer", "editor", "admin", "owner", "operator"),
    WRITE: ("editor", "admin", "owner", "operator"),
    MINE: ("editor",),
    OWN: ("editor",),
    ADMIN: ("admin", "owner", "operator"),
    OWNER: ("owner",),
    OPERATOR: ("operator",),
    KEY: (),
}
ROLES = ALLOWED[PUBLIC]


def refusal(role: str) -> int:
    """What who is not allowed gets."""
    return 401 if role in UNKNOWN else 404 if role in STRANGERS else 403


SHOP = "https://8.8.8.8"
AUTHORITY = Kept(Authority(SHOP, f"{SHOP}/authorize", f"{SHOP}/token"), Client("we"), time.time())


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
        self.secret = ProjectSecret.objects.create(project=self.project, name="billing", value=seal("s3cret"))
        self.task = Task.objects.create(project=self.project, title=f"{self.name} task")
        write(self.project.pk, lambda _: Changed({"of": self.name}, [""]), Author(self.people["editor"].pk))
        self.export = Export.objects.create(user=self.people["editor"], what="me", format="zip")
        self.remembered = Memory.objects.create(user=self.people["editor"], text=f"Works at {self.name}.")
        self.knowledge = KnowledgeDocument.objects.create(
            project=self.project, title=f"{self.name} guide", media_type="text/markdown", text="Doors.", sha256="0" * 64
        )
        self.mcp_server = McpServer.objects.create(project=self.project, name="tracker", url="https://8.8.8.8/mcp")
        self.mcp_tool = McpTool.objects.create(
            server=self.mcp_server, name="list", offered_as="mcp_tracker_list", digest="0" * 64
        )
        self.shop = McpServer.objects.create(
            project=self.project, name="shop", url="https://8.8.8.8/shop", auth="oauth", authority=AUTHORITY.stored()
        )
        for person in (*self.people.values(), self.extra, self.spare):
            McpSignIn.objects.create(
                server=self.shop, user=person, issuer=AUTHORITY.authority.issuer, client_id="we", access_token=seal("t")
            )
        self.character = Character.objects.create(
            number=random.randrange(10**12, 10**13),
            organization=self.organization,
            name="Guide",
            archetype="generalist",
        )
        self.character.users.set(User.objects.filter(memberships__organization=self.organization))
        self.chat = self._chat()
        self.share = ChatShare.objects.create(chat=self.chat, user=self.extra)
        self.budget = Budget.objects.create(inside=self.organization, project=self.project, amount=10**12)
        self.policy = ToolPolicy.objects.create(organization=self.organization, pattern="deploy_*", decision="deny")
        until = timezone.now() + timedelta(hours=1)
        self.grant = ToolGrant.objects.create(
            chat=self.chat, tool="write_file", by=self.people["editor"], expires_at=until
        )
        self._guide()
        self.schedule = Schedule.objects.create(
            organization=self.organization, chat=self.chat, owner=self.people["editor"], prompt="Hello",
            cron="0 9 * * *", time_zone="Europe/Berlin",
        )  # fmt: skip
        self.hold = Hold.objects.create(
            organization=self.organization, scope="user", subject=self.extra.pk, name="extra", reason="A case."
        )
        self._hook()
        self._leave_behind()
        self.run = answer(self.chat, self.people["editor"])
        self.sent = sent_for(self.run)
        self.annotation = Annotation.objects.create(
            message=self.run.message, user=self.people["editor"], start=0, end=1, quote="A", body="Why?"
        )
        self.busy = answer(self._chat(character=self.character.number), self.people["editor"], RunStatus.QUEUED)
        self.built = self._built()
        Rules.objects.create(organization=self.organization, links="anyone")
        self.link = Link.objects.create(
            chat=self.chat, until=self.run.message, by=self.people["editor"], opens_to="anyone",
            token_hash=hash_of(self.name), expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        ask_for(self.busy, "call_1")
        self._attach()
        self.pull = PullRequest.objects.create(
            project=self.project, chat=self.chat, forge="none", number=1, title=f"{self.name} pull", head="1" * 40,
            branch="parley/chat-1", base="main",
        )  # fmt: skip
        self.refresh = new_pair(self.people["editor"]).refresh
        self.sign_in = SignIn.objects.get(user=self.people["editor"])
        self.key, _ = create_key(
            user=self.people["editor"], organization=self.organization, scopes=["chat"], name="CI", expires_at=None
        )

    def _person(self, name: str, role: str | None, **fields: Any) -> User:
        address = f"{name}@{self.name}.example".lower()
        user = User.objects.create_user(address, PASSWORD, name=f"{name} of {self.name}", **fields)
        user.user_permissions.add(Permission.objects.get(codename="add_organization"))
        if user.is_staff:
            user.user_permissions.add(*Permission.objects.filter(codename__in=("add_user", "change_user")))
        if role:
            Membership.objects.create(organization=self.organization, user=user, role=role)
        return user

    def _hook(self) -> None:
        """A webhook that one event was sent to."""
        self.webhook = Webhook.objects.create(
            organization=self.organization, url="https://8.8.8.8/hooks", events=["export.done"], secret=seal("whsec_")
        )
        event = WebhookEvent.objects.create(
            organization=self.organization, type="export.done", body="{}", created_at=timezone.now()
        )
        self.delivery = WebhookDelivery.objects.create(
            webhook=self.webhook, event=event, status=DeliveryStatus.DELIVERED
        )

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

    def _guide(self) -> None:
        """A workflow with a draft, and a chat of its own that waits for a decision in it."""
        self.workflow = Workflow.objects.create(organization=self.organization, name=f"{self.name} intake")
        for number, at in ((1, timezone.now()), (2, None)):
            WorkflowVersion.objects.create(workflow=self.workflow, number=number, definition=STEPS, published_at=at)
        self.guided = self._chat(has_workflow=True)
        version = self.workflow.versions.get(number=1)
        WorkflowRun.objects.create(chat=self.guided, version=version, step="ok", status="waiting")

    def _built(self) -> Run:
        """A build that has written its component."""
        path, repository = "components/Card.tsx", Repository(self.project.pk)
        written = repository.write(
            "parley/built", path, "export default 1;", author_name="E", author_email="e@x.example"
        )
        result = {"path": path, "bytes": 17, "commit": written.commit, "attempts": 1}
        return Run.objects.create(
            kind="build", chat=self.chat, organization=self.organization, project=self.project, position=0,
            user=self.people["editor"], status=RunStatus.SUCCEEDED, attempt=1, ended_at=timezone.now(),
            request={"name": "Card", "kind": "react", "path": path, "result": result},
        )  # fmt: skip

    def _attach(self) -> None:
        files = [{"type": "image", "name": "dot.png", "url": DOT}]
        Message.objects.filter(pk=self.run.input_id).update(attachments=files)
        self.attachment, self.unsent = self._attachment(), self._attachment()
        AttachmentUse.objects.create(attachment=self.attachment, message=self.run.input)
        self.heard = Attachment.objects.create(
            organization=self.organization, user=self.people["editor"], type="audio", name=f"{self.name}.mp3",
            media_type="audio/mpeg", bytes=3, sha256="0" * 64, state="ready", text_state=TextState.READY, text_chars=6,
        )  # fmt: skip
        storing.write_text(self.heard.pk, "Hello.")
        AttachmentUse.objects.create(attachment=self.heard, message=self.run.input)

    def _attachment(self) -> Attachment:
        row = Attachment.objects.create(
            organization=self.organization, user=self.people["editor"], type="image", name=f"{self.name}.png",
            media_type="image/png", bytes=3, sha256="0" * 64, width=1, height=1, has_thumbnail=True, state="ready",
        )  # fmt: skip
        storing.write(row.pk, b"dot")
        storing.write(row.pk, b"dot", storing.THUMBNAIL)
        return row

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
            self.built,
            self.run.message,
            self.run.input,
            self.share,
            self.link,
            self.task,
            self.invitation,
            self.secret,
            self.pull,
            self.policy,
            self.workflow,
            self.guided,
            self.grant,
            self.hold,
            self.schedule,
            self.webhook,
            self.delivery,
            self.annotation,
            self.attachment,
            self.unsent,
            self.heard,
            self.knowledge,
            self.remembered,
            self.export,
            self.mcp_server,
            self.mcp_tool,
            self.shop,
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
    kind: str = (
        "rest"  # rest, door (async, by token), key (a door by API key), page (by session), frame (a page by token)
    )
    headers: Body | None = None  # that name something of the place
    input: Body | None = None  # in the address, as tRPC's queries have it
    query: Body | None = None  # in the address
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
        if self.query:
            return f"{address}?{urlencode(self.query(place))}"
        return f"{address}?input={quote(json.dumps(self.input(place), default=str))}" if self.input else address


def chat_id(place: Place) -> dict[str, Any]:
    return {"id": place.chat.pk, "chat_id": place.chat.pk}


def message_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.message_id}


def question_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.input_id}


def emoji_id(place: Place) -> dict[str, Any]:
    return {**message_id(place), "emoji": quote("👍")}


def annotation_id(place: Place) -> dict[str, Any]:
    return {**message_id(place), "annotation": place.annotation.pk}


def picture_number(place: Place) -> dict[str, Any]:
    """Of a message that has one."""
    return {"id": place.run.input_id, "number": 0}


def attachment_id(place: Place) -> dict[str, Any]:
    """Of one that is in a message."""
    return {"id": place.attachment.pk}


def unsent_id(place: Place) -> dict[str, Any]:
    """Of one that is in none."""
    return {"id": place.unsent.pk}


def file_id(place: Place) -> dict[str, Any]:
    """The same by OpenAI's word."""
    return {"file_id": place.attachment.pk}


def unsent_file_id(place: Place) -> dict[str, Any]:
    return {"file_id": place.unsent.pk}


def heard_id(place: Place) -> dict[str, Any]:
    """Of one whose words were read."""
    return {"id": place.heard.pk}


def run_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.pk, "run_id": place.run.pk}


def sent_id(place: Place) -> dict[str, Any]:
    return {"id": place.run.pk, "sent": place.sent.pk}


def built_id(place: Place) -> dict[str, Any]:
    return {"id": place.built.pk}


def busy_id(place: Place) -> dict[str, Any]:
    return {"run_id": place.busy.pk}


def call_id(place: Place) -> dict[str, Any]:
    return {"run_id": place.busy.pk, "call": "call_1"}


def asked_id(place: Place) -> dict[str, Any]:
    return {"id": place.busy.chat_id, "run": place.busy.pk, "call": "call_1"}


def organization_id(place: Place) -> dict[str, Any]:
    return {"id": place.organization.pk, "organization": place.organization.pk}


def project_id(place: Place) -> dict[str, Any]:
    return {"id": place.project.pk, "project": place.project.pk}


def knowledge_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.knowledge.pk}


def mcp_server_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.mcp_server.pk, "server": place.mcp_server.pk}


def shop_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.shop.pk}


def mcp_tool_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "server": place.mcp_server.pk, "id": place.mcp_tool.pk}


def document_version(place: Place) -> dict[str, Any]:
    return {"id": place.project.pk, "version": 1}


def hold_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.hold.pk}


def new_hold(place: Place) -> dict[str, Any]:
    return {"scope": "chat", "subject": place.chat.pk, "reason": "A case."}


def member_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.membership.pk}


def sign_in_id(place: Place) -> dict[str, Any]:
    return {"id": place.sign_in.pk}


def key_id(place: Place) -> dict[str, Any]:
    return {"id": place.key.pk}


def memory_id(place: Place) -> dict[str, Any]:
    return {"id": place.remembered.pk}


def export_id(place: Place) -> dict[str, Any]:
    return {"id": place.export.pk}


def person_id(place: Place) -> dict[str, Any]:
    return {"id": place.extra.pk}


def new_key(place: Place) -> dict[str, Any]:
    return {"name": "CI", "organization": place.organization.pk, "scopes": ["chat"]}


def new_person(place: Place) -> dict[str, Any]:
    return {"email": f"newest@{place.name}.example", "organization": place.organization.pk}


def hand_over(place: Place) -> dict[str, Any]:
    return {"from": place.people["ex-member"].pk, "to": place.people["editor"].pk}


def invitation_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.invitation.pk}


def project_member_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.project_member.pk}


def secret_id(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "id": place.secret.pk}


def pull_id(place: Place) -> dict[str, Any]:
    return {"id": place.pull.pk}


def pull_page(place: Place) -> dict[str, Any]:
    return {"project": place.project.pk, "number": place.pull.number}


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


def link_id(place: Place) -> dict[str, Any]:
    return {"id": place.chat.pk, "link": place.link.pk}


def link_token(place: Place) -> dict[str, Any]:
    return {"token": place.name}


def budget_id(place: Place) -> dict[str, Any]:
    return {"id": place.organization.pk, "budget": place.budget.pk}


def new_budget(place: Place) -> dict[str, Any]:
    return {
        "scope": "user",
        "scope_id": place.people["editor"].pk,
        "unit": "money",
        "amount": "12.50",
        "period": "month",
    }


def policy_id(place: Place) -> dict[str, Any]:
    return {"id": place.policy.pk}


def grant_id(place: Place) -> dict[str, Any]:
    return {"id": place.chat.pk, "grant": place.grant.pk}


STEPS = {
    "steps": [
        {"id": "ok", "name": "Ok", "kind": "approval", "next": [{"to": "talk"}]},
        {"id": "talk", "name": "Talk", "prompt": "Talk."},
    ]
}


def workflow_id(place: Place) -> dict[str, Any]:
    return {"id": place.workflow.pk}


def guided_id(place: Place) -> dict[str, Any]:
    return {"id": place.guided.pk}


def new_workflow(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "name": "Other", "definition": STEPS}


def new_policy(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "pattern": "push_*", "decision": "ask"}


def schedule_id(place: Place) -> dict[str, Any]:
    return {"id": place.schedule.pk}


def new_schedule(place: Place) -> dict[str, Any]:
    return {"chat": place.chat.pk, "prompt": "Hello", "cron": "0 9 * * 1-5", "time_zone": "Europe/Berlin"}


def webhook_id(place: Place) -> dict[str, Any]:
    return {"organization": place.organization.pk, "id": place.webhook.pk, "delivery": place.delivery.pk}


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


def exchange(place: Place) -> dict[str, Any]:
    """With an assertion that nobody has signed."""
    kind = "urn:ietf:params:oauth"
    types = {"grant_type": f"{kind}:grant-type:token-exchange", "subject_token_type": f"{kind}:token-type:jwt"}
    return {**types, "subject_token": "unknown"}


BUDGETS, ONE_BUDGET = "/api/organizations/{id}/budgets/", "/api/organizations/{id}/budgets/{budget}/"
HOLDS = "/api/organizations/{organization}/holds/"
WEBHOOKS = "/api/organizations/{organization}/webhooks/"
ONE_WEBHOOK, DELIVERY = WEBHOOKS + "{id}/", WEBHOOKS + "{id}/deliveries/{delivery}/"
INVITATIONS = "/api/organizations/{organization}/invitations/"
ONE_INVITATION = INVITATIONS + "{id}/"
SECRETS, ONE_SECRET = "/api/projects/{project}/secrets/", "/api/projects/{project}/secrets/{id}/"
REPOSITORY = "/api/projects/{id}/repository/"
DOCUMENT = "/api/projects/{id}/document/"
KNOWLEDGE, ONE_KNOWN = "/api/projects/{id}/knowledge/", "/api/projects/{project}/knowledge/{id}/"
MCP_SERVERS = "/api/projects/{project}/mcp-servers/"
ONE_MCP_SERVER, MCP_TOOLS = MCP_SERVERS + "{id}/", MCP_SERVERS + "{server}/tools/"
MCP_SIGN_IN = "/servers/mcp/{id}/"
MCP_PAGE, MCP_SERVER_PAGE = "/projects/{id}/mcp-servers/", "/projects/{project}/mcp-servers/{id}/"
MCP_TOOL_PAGE = "/projects/{project}/mcp-servers/{server}/tools/{id}/"
PROJECT_MEMBERS, ONE_PROJECT_MEMBER = "/api/projects/{project}/members/", "/api/projects/{project}/members/{id}/"
NOTE = {"start": 0, "end": 1, "quote": "A"}
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
    Route("GET", "/chats/{id}/changes/", READ, ids=chat_id, kind="page"),
    Route(
        "POST", "/chats/{id}/changes/pull/", WRITE, ok=(404,), ids=chat_id, kind="page"
    ),  # another thread: it sees none
    Route("GET", "/chats/{id}/files/", READ, ids=chat_id, kind="page"),
    Route("GET", "/chats/{id}/schedules/", READ, ids=chat_id, kind="page"),
    Route("GET", "/chats/{id}/export/", READ, ids=chat_id, kind="page"),
    Route("POST", "/chats/{id}/export/", READ, ok=(400,), ids=chat_id, kind="page"),  # as nothing that there is
    Route("GET", "/exports/", SIGNED_IN, kind="page"),
    Route("POST", "/exports/", SIGNED_IN, ok=(400,), kind="page"),  # of nothing: tests/chat/test_export_pages.py
    Route("GET", "/chats/{id}/asked/{run}/{call}/", READ, ids=asked_id, kind="page"),
    Route("GET", "/attachments/{id}/text/", READ, ids=heard_id, kind="page"),
    Route("GET", "/messages/{id}/pictures/{number}/", READ, ids=picture_number, kind="page"),
    Route("GET", "/projects/{project}/pulls/", READ, ids=project_id, kind="page"),
    Route("GET", "/projects/{project}/pulls/{number}/", READ, ids=pull_page, kind="page"),
    Route("GET", "/projects/{id}/document/", READ, ids=project_id, kind="page"),
    Route("GET", "/projects/{id}/knowledge/", READ, ids=project_id, kind="page"),
    Route("POST", "/projects/{id}/knowledge/", READ, ok=(400,), ids=project_id, kind="page"),  # no form of it
    Route("GET", "/runs/{id}/component/", READ, ids=built_id, kind="page"),
    Route("GET", "/self-test/", SIGNED_IN, kind="page"),
    Route("GET", "/.well-known/jwks.json", PUBLIC),
    Route("GET", "/projects/{id}/repository/", READ, ids=project_id, kind="page"),
    Route("POST", "/projects/{id}/repository/", READ, ok=(400,), ids=project_id, kind="page"),  # no form of it
    Route("GET", "/organizations/{id}/", ADMIN, ids=organization_id, kind="page"),
    Route("GET", "/account/", SIGNED_IN, kind="page"),
    Route("POST", "/account/", SIGNED_IN, ok=(400,), kind="page"),  # no form of it: tests/chat/test_account.py has them
    Route("GET", "/reset/", PUBLIC, kind="page"),
    Route("POST", "/reset/", PUBLIC, kind="page"),
    Route("POST", "/api/auth/reset", PUBLIC, fixed(email="nobody@new.example"), ok=(202,)),
    Route("POST", "/api/auth/reset/password", PUBLIC, fixed(token="unknown", password="new horse battery"), ok=(404,)),
    Route("GET", "/logo", PUBLIC, kind="page"),
    Route("GET", "/look.css", PUBLIC, kind="page"),
    Route("GET", "/embed/", PUBLIC, ok=(404,), kind="page"),  # no origin is listed
    Route("GET", "/embed/chats/{id}/messages/", READ, ids=chat_id, kind="frame"),
    Route("GET", "/embed/chats/{id}/asked/{run}/{call}/", READ, ids=asked_id, kind="frame"),
    Route("POST", "/api/auth/token", PUBLIC, credentials),
    Route("POST", "/api/auth/token/refresh", PUBLIC, lambda place: {"refresh": place.refresh}),
    Route("POST", "/api/auth/logout", PUBLIC, lambda place: {"refresh": place.refresh}, ok=(204,)),
    Route("GET", "/api/auth/providers/", PUBLIC),
    # An assertion that is none: that is as far as all of them get here. What is unknown is passed over (RFC 6749).
    Route("POST", "/api/auth/token/exchange", PUBLIC, exchange, ok=(400,), kind="door", is_closed=False),
    Route("GET", "/sso/{slug}/start", PUBLIC, ok=(404,), ids=fixed(slug="unknown"), kind="page"),
    Route("GET", "/sso/{slug}/callback", PUBLIC, ok=(404,), ids=fixed(slug="unknown"), kind="page"),
    Route("POST", "/sso/{slug}/logout", PUBLIC, ok=(404,), ids=fixed(slug="unknown"), kind="page"),
    Route("POST", "/api/auth/ticket", READ, lambda place: {"chat": place.chat.pk}, ok=(201,)),
    Route("GET", "/api/users/me/", SIGNED_IN),
    Route("PATCH", "/api/users/me/", SIGNED_IN, fixed(name="Another")),
    Route(
        "POST",
        "/api/users/me/password/",
        SIGNED_IN,
        lambda place: {"current": PASSWORD, "password": "new horse battery"},
    ),
    Route("GET", "/api/users/me/sign-ins/", SIGNED_IN),
    Route("DELETE", "/api/users/me/sign-ins/", SIGNED_IN, ok=(204,)),
    # The place's is its editor's; everybody else's own are not there.
    Route("DELETE", "/api/users/me/sign-ins/{id}/", OWN, ok=(204,), ids=sign_in_id),
    Route("GET", "/api/users/me/keys/", SIGNED_IN),
    Route("POST", "/api/users/me/keys/", READ, new_key, ok=(201,)),
    Route("GET", "/api/users/me/keys/{id}/", OWN, ids=key_id),
    Route("DELETE", "/api/users/me/keys/{id}/", OWN, ok=(204,), ids=key_id),
    Route("GET", "/api/users/me/export/", SIGNED_IN, ok=(200, 409), kind="door"),  # 409: the editor has an open run
    Route("GET", "/api/users/me/deletion/", SIGNED_IN),
    # What goes before is in tests/chat/test_account.py: here the owner is the last one, and the editor has an open run.
    Route("POST", "/api/users/me/deletion/", SIGNED_IN, fixed(password=PASSWORD), ok=(200, 409)),
    Route("DELETE", "/api/users/me/", SIGNED_IN, fixed(password=PASSWORD), ok=(200, 409)),
    Route("GET", "/api/search/", SIGNED_IN, query=fixed(q="hello")),
    Route("GET", "/api/exports/", SIGNED_IN),
    # 429: another of theirs is under way.
    Route("POST", "/api/exports/", SIGNED_IN, fixed(what="me", format="zip"), ok=(202, 429)),
    # The place's is its editor's; everybody else's own are not there.
    Route("GET", "/api/exports/{id}/", OWN, ids=export_id),
    Route("DELETE", "/api/exports/{id}/", OWN, ok=(204,), ids=export_id),
    Route("GET", "/api/exports/{id}/file/", OWN, ok=(409,), ids=export_id, kind="door"),  # it is not written here
    Route("GET", "/api/me/preferences/", SIGNED_IN),
    Route("PUT", "/api/me/preferences/", SIGNED_IN, fixed(tone="brief", remember=True)),
    Route("DELETE", "/api/me/preferences/", SIGNED_IN, ok=(204,)),
    Route("GET", "/api/me/memories/", SIGNED_IN),
    Route("POST", "/api/me/memories/", SIGNED_IN, fixed(text="Bakes bread."), ok=(201,)),
    Route("DELETE", "/api/me/memories/", SIGNED_IN, ok=(204,)),
    Route("GET", "/api/me/memories/{id}/", OWN, ids=memory_id),
    Route("PATCH", "/api/me/memories/{id}/", OWN, fixed(text="Bakes rolls."), ids=memory_id),
    Route("DELETE", "/api/me/memories/{id}/", OWN, ok=(204,), ids=memory_id),
    Route("POST", "/api/users/", OPERATOR, new_person, ok=(201,)),
    Route("GET", "/api/users/{id}/", ADMIN, ids=person_id),
    Route("PATCH", "/api/users/{id}/", OPERATOR, fixed(active=False), ids=person_id),
    Route("POST", "/api/users/{id}/reset-link/", OPERATOR, ids=person_id),
    Route("GET", "/api/organizations/", SIGNED_IN),
    Route("POST", "/api/organizations/", SIGNED_IN, fixed(name="New"), ok=(201,)),
    Route("GET", "/api/organizations/{id}/", READ, ids=organization_id),
    Route("PATCH", "/api/organizations/{id}/", ADMIN, fixed(name="Other"), ids=organization_id),
    Route("DELETE", "/api/organizations/{id}/", OWNER, ok=(204,), ids=organization_id),
    Route("GET", "/api/plans/", SIGNED_IN),
    Route("GET", "/api/organizations/{id}/plan/", READ, ids=organization_id),
    Route("GET", "/api/organizations/{id}/budget/", READ, ids=organization_id),
    Route("GET", "/api/usage/", READ, query=lambda place: {"organization": place.organization.pk}),
    Route("GET", BUDGETS, ADMIN, ids=organization_id),
    Route("POST", BUDGETS, ADMIN, new_budget, ok=(201,), ids=organization_id),
    Route("PATCH", ONE_BUDGET, ADMIN, fixed(amount=7), ids=budget_id),
    Route("DELETE", ONE_BUDGET, ADMIN, ok=(204,), ids=budget_id),
    Route("GET", "/api/organizations/{organization}/audit/", ADMIN, ids=organization_id),
    Route("GET", "/api/organizations/{organization}/audit/export/", ADMIN, ids=organization_id, kind="door"),
    Route("GET", "/api/organizations/{id}/rules/", ADMIN, ids=organization_id),
    Route("PATCH", "/api/organizations/{id}/rules/", ADMIN, fixed(chats_days=30), ids=organization_id),
    Route("GET", HOLDS, OWNER, ids=organization_id),
    Route("POST", HOLDS, OWNER, new_hold, ok=(201,), ids=organization_id),
    Route("GET", f"{HOLDS}{{id}}/", OWNER, ids=hold_id),
    Route("DELETE", f"{HOLDS}{{id}}/", OWNER, ids=hold_id),
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
    Route("GET", SECRETS, ADMIN, ids=project_id),
    Route("POST", SECRETS, ADMIN, fixed(name="shipping", value="s3cret-of-shipping"), ok=(201,), ids=project_id),
    Route("PATCH", ONE_SECRET, ADMIN, fixed(value="another-s3cret"), ids=secret_id),
    Route("DELETE", ONE_SECRET, ADMIN, ok=(204,), ids=secret_id),
    Route("GET", REPOSITORY, READ, ids=project_id),
    Route("PATCH", REPOSITORY, ADMIN, fixed(forge="none"), ids=project_id),
    Route("POST", f"{REPOSITORY}clone", ADMIN, fixed(url="https://8.8.8.8/a/b"), ok=(202, 409), ids=project_id),
    Route("POST", f"{REPOSITORY}fetch", ADMIN, ok=(409,), ids=project_id),
    # A zip that is none: the body of all routes here is JSON.
    Route("POST", f"{REPOSITORY}upload", ADMIN, fixed(a="b"), ok=(415,), ids=project_id, is_closed=False),
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
    # Nothing is old enough: that is as far as all of them get.
    Route("POST", "/api/chats/{id}/compact/", WRITE, fixed(), ok=(409,), ids=chat_id),
    Route("GET", "/api/chats/{id}/compactions/", READ, ids=chat_id),
    Route("GET", "/api/attachments/", SIGNED_IN),
    # Into one's own organization: who may write in none is told so. What the body is, its bytes say.
    Route("POST", "/api/attachments/", SIGNED_IN, fixed(a="b"), ok=(201, 403), is_closed=False),
    Route("GET", "/api/attachments/{id}/", READ, ids=attachment_id),
    Route("GET", "/api/attachments/{id}/content", READ, ids=attachment_id, kind="door"),
    Route("GET", "/api/attachments/{id}/thumbnail", READ, ids=attachment_id, kind="door"),
    Route("DELETE", "/api/attachments/{id}/", OWN, ok=(204,), ids=unsent_id),
    Route("GET", "/api/chats/{id}/export/", MINE, ids=chat_id, kind="door"),
    Route("GET", "/api/chats/{id}/diff/", READ, ids=chat_id),
    Route("GET", "/api/chats/{id}/files/", READ, ids=chat_id),
    # The project's repository is empty here: that the file is not there is as far as all of them get.
    Route("GET", "/api/chats/{id}/files/content/", READ, ok=(400,), ids=chat_id, kind="door"),
    Route("GET", "/api/chats/{id}/files/archive/", READ, ids=chat_id, kind="door"),
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
    Route("GET", "/api/chats/{id}/links/", READ, ids=chat_id),
    Route("POST", "/api/chats/{id}/links/", MINE, fixed(expires_in_s=3600), ok=(201,), ids=chat_id),
    Route("DELETE", "/api/chats/{id}/links/{link}/", MINE, ok=(204,), ids=link_id),
    Route("GET", "/chats/{id}/links/", READ, ids=chat_id, kind="page"),
    Route("GET", "/s/{token}/", PUBLIC, ids=link_token, kind="page"),
    # Nothing was written there: that is as far as all of them get here. tests/chat/test_pull_requests.py goes on.
    Route("POST", "/api/chats/{id}/push", WRITE, ok=(409,), ids=chat_id, kind="door"),
    Route("POST", "/api/chats/{id}/pull-request/", WRITE, ok=(409,), ids=chat_id, kind="door"),
    Route("GET", "/api/pulls/", SIGNED_IN),
    Route("GET", "/api/pulls/{id}/", READ, ids=pull_id),
    Route("POST", "/api/pulls/{id}/merge", ADMIN, ok=(409,), ids=pull_id, kind="door"),  # its commit is not there
    Route("POST", "/api/pulls/{id}/close", WRITE, ids=pull_id),
    Route("GET", MESSAGE, READ, ids=message_id),
    Route("PATCH", MESSAGE, MINE, fixed(content="Better"), ids=question_id),
    Route("DELETE", MESSAGE, MINE, ids=message_id),
    Route("POST", "/api/messages/{id}/regenerate/", WRITE, fixed(), ok=(201,), ids=message_id),
    Route("PUT", MESSAGE + "feedback/", READ, fixed(rating="down", reasons=["wrong"]), ids=message_id),
    Route("DELETE", MESSAGE + "feedback/", READ, ok=(204,), ids=message_id),
    Route("PUT", MESSAGE + "reactions/{emoji}/", WRITE, ids=emoji_id),
    Route("DELETE", MESSAGE + "reactions/{emoji}/", WRITE, ok=(204,), ids=emoji_id),
    Route("GET", MESSAGE + "annotations/", READ, ids=message_id),
    Route("POST", MESSAGE + "annotations/", WRITE, fixed(**NOTE, body="Why?"), ok=(201,), ids=message_id),
    Route("PATCH", MESSAGE + "annotations/{annotation}/", MINE, fixed(body="Why not?"), ids=annotation_id),
    Route("DELETE", MESSAGE + "annotations/{annotation}/", MINE, ok=(204,), ids=annotation_id),
    Route("GET", "/api/runs/", SIGNED_IN),
    Route("GET", "/api/runs/{id}/", READ, ids=run_id),
    Route("GET", "/api/runs/{id}/sent/", ADMIN, ids=run_id),
    Route("GET", "/api/runs/{id}/sent/{sent}/", ADMIN, ids=sent_id),
    # Of a JSON body without If-Match, and of no patch: what they take is in tests/chat/test_documents.py.
    Route("GET", DOCUMENT, READ, ids=project_id),
    Route("PUT", DOCUMENT, WRITE, ok=(428,), ids=project_id),
    Route("PATCH", DOCUMENT, WRITE, ok=(415,), ids=project_id),
    Route("GET", DOCUMENT + "versions/", READ, ids=project_id),
    Route("GET", DOCUMENT + "versions/{version}/", READ, ids=document_version),
    Route("POST", DOCUMENT + "undo", WRITE, fixed(to=0), ok=(201,), ids=project_id),
    Route("GET", KNOWLEDGE, READ, ids=project_id),
    Route("POST", KNOWLEDGE, WRITE, fixed(title="Guide", text="Doors."), ok=(202,), ids=project_id),
    Route("GET", KNOWLEDGE + "search/", READ, ids=project_id),
    Route("GET", ONE_KNOWN, READ, ids=knowledge_id),
    Route("PATCH", ONE_KNOWN, WRITE, fixed(title="Other"), ids=knowledge_id),
    Route("DELETE", ONE_KNOWN, WRITE, ok=(204,), ids=knowledge_id),
    Route("POST", ONE_KNOWN + "reindex", WRITE, ok=(202,), ids=knowledge_id),
    Route("GET", MCP_SERVERS, READ, ids=project_id),
    Route("POST", MCP_SERVERS, ADMIN, fixed(name="other", url="https://8.8.8.8/mcp"), ok=(201,), ids=project_id),
    Route("GET", ONE_MCP_SERVER, READ, ids=mcp_server_id),
    Route("PATCH", ONE_MCP_SERVER, ADMIN, fixed(url="https://8.8.4.4/mcp"), ids=mcp_server_id),
    Route("DELETE", ONE_MCP_SERVER, ADMIN, ok=(204,), ids=mcp_server_id),
    Route("POST", ONE_MCP_SERVER + "refresh", ADMIN, ok=(202,), ids=mcp_server_id),
    Route("DELETE", ONE_MCP_SERVER + "sign-in", READ, ok=(204,), ids=shop_id),
    Route("GET", MCP_SIGN_IN + "sign-in", READ, ids=shop_id, kind="page"),
    Route("GET", MCP_SIGN_IN + "callback", READ, ok=(403,), ids=shop_id, kind="page"),  # nobody has begun one
    Route("GET", MCP_SIGN_IN + "signed-in", READ, ids=shop_id, kind="page"),
    Route("POST", MCP_SIGN_IN + "sign-out", READ, ok=(302,), ids=shop_id, kind="page"),
    Route("GET", MCP_SIGN_IN + "client.json", PUBLIC, ids=shop_id, kind="page"),
    Route("GET", MCP_TOOLS, READ, ids=mcp_server_id),
    Route("GET", MCP_TOOLS + "{id}/", READ, ids=mcp_tool_id),
    Route("POST", MCP_TOOLS + "{id}/approve", ADMIN, fixed(digest="0" * 64), ids=mcp_tool_id),
    Route("GET", MCP_PAGE, READ, ids=project_id, kind="page"),
    Route("POST", MCP_PAGE, READ, ok=(400,), ids=project_id, kind="page"),  # no form of it: tests/chat/test_mcp_page.py
    Route("GET", MCP_SERVER_PAGE, READ, ids=mcp_server_id, kind="page"),
    Route("POST", MCP_SERVER_PAGE, READ, ok=(400,), ids=mcp_server_id, kind="page"),
    Route("GET", MCP_TOOL_PAGE, READ, ids=mcp_tool_id, kind="page"),
    Route("POST", MCP_TOOL_PAGE, READ, ok=(400,), ids=mcp_tool_id, kind="page"),
    Route("GET", "/api/runs/{id}/component/", READ, ids=built_id),
    Route("GET", "/api/schedules/", SIGNED_IN),
    Route("POST", "/api/schedules/", WRITE, new_schedule, ok=(201,)),
    Route("GET", "/api/schedules/{id}/", READ, ids=schedule_id),
    Route("PATCH", "/api/schedules/{id}/", MINE, fixed(prompt="Other"), ids=schedule_id),
    Route("DELETE", "/api/schedules/{id}/", MINE, ok=(204,), ids=schedule_id),
    Route("POST", "/api/schedules/{id}/run-now", MINE, fixed(), ids=schedule_id, ok=(201,)),
    Route("GET", WEBHOOKS, ADMIN, ids=organization_id),
    Route("POST", WEBHOOKS, ADMIN, fixed(url="https://8.8.8.8/", events=["*"]), ok=(201,), ids=organization_id),
    Route("GET", ONE_WEBHOOK, ADMIN, ids=webhook_id),
    Route("PATCH", ONE_WEBHOOK, ADMIN, fixed(is_active=True), ids=webhook_id),
    Route("DELETE", ONE_WEBHOOK, ADMIN, ok=(204,), ids=webhook_id),
    Route("POST", ONE_WEBHOOK + "test/", ADMIN, fixed(), ok=(202,), ids=webhook_id),
    Route("POST", ONE_WEBHOOK + "rotate/", ADMIN, fixed(), ids=webhook_id),
    Route("GET", ONE_WEBHOOK + "deliveries/", ADMIN, ids=webhook_id),
    Route("GET", DELIVERY, ADMIN, ids=webhook_id),
    Route("POST", DELIVERY + "again/", ADMIN, fixed(), ok=(202,), ids=webhook_id),
    Route("GET", "/organizations/{id}/webhooks/", ADMIN, ids=organization_id, kind="page"),
    Route("POST", "/organizations/{id}/webhooks/", ADMIN, ok=(400,), ids=organization_id, kind="page"),  # no form of it
    Route("GET", "/api/tasks/", SIGNED_IN),
    Route("POST", "/api/tasks/", WRITE, lambda place: {"project": place.project.pk, "title": "T"}, ok=(201,)),
    Route("GET", "/api/tasks/{id}/", READ, ids=task_id),
    Route("PATCH", "/api/tasks/{id}/", WRITE, fixed(title="Other"), ids=task_id),
    Route("DELETE", "/api/tasks/{id}/", WRITE, ok=(204,), ids=task_id),
    Route("GET", "/api/chats/{id}/grants/", READ, ids=chat_id),
    Route("DELETE", "/api/chats/{id}/grants/{grant}/", WRITE, ok=(204,), ids=grant_id),
    Route("GET", "/api/policies/", SIGNED_IN),
    Route("POST", "/api/policies/", ADMIN, new_policy, ok=(201,)),
    Route("GET", "/api/policies/{id}/", ADMIN, ids=policy_id),
    Route("PATCH", "/api/policies/{id}/", ADMIN, fixed(decision="ask"), ids=policy_id),
    Route("DELETE", "/api/policies/{id}/", ADMIN, ok=(204,), ids=policy_id),
    Route("GET", "/api/workflows/", SIGNED_IN),
    Route("POST", "/api/workflows/", ADMIN, new_workflow, ok=(201,)),
    Route("GET", "/api/workflows/{id}/", READ, ids=workflow_id),
    Route("PUT", "/api/workflows/{id}/", ADMIN, fixed(definition=STEPS), ids=workflow_id),
    Route("DELETE", "/api/workflows/{id}/", ADMIN, ok=(204,), ids=workflow_id),
    Route("POST", "/api/workflows/{id}/publish", ADMIN, fixed(), ids=workflow_id),
    Route("GET", "/api/workflows/{id}/versions/", READ, ids=workflow_id),
    Route("GET", "/api/chats/{id}/workflow/", READ, ids=guided_id),
    Route("POST", "/api/chats/{id}/workflow/answer", WRITE, fixed(decision="allow"), ids=guided_id),
    Route("POST", "/api/chats/{id}/workflow/cancel", WRITE, fixed(), ids=guided_id),
    Route("GET", "/api/characters/", SIGNED_IN),
    Route("POST", "/api/characters/", ADMIN, new_character, ok=(201,)),
    Route("GET", "/api/characters/{id}/", READ, ids=character_id),
    Route("PATCH", "/api/characters/{id}/", ADMIN, fixed(name="Other"), ids=character_id),
    Route("DELETE", "/api/characters/{id}/", ADMIN, ok=(204,), ids=character_id),
    Route("GET", "/api/capabilities/", PUBLIC),
    Route("GET", "/api/metrics", KEY, kind="key"),  # tests/chat/test_metrics.py
    Route("GET", "/api/models/", SIGNED_IN),
    Route("GET", "/api/archetypes/", SIGNED_IN),
    Route("GET", "/api/commands/", SIGNED_IN),
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
    Route("POST", "/mcp", KEY, kind="key"),  # tests/doors/test_mcp.py
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
            ("GET", "/files", SIGNED_IN, None, (200,), None),
            ("POST", "/files", SIGNED_IN, fixed(a="b"), (400,), None),  # a form: tests/clients
            ("GET", "/files/{file_id}", READ, None, (200,), file_id),
            ("GET", "/files/{file_id}/content", READ, None, (200,), file_id),
            ("DELETE", "/files/{file_id}", OWN, None, (200,), unsent_file_id),
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
    if isinstance(error, str):  # RFC 6749's form
        return {"code": error, "message": answered.json()["error_description"], "fields": answered.json()["fields"]}
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
    for model in (
        Organization,
        Project,
        Chat,
        Run,
        Message,
        ChatShare,
        Membership,
        ProjectMember,
        ProjectSecret,
        PullRequest,
        Schedule,
        Task,
        User,
        SignIn,
        ApiKey,
        ToolPolicy,
        ToolGrant,
        Attachment,
        Annotation,
        Workflow,
        Memory,
        McpServer,
        McpTool,
        Export,
    ):
        for id in model.objects.values_list("pk", flat=True):
            text = text.replace(str(id), str(uuid.uuid4()))
    for number in Character.objects.values_list("number", flat=True):
        text = text.replace(str(number), str(number + 1))
    return text
