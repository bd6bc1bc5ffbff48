"""Joining is by invitation: who may invite, who may accept, once and in time; and nobody learns who has an account."""

import socketserver
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, Invitation, Membership, Organization, Role, User
from accounts.organizations.invitations import token_of
from accounts.sign_in.hashed import hash_of
from tests.conftest import member

Api = Callable[[User], APIClient]
ROLES = list(Role)
ACCEPT = "/api/invitations/accept/"


def call(api: Api, user: User, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    response = getattr(api(user), method)(path, body, format="json", **more)
    return response.status_code, response.json() if response.content else None


def of(organization: Organization) -> str:
    return f"/api/organizations/{organization.pk}/invitations/"


def invited(api: Api, actor: User, organization: Organization, email: str, role: str = "editor") -> tuple[str, Any]:
    """The token and the answer of a new invitation."""
    status, made = call(api, actor, "post", of(organization), {"email": email, "role": role})
    assert status == 201, made
    return made["link"].partition("token=")[2], made


@pytest.mark.parametrize("giver", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_admins_invite_to_roles_up_to_their_own(
    api: Api, alice: User, organization: Organization, giver: Role, role: Role
) -> None:
    actor = alice if giver == Role.OWNER else member(organization, "actor", giver)
    allowed = giver in (Role.ADMIN, Role.OWNER) and ROLES.index(role) <= ROLES.index(giver)
    status, _ = call(api, actor, "post", of(organization), {"email": "New@Example.com", "role": role})
    assert status == (201 if allowed else 403)
    assert [each.email for each in Invitation.objects.all()] == ["new@example.com"] * allowed


def test_admins_alone_see_invitations_and_outsiders_find_none(
    api: Api, alice: User, bob: User, charlie: User, organization: Organization
) -> None:
    _, made = invited(api, alice, organization, "new@example.com")
    for path in (of(organization), f"{of(organization)}{made['id']}/"):
        assert [call(api, each, "get", path)[0] for each in (alice, bob, charlie)] == [200, 403, 404]
        assert "token" not in str(call(api, alice, "get", path)[1])
    assert call(api, bob, "delete", f"{of(organization)}{made['id']}/")[0] == 403
    assert call(api, charlie, "delete", f"{of(organization)}{made['id']}/")[0] == 404


def test_who_is_invited_joins_with_that_role_once(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    token, _ = invited(api, alice, organization, "Charlie@example.com", "viewer")
    assert not Membership.objects.filter(organization=organization, user=charlie).exists()
    status, joined = call(api, charlie, "post", ACCEPT, {"token": token})
    assert (status, joined["organization"], joined["role"]) == (200, str(organization.pk), "viewer")
    assert call(api, charlie, "post", ACCEPT, {"token": token})[0] == 404


def expire(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def revoke(invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=timezone.now())


def lower_the_inviter(invitation: Invitation) -> None:
    Membership.objects.filter(user=invitation.invited_by).update(role=Role.EDITOR)


def remove_the_inviter(invitation: Invitation) -> None:
    assert invitation.invited_by
    invitation.invited_by.memberships.all().delete()


def deactivate_the_inviter(invitation: Invitation) -> None:
    User.objects.filter(pk=invitation.invited_by_id).update(is_active=False)


def move_to_another_address(invitation: Invitation) -> None:
    User.objects.filter(email="charlie@example.com").update(email="other@example.com")


@pytest.mark.parametrize(
    "change",
    [
        expire,
        revoke,
        lower_the_inviter,
        remove_the_inviter,
        deactivate_the_inviter,
        move_to_another_address,
    ],
)
def test_what_does_not_hold_is_unknown(
    api: Api, alice: User, charlie: User, organization: Organization, change: Callable[[Invitation], None]
) -> None:
    member(organization, "other-owner", Role.OWNER)
    token, made = invited(api, alice, organization, charlie.email)
    change(Invitation.objects.get(pk=made["id"]))
    refused = call(api, charlie, "post", ACCEPT, {"token": token})
    assert refused == call(api, charlie, "post", ACCEPT, {"token": "no such token"})
    assert refused[0] == 404
    assert not Membership.objects.filter(organization=organization, user=charlie).exists()


def test_it_is_bound_to_its_address(api: Api, alice: User, charlie: User, organization: Organization) -> None:
    token, _ = invited(api, alice, organization, "somebody@example.com")
    assert call(api, charlie, "post", ACCEPT, {"token": token})[0] == 404
    somebody = User.objects.create_user("Somebody@example.com", "correct horse")  # they have an account now
    assert call(api, somebody, "post", ACCEPT, {"token": token})[0] == 200


@pytest.mark.parametrize("act", ["delete", "patch"])
def test_what_somebody_offered_ends_with_their_right_to(
    api: Api, alice: User, charlie: User, organization: Organization, act: str
) -> None:
    admin = member(organization, "admin", Role.ADMIN)
    token, made = invited(api, admin, organization, charlie.email)
    place = f"/api/organizations/{organization.pk}/members/{admin.memberships.get().pk}/"
    call(api, alice, act, place, {"role": "editor"} if act == "patch" else None)
    assert Invitation.objects.get(pk=made["id"]).revoked_at is not None
    assert call(api, charlie, "post", ACCEPT, {"token": token})[0] == 404


def test_known_and_unknown_addresses_get_the_same_answer(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    shapes = []
    for email in (charlie.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as asked:
            _, made = invited(api, alice, organization, email)
        shapes.append(({name: type(value) for name, value in made.items()}, len(asked)))
    assert shapes[0] == shapes[1]


def test_nobody_but_an_operator_adds_without_asking(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    path = f"/api/organizations/{organization.pk}/members/"
    answers = [call(api, alice, "post", path, {"email": each}) for each in (charlie.email, "nobody@example.com")]
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["error"]["code"]) == (403, "invite_instead")
    assert not Membership.objects.filter(organization=organization, user=charlie).exists()
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    assert call(api, alice, "post", path, {"email": charlie.email})[0] == 201


def test_a_project_tells_nobody_who_has_an_account(api: Api, alice: User, charlie: User, project: Any) -> None:
    path = f"/api/projects/{project.pk}/members/"
    answers = [call(api, alice, "post", path, {"email": each}) for each in (charlie.email, "nobody@example.com")]
    assert answers[0] == answers[1] and answers[0][0] == 400


def test_a_second_one_for_an_address_takes_the_first_back(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    first, _ = invited(api, alice, organization, charlie.email)
    second, _ = invited(api, alice, organization, charlie.email)
    assert call(api, charlie, "post", ACCEPT, {"token": first})[0] == 404
    assert call(api, charlie, "post", ACCEPT, {"token": second})[0] == 200
    status, told = call(api, alice, "post", of(organization), {"email": charlie.email})
    assert (status, told["error"]["code"]) == (409, "already_member")


def test_the_same_post_again_makes_no_second_and_no_link_is_stored(
    api: Api, alice: User, organization: Organization
) -> None:
    body, headers = {"email": "new@example.com"}, {"Idempotency-Key": "k"}
    answers = [call(api, alice, "post", of(organization), body, headers=headers) for _ in range(2)]
    assert answers[0] == answers[1] and answers[0][0] == 201
    assert "token" not in str(IdempotencyKey.objects.get().answer)
    invitation = Invitation.objects.get()
    assert invitation.token_hash == hash_of(token_of(invitation.pk))


def test_so_many_are_open_and_so_many_an_hour(api: Api, alice: User, organization: Organization, settings: Any) -> None:
    settings.INVITATIONS_PER_ORGANIZATION, settings.INVITATIONS_PER_HOUR = 2, 3
    told = [call(api, alice, "post", of(organization), {"email": f"n{each}@example.com"}) for each in range(4)]
    assert [status for status, _ in told] == [201, 201, 409, 429]
    assert told[2][1]["error"]["code"] == "too_many_open_invitations"


def test_one_that_was_accepted_is_not_revoked(api: Api, alice: User, charlie: User, organization: Organization) -> None:
    token, made = invited(api, alice, organization, charlie.email)
    call(api, charlie, "post", ACCEPT, {"token": token})
    assert call(api, alice, "delete", f"{of(organization)}{made['id']}/")[0] == 409
    _, made = invited(api, alice, organization, "n@example.com")
    assert call(api, alice, "delete", f"{of(organization)}{made['id']}/")[0] == 204


# --- Mail, and the page -----------------------------------------------------------------------------------------------


def test_where_there_is_mail_the_link_goes_there_alone(
    api: Api, alice: User, organization: Organization, settings: Any
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    Organization.objects.filter(pk=organization.pk).update(name="Acme\nBcc: all@example.com")
    status, made = call(api, alice, "post", of(organization), {"email": "new@example.com"})
    assert (status, made["link"], made["mailed"]) == (201, None, True)
    (sent,) = mail.outbox
    assert sent.to == ["new@example.com"] and sent.bcc == []
    assert f"/invitation/?token={token_of(Invitation.objects.get().pk)}" in sent.body


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server that takes one mail."""

    taken: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            self.wfile.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if verb == b"DATA":
                self.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self.wfile.write(b"250 taken\r\n")


def test_a_real_mail_server_gets_it(api: Api, alice: User, organization: Organization, settings: Any) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_URL = f"smtp://127.0.0.1:{server.server_address[1]}"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        status, made = call(api, alice, "post", of(organization), {"email": "new@example.com"})
        server.shutdown()
    assert (status, made["mailed"], made["link"]) == (201, True, None)
    (sent,) = Mailbox.taken
    assert "To: new@example.com" in sent and "Subject: Alice invites you to Acme" in sent


def test_a_mail_server_that_is_away_leaves_the_link_to_hand_on(
    api: Api, alice: User, organization: Organization, settings: Any
) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    status, made = call(api, alice, "post", of(organization), {"email": "new@example.com"})
    assert (status, made["mailed"]) == (201, False)
    assert "token=" in made["link"]


@pytest.mark.parametrize(("language", "words"), [("en", "invites you to join Acme"), ("de", "lädt Sie zu Acme ein")])
def test_the_page_asks_who_is_invited(
    api: Api, alice: User, charlie: User, organization: Organization, language: str, words: str
) -> None:
    token, _ = invited(api, alice, organization, charlie.email)
    path, client = f"/invitation/?token={token}", Client(headers={"Accept-Language": language})
    assert "Acme" not in client.get(path).content.decode()  # whoever has the link, signed out
    client.force_login(alice)
    assert client.get(path).status_code == 404
    client.force_login(charlie)
    assert words in client.get(path).content.decode()
    assert not Membership.objects.filter(organization=organization, user=charlie).exists()
    assert client.post(path).status_code == 302
    assert Membership.objects.filter(organization=organization, user=charlie).exists()
    assert client.post(path).status_code == 404


def test_another_site_cannot_make_anybody_join(
    api: Api, alice: User, charlie: User, organization: Organization
) -> None:
    token, _ = invited(api, alice, organization, charlie.email)
    client = Client(enforce_csrf_checks=True)
    client.force_login(charlie)
    assert client.post(f"/invitation/?token={token}").status_code == 403
