"""Each action, done through its real door, leaves exactly one entry: of the right actor, without a name or a word."""

import asyncio
import io
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from accounts.audit import sealing
from accounts.audit.actions import ACTIONS
from accounts.audit.models import AuditEntry
from accounts.models import Membership, Role, User
from accounts.organizations.invitations import invite, token_of
from accounts.secrets import opened
from accounts.sign_in.keys import create_key
from accounts.sign_in.pairs import new_pair
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat, Run, RunStatus, Schedule
from chat.services import scheduled
from tests.chat.rows import answer, ask_for
from tests.live import PASSWORD
from tests.routes import Place
from tools.mcp.oauth import flow

pytestmark = pytest.mark.django_db(transaction=True)
WORD = "canary"  # in every name, address and title of the place
AGENT = {"User-Agent": f"{WORD}/1.0", "X-Request-Id": "req-of-the-test"}

# Nothing does these yet: what comes to do one gets a row below.
NOT_YET = {
    *("scim.person_made", "scim.person_changed", "scim.person_removed"),
}
# Their doors need a provider, or a run that really runs: tests.accounts.sso.test_audit, tests.accounts.audit.test_live;
# or one that ends: tests.chat.test_budgets.
ELSEWHERE = {"signin.sso", "tool.effect", "budget.warned", "budget.exhausted"}


class World(Place):
    """A place, and how its people come in."""

    def __init__(self) -> None:
        super().__init__(WORD)
        self.root = User.objects.create_superuser(f"root@{WORD}.example", PASSWORD, name=f"Root {WORD}")

    def api(self, role: str, **headers: str) -> APIClient:
        client = APIClient(headers={**AGENT, **headers})
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.of(self.people[role])}")
        return client

    def send(self, role: str, method: str, address: str, /, **body: Any) -> Any:
        """By REST; what it answers."""
        got = getattr(self.api(role), method)(address, body, format="json")
        assert got.status_code < 300, (got.status_code, got.content)
        return got

    def admin(self) -> Client:
        """The operator's browser."""
        client = Client(headers=AGENT)
        client.force_login(self.root)
        return client

    def post(self, address: str, /, **form: Any) -> None:
        """A form of the admin."""
        got = self.admin().post(address, form)
        told = getattr(got, "context", None) or {}
        assert got.status_code == 302, [getattr(told.get("adminform"), "errors", None), told.get("errors"), got.content]


def open_token(world: World, **more: Any) -> Any:
    body = {"email": world.people["editor"].email, "password": PASSWORD, **more}
    return Client(headers=AGENT).post("/api/auth/token", body, content_type="application/json")


def wrong_password(world: World) -> None:
    assert open_token(world, password=f"{WORD} wrong").status_code == 401


def locked(world: World) -> None:
    for status in (401, 429, 429):
        assert open_token(world, password=f"{WORD} wrong").status_code == status


def sign_out(world: World) -> None:
    pair = new_pair(world.people["editor"])
    body = {"refresh": pair.refresh}
    client = Client(headers={**AGENT, "Authorization": f"Bearer {pair.access}"})  # of the same sign-in
    assert client.post("/api/auth/logout", body, content_type="application/json").status_code == 204


def sign_out_of_a_browser(world: World) -> None:
    client = Client(headers=AGENT)
    client.force_login(world.people["editor"])
    assert client.post("/logout/").status_code == 302


def use_twice(world: World) -> None:
    pair = new_pair(world.people["editor"])
    refresh = lambda: Client(headers=AGENT).post(  # noqa: E731
        "/api/auth/token/refresh", {"refresh": pair.refresh}, content_type="application/json"
    )
    assert refresh().status_code == 200
    BlacklistedToken.objects.update(blacklisted_at=timezone.now() - timedelta(minutes=1))
    assert refresh().status_code == 401


def accept(world: World) -> None:
    found = invite(
        actor=world.people["owner"], organization=world.organization, email=world.spare.email, role=Role.EDITOR
    )
    world.people["spare"] = world.spare
    world.send("spare", "post", "/api/invitations/accept/", token=token_of(found.pk))


