"""REST for organizations, projects, their members, and the caller."""

from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Prefetch, QuerySet, prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.errors import Invalid, NotFound
from accounts.http.fields import PageQuery
from accounts.http.rest import caller, created, read
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.organizations import services
from accounts.organizations.serializers import (
    MeBody,
    MembershipSerializer,
    MeSerializer,
    NewMemberBody,
    NewProjectBody,
    OrganizationBody,
    OrganizationSerializer,
    ProjectBody,
    ProjectMemberSerializer,
    ProjectSerializer,
    ProjectsQuery,
    RoleBody,
)

Row = TypeVar("Row", bound=Model)


class Api(GenericViewSet[Row], Generic[Row]):
    """Lists by cursor, shows one, and finds rows among those that the caller sees."""

    def page(self, rows: QuerySet[Row]) -> Response:
        """A page of the rows."""
        found = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(found, many=True).data)

    def show(self, row: Row) -> Response:
        """The row."""
        return Response(self.get_serializer(row).data)


def found(rows: QuerySet[Row], id: UUID) -> Row:
    """The row of that id among these. Raises NotFound."""
    row = rows.filter(pk=id).first()
    if row is None:
        raise NotFound
    return row


@extend_schema(tags=["organizations"])
class OrganizationApi(Api[Organization]):
    """Organizations the caller is a member of."""

    serializer_class = OrganizationSerializer
    queryset = Organization.objects.none()

    def get_queryset(self) -> QuerySet[Organization]:
        return Organization.objects.visible_to(caller(self.request))

    def list(self, request: Request) -> Response:
        """The caller's organizations, oldest first."""
        read(PageQuery, request.query_params)
        return self.page(self.get_queryset())

    @extend_schema(request=OrganizationBody, responses={201: OrganizationSerializer})
    def create(self, request: Request) -> Response:
        """A new organization; the caller is its owner."""
        user = caller(request)
        return created(
            request,
            OrganizationBody,
            OrganizationSerializer,
            lambda body: services.create_organization(user=user, **body),
        )

    def retrieve(self, request: Request, id: UUID) -> Response:
        """One organization."""
        return self.show(found(self.get_queryset(), id))

    @extend_schema(request=OrganizationBody)
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Rename it. Needs admin."""
        organization = found(self.get_queryset(), id)
        body = read(OrganizationBody, request.data, partial=True)
        if body:
            services.rename_organization(actor=caller(request), organization=organization, **body)
        return self.show(organization)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete it with all its projects and chats. Owners only."""
        services.delete_organization(actor=caller(request), organization=found(self.get_queryset(), id))
        return Response(status=204)


@extend_schema(tags=["organizations"])
class MemberApi(Api[Membership]):
    """Members of an organization."""

    serializer_class = MembershipSerializer
    queryset = Membership.objects.none()

    def members(self, organization: UUID) -> QuerySet[Membership]:
        """Of the organization, if the caller sees it. Raises NotFound."""
        found(Organization.objects.visible_to(caller(self.request)), organization)
        return Membership.objects.filter(organization=organization).select_related("user")

    def list(self, request: Request, organization: UUID) -> Response:
        """All members, with their roles."""
        read(PageQuery, request.query_params)
        return self.page(self.members(organization))

    @extend_schema(request=NewMemberBody, responses={201: MembershipSerializer})
    def create(self, request: Request, organization: UUID) -> Response:
        """Make somebody who has an account a member. Needs admin; the role is at most the caller's own."""
        place = found(Organization.objects.visible_to(caller(request)), organization)

        def make(body: dict[str, Any]) -> Membership:
            services.require_admin(caller(request), place)
            return services.add_member(
                actor=caller(request), organization=place, user=person(body["email"]), role=Role(body["role"])
            )

        return created(request, NewMemberBody, MembershipSerializer, make)

    def retrieve(self, request: Request, organization: UUID, id: UUID) -> Response:
        """One member."""
        return self.show(found(self.members(organization), id))

    @extend_schema(request=RoleBody)
    def partial_update(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Change the member's role. Needs admin; neither role may be above the caller's own."""
        member = found(self.members(organization), id)
        body = read(RoleBody, request.data, partial=True)
        if body:
            member = services.change_role(actor=caller(request), membership=member, role=Role(body["role"]))
        return self.show(member)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, organization: UUID, id: UUID) -> Response:
        """End the membership. Needs admin, or it is the caller's own."""
        services.remove_member(actor=caller(request), membership=found(self.members(organization), id))
        return Response(status=204)


@extend_schema(tags=["projects"])
class ProjectApi(Api[Project]):
    """Projects of the caller's organizations."""

    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.visible_to(caller(self.request))

    @extend_schema(parameters=[ProjectsQuery])
    def list(self, request: Request) -> Response:
        """The projects the caller sees, oldest first; those of one organization with `?organization=`."""
        query = read(ProjectsQuery, request.query_params)
        rows = self.get_queryset()
        return self.page(rows.filter(organization=query["organization"]) if "organization" in query else rows)

    @extend_schema(request=NewProjectBody, responses={201: ProjectSerializer})
    def create(self, request: Request) -> Response:
        """A new project. Needs admin in its organization."""

        def make(body: dict[str, Any]) -> Project:
            organization = found(Organization.objects.visible_to(caller(request)), body.pop("organization"))
            return services.create_project(actor=caller(request), organization=organization, **body)

        return created(request, NewProjectBody, ProjectSerializer, make)

    def retrieve(self, request: Request, id: UUID) -> Response:
        """One project."""
        return self.show(found(self.get_queryset(), id))

    @extend_schema(request=ProjectBody)
    def partial_update(self, request: Request, id: UUID) -> Response:
        """Change name or description. Needs admin."""
        project = found(self.get_queryset(), id)
        body = read(ProjectBody, request.data, partial=True)
        if body:
            services.change_project(actor=caller(request), project=project, **body)
        return self.show(project)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, id: UUID) -> Response:
        """Delete it with its chats. Needs admin."""
        services.delete_project(actor=caller(request), project=found(self.get_queryset(), id))
        return Response(status=204)


