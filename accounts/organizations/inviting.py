"""REST for invitations, and the page on which one is accepted."""

from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import PageQuery
from accounts.http.idempotency import Answer, once
from accounts.http.paging import CursorPaging
from accounts.http.rest import caller, documented, page, raw, read, shown
from accounts.models import Invitation, Organization, Role
from accounts.organizations import invitations, services
from accounts.organizations.mail import mail_invitation
from accounts.organizations.rest import found
from accounts.organizations.serializers import (
    AcceptBody,
    InvitationSerializer,
    MembershipSerializer,
    NewInvitationBody,
    NewInvitationSerializer,
)


class Invitations(APIView):
    """Invitations to an organization. Its admins alone see them."""

    pagination_class = CursorPaging

    @documented("organizations_invitations_list", answer=InvitationSerializer(many=True))
    def get(self, request: Request, organization: UUID) -> Response:
        """All that have not expired, open or not. Needs admin."""
        rows = _invitations(request, _administered(request, organization))
        read(PageQuery, request.query_params)
        return page(request, rows, InvitationSerializer, ordering="created_at")

    @documented(
        "organizations_invitations_create",
        body=NewInvitationBody,
        answer=NewInvitationSerializer,
        makes=True,
        conflicts=True,
    )
    def post(self, request: Request, organization: UUID) -> Response:
        """Invite an address, whether somebody has an account with it or not. Needs admin, for a role up to one's own.

        The link is mailed where this installation sends mail; else the answer has it, and you hand it on. It works
        once, for who signs in with this address. One that was open for the address is revoked.
        """
        body = raw(request)
        place = _administered(request, organization)
        values = read(NewInvitationBody, request.data)

        def make() -> Answer:
            return Answer(201, {"id": str(_invite(request, place, values).pk)})  # no link: this is stored

        key = request.headers.get("Idempotency-Key")
        made = once(user=caller(request), key=key, route=f"POST {request.path}", body=body, make=make)
        invitation = found(_invitations(request, place), UUID(made.body["id"]))
        return shown(request, NewInvitationSerializer, _told(invitation, made.replayed), made.status)


class OneInvitation(APIView):
    """One of them."""

    @documented("organizations_invitations_retrieve", answer=InvitationSerializer)
    def get(self, request: Request, organization: UUID, id: UUID) -> Response:
        """One invitation. Needs admin."""
        rows = _invitations(request, _administered(request, organization))
        return shown(request, InvitationSerializer, found(rows, id))

    @documented("organizations_invitations_destroy", status=204, conflicts=True)
    def delete(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Revoke it: its link holds no longer. Needs admin."""
        invitation = found(_invitations(request, _administered(request, organization)), id)
        invitations.revoke(actor=caller(request), invitation=invitation)
        return Response(status=204)


class Accept(APIView):
    """Joining."""

    @documented("invitations_accept", body=AcceptBody, answer=MembershipSerializer)
    def post(self, request: Request) -> Response:
        """Accept the invitation of this token. 404 for one that is not for the caller's address, or holds no longer."""
        token = read(AcceptBody, request.data)["token"]
        return shown(request, MembershipSerializer, invitations.accept(user=caller(request), token=token))


@require_http_methods(["GET", "HEAD", "POST"])
def invitation_page(request: HttpRequest) -> HttpResponse:
    """GET and POST /invitation/?token=..."""
    token = request.GET.get("token", "")[:200]
    if not request.user.is_authenticated:
        if request.method == "POST":
            return redirect_to_login(request.get_full_path())
        return render(request, "registration/invitation.html", {"next": request.get_full_path()})
    user = request.user
    try:
        if request.method == "POST":
            invitations.accept(user=user, token=token)
            return HttpResponseRedirect("/")
        invitation = invitations.find(user, token)
    except NotFound:
        return render(request, "registration/invitation.html", {"is_unknown": True}, status=404)
    return render(request, "registration/invitation.html", {"invitation": invitation})


def _administered(request: Request, id: UUID) -> Organization:
    """The organization, if the caller administers it. Raises NotFound or NotAllowed."""
    organization = found(Organization.objects.visible_to(caller(request)), id)
    services.require_admin(caller(request), organization)
    return organization


def _invitations(request: Request, organization: Organization) -> Any:
    rows = Invitation.objects.visible_to(caller(request)).filter(organization=organization)
    return rows.select_related("organization", "invited_by")


def _invite(request: Request, place: Organization, values: dict[str, Any]) -> Invitation:
    email, role = values["email"].strip().lower(), Role(values["role"])
    return invitations.invite(actor=caller(request), organization=place, email=email, role=role)


def _told(invitation: Invitation, is_replayed: bool) -> Invitation:
    """With how its link gets to the person: an answer that is asked for again sends no second mail."""
    told: Any = invitation
    told.mailed = not is_replayed and mail_invitation(invitation)
    told.link = None if told.mailed else invitations.link_of(invitation)
    return invitation