def waiting(world: World) -> Run:
    run = answer(world.chat, world.people["editor"], RunStatus.WAITING)
    ask_for(run, "call_9", arguments={"path": f"{WORD}.md", "content": WORD})
    return run


def decide(decision: str) -> "Callable[[World], Any]":
    return lambda world: world.send(
        "editor", "post", f"/api/runs/{waiting(world).pk}/approvals/call_9", decision=decision, reason=WORD
    )


def act_on(verb: str, status: RunStatus) -> "Callable[[World], None]":
    def act(world: World) -> None:
        run = answer(world.chat, world.people["editor"], status)
        if status == RunStatus.RUNNING:
            held = {"owner": uuid.uuid4(), "lease_expires_at": timezone.now() + timedelta(hours=1)}
            Run.objects.filter(pk=run.pk).update(**held)
        world.post(f"{reverse('admin:chat_run_act', args=[verb])}?id={run.pk}", reason=f"The {WORD} sings.")

    return act


def no_more_rights(world: World) -> None:
    """By itself: whose schedule it is may not write any more."""
    Membership.objects.filter(user=world.people["editor"]).update(role=Role.VIEWER)
    Chat.objects.filter(pk=world.chat.pk).update(user=world.people["owner"], project_access="read")
    Schedule.objects.filter(pk=world.schedule.pk).update(next_at=timezone.now() - timedelta(minutes=1))
    assert scheduled.take_turn(world.schedule.pk, timezone.now())[scheduled.OFF] == 1


def erase(world: World) -> None:
    call_command("delete_person", world.extra.email, "--yes", stdout=open("/dev/null", "w"))  # noqa: SIM115


def leave(world: World) -> None:
    body = {"password": PASSWORD}
    client = APIClient(headers=AGENT)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.of(world.extra)}")
    assert client.post("/api/users/me/deletion/", body, format="json").status_code == 200


def sign_in_elsewhere(world: World) -> None:
    """There, and back with a code."""
    client, at = Client(headers=AGENT), f"/servers/mcp/{world.shop.pk}"
    client.force_login(world.people["owner"])
    client.get(f"{at}/sign-in")
    begun = json.loads(opened(client.cookies["mcp_sign_in"].value, flow.PURPOSE))
    with mock.patch.object(flow, "exchanged", mock.AsyncMock(return_value=flow.Tokens(f"token {WORD}"))):
        answer = client.get(f"{at}/callback", {"code": WORD, "state": begun["state"]})
    assert answer.status_code == 302, answer.content


def fetched(user: User, address: str) -> bytes:
    """A file that is streamed."""

    async def fetch() -> bytes:
        signed = {**AGENT, "Authorization": f"Bearer {AccessToken.of(user)}"}
        got = await AsyncClient().get(address, headers=signed)
        assert got.status_code == 200, got.content
        return b"".join([piece async for piece in got.streaming_content])

    return asyncio.run(fetch())


def export(world: World) -> None:
    assert fetched(world.people["editor"], f"/api/chats/{idle(world).pk}/export/")


def idle(world: World) -> Chat:
    """A chat of the editor's without an open run."""
    return Chat.objects.create(
        organization=world.organization, project=world.project, user=world.people["editor"], title=f"{WORD} idle",
        model="gpt-4o", archetype="generalist",
    )  # fmt: skip


def export_self(world: World) -> None:
    assert fetched(world.people["viewer"], "/api/users/me/export/")


def by_key(world: World) -> Any:
    """A program of the editor's deletes one of their chats."""
    key, token = create_key(
        user=world.people["editor"], organization=world.organization, scopes=["chat"], name=WORD, expires_at=None
    )
    client = APIClient(headers={**AGENT, "Authorization": f"Bearer {token}"})
    assert client.delete(f"/api/chats/{idle(world).pk}/").status_code == 204
    world.people["key"] = key  # type: ignore[assignment]  # it is who did it


def command(*arguments: str) -> "Callable[[World], None]":
    return lambda world: call_command(
        arguments[0], *(each.format(world=world) for each in arguments[1:]),
        stdout=open("/dev/null", "w"), stderr=open("/dev/null", "w"),
    )  # fmt: skip


