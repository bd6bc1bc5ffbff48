"""REST for people whom servers and admins make, look at and deactivate."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Conflict
from accounts.http.idempotency import Answer, once
from accounts.http.rest import caller, documented, raw, read, shown
from accounts.models import Organization, Role, User
from accounts.organizations import people
from accounts.organizations.rest import found
from accounts.organizations.serializers import (
    ManagedPersonSerializer,
    NewPersonBody,
    PersonBody,
    ResetLinkSerializer,
)
from accounts.sign_in import resetting
from accounts.sign_in.passwords import may_use_password


class People(APIView):
    """People."""

    @documented("users_create", body=NewPersonBody, answer=ManagedPersonSerializer, makes=True, conflicts=True)
    def post(self, request: Request) -> Response:
        """Make a person, or find the one of that address: 201 for a new one, 200 for one who is there already.

        For operators, and where PEOPLE_BY=admins for an organization's admins, into theirs; by an API key with the
        scope `people`. A new person has no password: they sign in by other means, or by a link (reset-link/). 409
        `invite_instead`: somebody has the address and is no member, whom an admin has to invite.
        """
        body, actor = raw(request), caller(request)
        values = read(NewPersonBody, request.data)

        def make() -> Answer:
            person, is_new = _made(actor, values)
            return Answer(201 if is_new else 200, {"id": str(person.pk)})

        key = request.headers.get("Idempotency-Key")
        made = once(user=actor, key=key, route=f"POST {request.path}", body=body, make=make)
        return shown(request, ManagedPersonSerializer, found(User.objects.all(), UUID(made.body["id"])), made.status)


class OnePerson(APIView):
    """One of them."""

    @documented("users_retrieve", answer=ManagedPersonSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """One person. For operators, and admins of an organization of theirs."""
        person = _person(request, id)
        people.require_may_look(caller(request), person)
        return shown(request, ManagedPersonSerializer, person)

    @documented("users_partial_update", body=PersonBody, answer=ManagedPersonSerializer, conflicts=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change the name, or deactivate: whatever they are signed in to ends at once, and their API keys with it.

        For operators, and where PEOPLE_BY=admins for admins of all the organizations that the person is in. Never of
        an operator. Only operators activate somebody again.
        """
        person = _person(request, id)
        people.require_may_manage(caller(request), person)
        body = read(PersonBody, request.data, partial=True)
        return shown(
            request, ManagedPersonSerializer, people.change_person(actor=caller(request), person=person, **body)
        )


class ResetLink(APIView):
    """A link by which a person sets a password."""

    @documented("users_reset_link_create", answer=ResetLinkSerializer, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Mail the person a link for a new password; where there is no mail, the answer has it, to hand on.

        It works once, for RESET_LIFETIME_S. By the same people as a change, and never for an operator. Who signs in
        with an identity provider gets one by an operator alone. By an API key: for a first password alone, and for
        nobody in another organization or above the key's person. So many are mailed to one address in an hour
        (RESETS_PER_HOUR).
        """
        actor, person = caller(request), _person(request, id)
        people.require_may_link(actor, person)
        if not person.is_active:
            raise Conflict("They are deactivated: nobody can sign in as them.", code="deactivated")
        if not may_use_password(person):
            raise Conflict("Passwords are closed for their address: it would open nothing.", code="password_closed")
        link = resetting.hand_out(person, by=actor)
        return shown(request, ResetLinkSerializer, {"mailed": link is None, "link": link})


def _made(actor: User, values: dict[str, Any]) -> tuple[User, bool]:
    id = values.pop("organization", None)
    if id is None and actor.key is not None and not people.is_operator(actor, people.MAY_ADD):
        id = actor.key.organization_id
    place = found(Organization.objects.visible_to(actor), id) if id else None
    return people.make_person(
        actor=actor, organization=place, role=Role(values["role"]), email=values["email"].strip().lower(),
        name=values["name"], language=values["language"],
    )  # fmt: skip


def _person(request: Request, id: UUID) -> User:
    """The person, if the caller sees them."""
    return found(people.people_seen_by(caller(request)).distinct(), id)
