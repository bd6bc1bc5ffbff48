"""REST for organizations, projects, their members, and the caller."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Prefetch, QuerySet, prefetch_related_objects
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Invalid, NotFound
from accounts.http.fields import PageQuery
from accounts.http.paging import CursorPaging
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.organizations import services
from accounts.organizations.choice import choose_organization
from accounts.organizations.serializers import (
    MeBody,
    MembershipSerializer,
    MeSerializer,
    NewMemberBody,
    NewProjectBody,
    OrganizationBody,
    OrganizationChanges,
    OrganizationSerializer,
    ProjectBody,
    ProjectMemberSerializer,
    ProjectSerializer,
    ProjectsQuery,
    RoleBody,
)

Row = TypeVar("Row", bound=Model)


class Pages(APIView):
    """A view whose list is of pages, as the OpenAPI says."""

    pagination_class = CursorPaging


class Organizations(Pages):
    """Organizations the caller is a member of."""

    @documented("organizations_list", answer=OrganizationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The caller's organizations, oldest first."""
        read(PageQuery, request.query_params)
        return page(request, _organizations(request), OrganizationSerializer, ordering="created_at")

    @documented("organizations_create", body=OrganizationBody, answer=OrganizationSerializer, makes=True)
    def post(self, request: Request) -> Response:
        """A new organization; the caller is its owner."""
        user = caller(request)
        return created(
            request,
            OrganizationBody,
            OrganizationSerializer,
            make=lambda body: services.create_organization(user=user, **body),
            find=lambda id: found(_organizations(request), id),
        )