@extend_schema(tags=["projects"])
class ProjectMemberApi(Api[ProjectMember]):
    """Members of an organization who have a role of their own in one of its projects."""

    serializer_class = ProjectMemberSerializer
    queryset = ProjectMember.objects.none()

    def members(self, project: UUID) -> QuerySet[ProjectMember]:
        """Of the project, if the caller sees it. Raises NotFound."""
        found(Project.objects.visible_to(caller(self.request)), project)
        return ProjectMember.objects.filter(project=project).select_related("user", "project")

    def list(self, request: Request, project: UUID) -> Response:
        """All who have one."""
        read(PageQuery, request.query_params)
        return self.page(self.members(project))

    @extend_schema(request=NewMemberBody, responses={201: ProjectMemberSerializer})
    def create(self, request: Request, project: UUID) -> Response:
        """Give a member of the organization a role in the project. Needs admin."""
        place = found(Project.objects.visible_to(caller(request)), project)

        def make(body: dict[str, Any]) -> ProjectMember:
            services.require_project_admin(caller(request), place)
            return services.add_project_member(
                actor=caller(request), project=place, user=person(body["email"]), role=Role(body["role"])
            )

        return created(request, NewMemberBody, ProjectMemberSerializer, make)

    def retrieve(self, request: Request, project: UUID, id: UUID) -> Response:
        """One of them."""
        return self.show(found(self.members(project), id))

    @extend_schema(request=RoleBody)
    def partial_update(self, request: Request, project: UUID, id: UUID) -> Response:
        """Change the role. Needs admin; neither role may be above the caller's own."""
        member = found(self.members(project), id)
        body = read(RoleBody, request.data, partial=True)
        if body:
            member = services.change_project_role(actor=caller(request), member=member, role=Role(body["role"]))
        return self.show(member)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: UUID, id: UUID) -> Response:
        """Take the role back: the person's membership decides again. Needs admin."""
        services.remove_project_member(actor=caller(request), member=found(self.members(project), id))
        return Response(status=204)


@extend_schema(tags=["users"])
class MeApi(Api[User]):
    """The caller."""

    serializer_class = MeSerializer
    queryset = User.objects.none()

    def retrieve(self, request: Request) -> Response:
        """Who the credentials are of, and their memberships."""
        return self.me(caller(request))

    @extend_schema(request=MeBody)
    def partial_update(self, request: Request) -> Response:
        """Change the name that others see."""
        user = caller(request)
        body = read(MeBody, request.data, partial=True)
        for field, value in body.items():
            setattr(user, field, value)
        user.save(update_fields=list(body))
        return self.me(user)

    def me(self, user: User) -> Response:
        """The caller with their memberships; by an API key, the one that it is for."""
        theirs = Membership.objects.visible_to(user).select_related("organization")
        prefetch_related_objects([user], Prefetch("memberships", theirs))
        return self.show(user)


def person(email: str) -> User:
    """Who signs in with the address. Raises Invalid."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None:
        raise Invalid(fields={"email": ["Nobody signs in with this address here. Make an account for them first."]})
    return user