def rest(role: str, method: str, address: str, /, **body: Any) -> "Callable[[World], Any]":
    """A REST call; `{...}` of its address is of the world, and so is what a function makes of it."""

    def act(world: World) -> Any:
        made = {name: value(world) if callable(value) else value for name, value in body.items()}
        return world.send(role, method, address.format(world=world), **made)

    return act


def form(name: str, args: "Callable[[World], list[Any]]", /, **fields: Any) -> "Callable[[World], None]":
    def act(world: World) -> None:
        made = {each: value(world) if callable(value) else value for each, value in fields.items()}
        world.post(reverse(f"admin:{name}", args=args(world)), **made)

    return act


NO_ROWS = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
PROVIDER = {
    "organization": lambda world: world.organization.pk, "name": WORD, "slug": WORD, "issuer": WORD,
    "algorithms": '["RS256"]', "groups_claim": "groups", "groups": "{}", "domains": "[]", "provision": "off",
    "session_s": 3600, "public_keys": "", "jwks_url": f"https://8.8.8.8/{WORD}", "audience": WORD,
    "accepts_bearer": "on",
}  # fmt: skip
ORG, PROJECT = "/api/organizations/{world.organization.pk}/", "/api/projects/{world.project.pk}/"
WEBHOOK = ORG + "webhooks/{world.webhook.pk}/"


@dataclass(frozen=True)
class Row:
    """What is done, and of whom the entry is."""

    action: str
    do: Callable[[World], Any]
    kind: str = "person"
    who: str = ""  # the role of who did it; empty: nobody known
    is_everybodys: bool = False  # it is of the installation, not of the organization
    outcome: str = "ok"