class OneOrganization(APIView):
    """One of them."""

    @documented("organizations_retrieve", answer=OrganizationSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """One organization."""
        return shown(request, OrganizationSerializer, found(_organizations(request), id))

    @documented("organizations_partial_update", body=OrganizationBody, answer=OrganizationSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Rename it, or say which models answer where the chosen one cannot. Needs admin."""
        organization = found(_organizations(request), id)
        body = read(OrganizationChanges, request.data, partial=True)
        if body:
            services.change_organization(actor=caller(request), organization=organization, **body)
        return shown(request, OrganizationSerializer, organization)

    @documented("organizations_destroy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete it with all its projects and chats. Owners only."""
        services.delete_organization(actor=caller(request), organization=found(_organizations(request), id))
        return Response(status=204)


class Members(Pages):
    """Members of an organization."""

    @documented("organizations_members_list", answer=MembershipSerializer(many=True))
    def get(self, request: Request, organization: UUID) -> Response:
        """All members, with their roles."""
        read(PageQuery, request.query_params)
        return page(request, _members(request, organization), MembershipSerializer, ordering="created_at")

    @documented("organizations_members_create", body=NewMemberBody, answer=MembershipSerializer, makes=True)
    def post(self, request: Request, organization: UUID) -> Response:
        """Make somebody who has an account a member at once. For operators who administer it; others invite."""
        place = found(_organizations(request), organization)

        def make(body: dict[str, Any]) -> Membership:
            services.require_admin(caller(request), place)
            services.require_operator(caller(request))
            return services.add_member(
                actor=caller(request), organization=place, user=person(body["email"]), role=Role(body["role"])
            )

        return created(
            request, NewMemberBody, MembershipSerializer, make, lambda id: found(_members(request, organization), id)
        )


class OneMember(APIView):
    """One of them."""

    @documented("organizations_members_retrieve", answer=MembershipSerializer)
    def get(self, request: Request, organization: UUID, id: UUID) -> Response:
        """One member."""
        return shown(request, MembershipSerializer, found(_members(request, organization), id))

    @documented("organizations_members_partial_update", body=RoleBody, answer=MembershipSerializer)
    def patch(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Change the member's role. Needs admin; neither role may be above the caller's own."""
        member = found(_members(request, organization), id)
        body = read(RoleBody, request.data, partial=True)
        if body:
            member = services.change_role(actor=caller(request), membership=member, role=Role(body["role"]))
        return shown(request, MembershipSerializer, member)

    @documented("organizations_members_destroy", status=204)
    def delete(self, request: Request, organization: UUID, id: UUID) -> Response:
        """End the membership. Needs admin, or it is the caller's own."""
        services.remove_member(actor=caller(request), membership=found(_members(request, organization), id))
        return Response(status=204)


class Projects(Pages):
    """Projects of the caller's organizations."""

    @documented("projects_list", query=ProjectsQuery, answer=ProjectSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The projects the caller sees, oldest first; those of one organization with `?organization=`."""
        query = read(ProjectsQuery, request.query_params)
        rows = _projects(request)
        rows = rows.filter(organization=query["organization"]) if "organization" in query else rows
        return page(request, rows, ProjectSerializer, ordering="created_at")

    @documented("projects_create", body=NewProjectBody, answer=ProjectSerializer, makes=True)
    def post(self, request: Request) -> Response:
        """A new project. Needs admin in its organization."""

        def make(body: dict[str, Any]) -> Project:
            organization = found(_organizations(request), body.pop("organization"))
            return services.create_project(actor=caller(request), organization=organization, **body)

        return created(request, NewProjectBody, ProjectSerializer, make, lambda id: found(_projects(request), id))


class OneProject(APIView):
    """One of them."""

    @documented("projects_retrieve", answer=ProjectSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """One project."""
        return shown(request, ProjectSerializer, found(_projects(request), id))

    @documented("projects_partial_update", body=ProjectBody, answer=ProjectSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Change name or description. Needs admin."""
        project = found(_projects(request), id)
        body = read(ProjectBody, request.data, partial=True)
        if body:
            services.change_project(actor=caller(request), project=project, **body)
        return shown(request, ProjectSerializer, project)

    @documented("projects_destroy", status=204)
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete it with its chats. Needs admin."""
        services.delete_project(actor=caller(request), project=found(_projects(request), id))
        return Response(status=204)


class ProjectMembers(Pages):
    """Members of an organization who have a role of their own in one of its projects."""

    @documented("projects_members_list", answer=ProjectMemberSerializer(many=True))
    def get(self, request: Request, project: UUID) -> Response:
        """All who have one."""
        read(PageQuery, request.query_params)
        return page(request, _project_members(request, project), ProjectMemberSerializer, ordering="created_at")

    @documented("projects_members_create", body=NewMemberBody, answer=ProjectMemberSerializer, makes=True)
    def post(self, request: Request, project: UUID) -> Response:
        """Give a member of the organization a role in the project. Needs admin."""
        place = found(_projects(request), project)

        def make(body: dict[str, Any]) -> ProjectMember:
            services.require_project_admin(caller(request), place)
            return services.add_project_member(
                actor=caller(request), project=place, user=anybody(body["email"]), role=Role(body["role"])
            )

        return created(
            request,
            NewMemberBody,
            ProjectMemberSerializer,
            make,
            lambda id: found(_project_members(request, project), id),
        )


class OneProjectMember(APIView):
    """One of them."""

    @documented("projects_members_retrieve", answer=ProjectMemberSerializer)
    def get(self, request: Request, project: UUID, id: UUID) -> Response:
        """One of them."""
        return shown(request, ProjectMemberSerializer, found(_project_members(request, project), id))

    @documented("projects_members_partial_update", body=RoleBody, answer=ProjectMemberSerializer)
    def patch(self, request: Request, project: UUID, id: UUID) -> Response:
        """Change the role. Needs admin; neither role may be above the caller's own."""
        member = found(_project_members(request, project), id)
        body = read(RoleBody, request.data, partial=True)
        if body:
            member = services.change_project_role(actor=caller(request), member=member, role=Role(body["role"]))
        return shown(request, ProjectMemberSerializer, member)

    @documented("projects_members_destroy", status=204)
    def delete(self, request: Request, project: UUID, id: UUID) -> Response:
        """Take the role back: the person's membership decides again. Needs admin."""
        services.remove_project_member(actor=caller(request), member=found(_project_members(request, project), id))
        return Response(status=204)


class Me(APIView):
    """The caller."""

    @documented("users_me_retrieve", answer=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who the credentials are of, and their memberships."""
        return _me(request)

    @documented("users_me_partial_update", body=MeBody, answer=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change the name that others see, the language, and the organization that chats go to which name none."""
        user = caller(request)
        body = read(MeBody, request.data, partial=True)
        if "organization" in body:
            choose_organization(user, body["organization"])
        changed = [each for each in ("name", "language") if each in body]
        for each in changed:
            setattr(user, each, body[each])
        if changed:
            user.save(update_fields=changed)
        return _me(request)


# --- Rows, of those that the caller sees ------------------------------------------------------------------------------


def found(rows: QuerySet[Row], id: UUID) -> Row:
    """The row of that id among these. Raises NotFound."""
    row = rows.filter(pk=id).first()
    if row is None:
        raise NotFound
    return row


def _organizations(request: Request) -> QuerySet[Organization]:
    return Organization.objects.visible_to(caller(request))


def _members(request: Request, organization: UUID) -> QuerySet[Membership]:
    found(_organizations(request), organization)
    return Membership.objects.filter(organization=organization).select_related("user")


def _projects(request: Request) -> QuerySet[Project]:
    return Project.objects.visible_to(caller(request))


def _project_members(request: Request, project: UUID) -> QuerySet[ProjectMember]:
    found(_projects(request), project)
    return ProjectMember.objects.filter(project=project).select_related("user", "project")


def _me(request: Request) -> Response:
    """The caller with their memberships; by an API key, the one that it is for."""
    user = caller(request)
    theirs = Membership.objects.visible_to(user).select_related("organization")
    prefetch_related_objects([user], Prefetch("memberships", theirs))
    return shown(request, MeSerializer, user)


def person(email: str) -> User:
    """Who signs in with the address. Raises Invalid."""
    user = anybody(email)
    if user is None:
        raise Invalid(fields={"email": ["Nobody signs in with this address here. Make an account for them first."]})
    return user


def anybody(email: str) -> User | None:
    """Who signs in with the address, if somebody does."""
    return User.objects.filter(email=email.lower(), is_active=True).first()