ROWS = [
    Row("signin.ok", open_token, who="editor"),
    Row("signin.ok", lambda world: Client(headers=AGENT).post(
        "/login/", {"username": world.people["editor"].email, "password": PASSWORD}), who="editor"),
    Row("signin.failed", wrong_password, outcome="failed"),
    Row("signin.failed", lambda world: open_token(world, email=f"nobody@{WORD}.example"), is_everybodys=True,
        outcome="failed"),
    Row("signin.locked", locked, outcome="refused"),
    Row("signout", sign_out, who="editor"),
    Row("signout", sign_out_of_a_browser, who="editor"),
    Row("signout", rest("editor", "delete", "/api/users/me/sign-ins/"), who="editor"),
    Row("signout", rest("editor", "delete", "/api/users/me/sign-ins/{world.sign_in.pk}/"), who="editor"),
    Row("signout", form("accounts_user_changelist", lambda world: [], action="sign_out_everywhere",
                        _selected_action=lambda world: world.extra.pk), "operator", "root"),
    Row("token.reused", use_twice),
    Row("password.changed", rest("editor", "post", "/api/users/me/password/", current=PASSWORD,
                                 password=f"new horse {WORD}"), who="editor"),
    Row("password.changed", form("auth_user_password_change", lambda world: [world.extra.pk], usable_password="true",
                                 password1="new horse battery", password2="new horse battery"), "operator", "root"),
    Row("password.link_made", rest("operator", "post", "/api/users/{world.extra.pk}/reset-link/"), who="operator"),
    Row("password.link_made", command("reset_link", "{world.extra.email}"), "operator"),
    Row("member.invited", rest("owner", "post", ORG + "invitations/", email=f"new@{WORD}.example"), who="owner"),
    Row("member.invitation_revoked", rest("owner", "delete", ORG + "invitations/{world.invitation.pk}/"), who="owner"),
    Row("member.added", rest("operator", "post", ORG + "members/", email=lambda world: world.spare.email),
        who="operator"),
    Row("member.added", accept, who="spare"),
    Row("member.added", form("accounts_membership_add", lambda world: [], user=lambda world: world.spare.pk,
                             organization=lambda world: world.organization.pk, role="viewer"), "operator", "root"),
    Row("member.added", command("create_user", "{world.spare.email}", "--organization", WORD), "operator"),
    Row("member.removed", rest("owner", "delete", ORG + "members/{world.membership.pk}/"), who="owner"),
    Row("member.removed", form("accounts_membership_delete", lambda world: [world.membership.pk], post="yes"),
        "operator", "root"),
    Row("role.changed", rest("owner", "patch", ORG + "members/{world.membership.pk}/", role="editor"), who="owner"),
    Row("role.changed", rest("owner", "post", PROJECT + "members/", email=lambda world: world.people["editor"].email),
        who="owner"),
    Row("role.changed", rest("owner", "patch", PROJECT + "members/{world.project_member.pk}/", role="editor"),
        who="owner"),
    Row("role.changed", rest("owner", "delete", PROJECT + "members/{world.project_member.pk}/"), who="owner"),
    Row("person.made", rest("operator", "post", "/api/users/", email=f"made@{WORD}.example", name=WORD,
                            organization=lambda world: world.organization.pk), who="operator"),
    Row("person.changed", rest("operator", "patch", "/api/users/{world.extra.pk}/", active=False), who="operator"),
    Row("person.erased", erase, "operator", is_everybodys=True),
    Row("person.erased", form("accounts_user_delete", lambda world: [world.extra.pk], post="yes"), "operator", "root",
        is_everybodys=True),
    Row("person.erased", leave, who="extra", is_everybodys=True),
    Row("key.made", rest("editor", "post", "/api/users/me/keys/", name=WORD, scopes=["chat"],
                         organization=lambda world: world.organization.pk), who="editor"),
    Row("key.made", command("create_key", "{world.extra.email}", "--organization", WORD, "--scope", "chat", "--name",
                            WORD), "operator"),
    Row("key.revoked", rest("editor", "delete", "/api/users/me/keys/{world.key.pk}/"), who="editor"),
    Row("key.revoked", form("accounts_apikey_changelist", lambda world: [], action="revoke",
                            _selected_action=lambda world: world.key.pk), "operator", "root"),
    Row("organization.made", rest("editor", "post", "/api/organizations/", name=f"new {WORD}"), who="editor",
        is_everybodys=True),
    Row("organization.changed", rest("owner", "patch", ORG, name=f"other {WORD}"), who="owner"),
    Row("organization.deleted", rest("owner", "delete", ORG), who="owner"),
    Row("organization.deleted", form("accounts_organization_delete", lambda world: [world.organization.pk], post="yes"),
        "operator", "root"),
    Row("project.made", rest("owner", "post", "/api/projects/", name=f"new {WORD}",
                             organization=lambda world: world.organization.pk), who="owner"),
    Row("project.deleted", rest("owner", "delete", PROJECT), who="owner"),
    Row("project.deleted", form("accounts_project_delete", lambda world: [world.project.pk], post="yes"), "operator",
        "root"),
    Row("chat.shared", rest("editor", "post", "/api/chats/{world.chat.pk}/shares/",
                            user=lambda world: world.people["owner"].pk), who="editor"),
    Row("chat.shared", rest("editor", "delete", "/api/chats/{world.chat.pk}/shares/{world.share.pk}/"), who="editor"),
    Row("chat.shared", rest("editor", "patch", "/api/chats/{world.chat.pk}/", sharing="private"), who="editor"),
    Row("chat.link_made", rest("editor", "post", "/api/chats/{world.chat.pk}/links/"), who="editor"),
    Row("chat.link_ended", rest("editor", "delete", "/api/chats/{world.chat.pk}/links/{world.link.pk}/"), who="editor"),
    Row("chat.exported", export, who="editor"),
    Row("chat.handed_over", command("hand_over", "{world.people[editor].email}", "{world.people[owner].email}",
                                    "--organization", WORD), "operator"),
    Row("chat.deleted", lambda world: world.send("editor", "delete", f"/api/chats/{idle(world).pk}/"), who="editor"),
    Row("chat.deleted", by_key, "key", "key"),
    Row("message.deleted", rest("editor", "delete", "/api/messages/{world.run.message_id}/"), who="editor"),
    Row("content.viewed", form("chat_chat_content", lambda world: [world.chat.pk], reason=f"The {WORD} sings."),
        "operator", "root"),
    Row("approval.allowed", decide("allow"), who="editor"),
    Row("approval.denied", decide("deny"), who="editor"),
    Row("secret.set", rest("owner", "post", PROJECT + "secrets/", name=WORD, value=f"s3cret {WORD}"), who="owner"),
    Row("secret.set", rest("owner", "patch", PROJECT + "secrets/{world.secret.pk}/", value=WORD), who="owner"),
    Row("secret.removed", rest("owner", "delete", PROJECT + "secrets/{world.secret.pk}/"), who="owner"),
    Row("mcp.added", rest("owner", "post", PROJECT + "mcp-servers/", name=WORD, url="https://8.8.8.8/canary"),
        who="owner"),
    Row("mcp.changed", rest("owner", "patch", PROJECT + "mcp-servers/{world.mcp_server.pk}/",
                            url="https://8.8.4.4/canary"), who="owner"),
    Row("mcp.removed", rest("owner", "delete", PROJECT + "mcp-servers/{world.mcp_server.pk}/"), who="owner"),
    Row("mcp.signed_in", sign_in_elsewhere, who="owner"),
    Row("mcp.signed_out", rest("owner", "delete", PROJECT + "mcp-servers/{world.shop.pk}/sign-in"), who="owner"),
    Row("mcp.approved", rest("owner", "post", PROJECT + "mcp-servers/{world.mcp_server.pk}/tools/{world.mcp_tool.pk}/"
                             "approve", digest="0" * 64), who="owner"),
    Row("budget.set", command("set_budget", WORD, "5000"), "operator"),
    Row("budget.set", form("chat_budget_add", lambda world: [], inside=lambda world: world.organization.pk,
                           user=lambda world: world.extra.pk, unit="tokens", amount=10, period="month", warn_percent=80,
                           at_end="block"), "operator", "root"),
    Row("budget.set", rest("owner", "post", ORG + "budgets/", scope="user", unit="tokens", amount="5", period="day",
                           scope_id=lambda world: world.extra.pk), who="owner"),
    Row("budget.set", rest("owner", "patch", ORG + "budgets/{world.budget.pk}/", warn_percent=50), who="owner"),
    Row("budget.removed", lambda world: (command("set_budget", WORD, "5")(world), command("set_budget", WORD)(world)),
        "operator"),
    Row("rule.changed", rest("owner", "post", "/api/policies/", pattern="write_file", decision="ask",
                             organization=lambda world: world.organization.pk), who="owner"),
    Row("rule.changed", rest("owner", "patch", "/api/policies/{world.policy.pk}/", decision="ask"), who="owner"),
    Row("rule.changed", rest("owner", "delete", "/api/policies/{world.policy.pk}/"), who="owner"),
    Row("rule.changed", form("chat_toolpolicy_delete", lambda world: [world.policy.pk], post="yes"), "operator",
        "root"),
    Row("rule.changed", rest("owner", "patch", ORG + "rules/", chats_days=30), who="owner"),
    Row("rule.changed", form("chat_rules_change", lambda world: [world.organization.pk], links="off",
                             organization=lambda world: world.organization.pk), "operator", "root"),
    Row("plan.changed", command("set_plan", WORD, "PRO"), "operator"),
    Row("hold.placed", rest("owner", "post", ORG + "holds/", scope="user", reason=f"The {WORD} sings.",
                            subject=lambda world: world.people["editor"].pk), who="owner", is_everybodys=True),
    Row("hold.placed", form("chat_hold_add", lambda world: [], scope="chat", reason=f"The {WORD} sings.",
                            subject=lambda world: world.chat.pk), "operator", "root", is_everybodys=True),
    Row("hold.placed", command("hold", "--user", "{world.extra.email}", "--reason", WORD), "operator",
        is_everybodys=True),
    Row("hold.released", rest("owner", "delete", ORG + "holds/{world.hold.pk}/"), who="owner", is_everybodys=True),
    Row("hold.released", command("hold", "--release", "{world.hold.pk}"), "operator", is_everybodys=True),
    Row("webhook.made", rest("owner", "post", ORG + "webhooks/", url=f"https://8.8.8.8/{WORD}", events=["*"]),
        who="owner"),
    Row("webhook.changed", rest("owner", "patch", WEBHOOK, url=f"https://8.8.8.8/{WORD}"), who="owner"),
    Row("webhook.changed", rest("owner", "post", WEBHOOK + "rotate/"), who="owner"),
    Row("webhook.removed", rest("owner", "delete", WEBHOOK), who="owner"),
    Row("webhook.switched_off", form("chat_webhooks_webhook_changelist", lambda world: [], action="switch_off",
                                     _selected_action=lambda world: world.webhook.pk), "operator", "root"),
    Row("export.made", rest("viewer", "post", "/api/exports/", what="me", format="zip"), who="viewer"),
    Row("export.downloaded", export_self, who="viewer"),
    Row("audit.read", rest("owner", "get", ORG + "audit/"), who="owner"),
    Row("audit.read", lambda world: world.api("viewer").get(f"/api/organizations/{world.organization.pk}/audit/"),
        who="viewer", outcome="refused"),
    Row("audit.read", lambda world: fetched(
        world.people["owner"], f"/api/organizations/{world.organization.pk}/audit/export/"),
        who="owner"),
    Row("audit.read", lambda world: world.admin().get(reverse("admin:accounts_auditentry_changelist")), "operator",
        "root", is_everybodys=True),
    Row("schedule.made", rest("editor", "post", "/api/schedules/", prompt=WORD, cron="0 9 * * *", time_zone="UTC",
                              chat=lambda world: world.chat.pk), who="editor"),
    Row("schedule.changed", rest("editor", "patch", "/api/schedules/{world.schedule.pk}/", prompt=WORD), who="editor"),
    Row("schedule.deleted", rest("editor", "delete", "/api/schedules/{world.schedule.pk}/"), who="editor"),
    Row("schedule.switched_off", no_more_rights, "system"),
    Row("schedule.switched_off", form("chat_schedule_changelist", lambda world: [], action="switch_off",
                                      _selected_action=lambda world: world.schedule.pk), "operator", "root"),
    Row("sso.changed", form("accounts_identityprovider_add", lambda world: [], **PROVIDER), "operator", "root"),
    Row("run.stopped", act_on("stop", RunStatus.QUEUED), "operator", "root"),
    Row("run.redriven", act_on("redrive", RunStatus.SUCCEEDED), "operator", "root"),
    Row("run.released", act_on("release", RunStatus.RUNNING), "operator", "root"),
]  # fmt: skip


def test_the_chain_of_an_erased_person_holds_and_names_nobody(world: World) -> None:
    id = str(world.extra.pk)
    world.hold.delete()
    leave(world)
    while sealing.seal():
        pass
    call_command("verify_audit", stdout=io.StringIO())
    assert not User.objects.filter(pk=id).exists()
    assert {each.action for each in AuditEntry.objects.filter(actor=id)} == {
        "member.removed",
        "person.erased",
        "signout",
    }


def test_each_action_has_a_row() -> None:
    assert {row.action for row in ROWS} | NOT_YET | ELSEWHERE == set(ACTIONS)
    assert not {row.action for row in ROWS} & (NOT_YET | ELSEWHERE)


@pytest.fixture
def world(settings: Any) -> World:
    settings.LOGIN_MAX_FAILURES = 1
    settings.LOGIN_MAX_FAILURES_PER_IP = 50
    cache.clear()
    return World()


@pytest.mark.parametrize("row", ROWS, ids=[f"{number}-{row.action}" for number, row in enumerate(ROWS)])
def test_it_leaves_one_entry_of_who_did_it_and_no_word(row: Row, world: World) -> None:
    people = {"": None, "root": world.root.pk, "extra": world.extra.pk}
    before = list(AuditEntry.objects.values_list("pk", flat=True))
    row.do(world)
    people |= {role: one.pk for role, one in world.people.items()}
    entry = AuditEntry.objects.exclude(pk__in=before).get(action=row.action)
    assert (entry.actor_kind, entry.actor, entry.outcome) == (row.kind, people[row.who], row.outcome)
    if row.action != "organization.made":  # of the one that is new
        assert entry.organization == (None if row.is_everybodys else world.organization.pk)
    told = json.dumps(list(AuditEntry.objects.values()), default=str)
    for word in (WORD, "README", "What is in here", "Hello", "sings", PASSWORD):
        assert word not in told, told
    is_asked = row.kind != "system" and bool(row.who or row.kind == "person")
    assert (entry.ip, entry.request_id) == (("127.0.0.0/24", AGENT["X-Request-Id"]) if is_asked else ("", ""))
