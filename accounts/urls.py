"""Routes of accounts."""

from django.urls import path

from accounts.organizations import inviting, rest
from accounts.sign_in import rest as sign_in_rest
from accounts.sign_in import views

ORGANIZATION = "api/organizations/<uuid:organization>/members/"
INVITATIONS = "api/organizations/<uuid:organization>/invitations/"
PROJECT = "api/projects/<uuid:project>/members/"

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("api/auth/token", sign_in_rest.TokenView.as_view()),
    path("api/auth/token/refresh", sign_in_rest.RefreshView.as_view()),
    path("api/auth/logout", sign_in_rest.SignOutView.as_view()),
    path("api/users/me/", rest.Me.as_view()),
    path("api/organizations/", rest.Organizations.as_view()),
    path("api/organizations/<uuid:id>/", rest.OneOrganization.as_view()),
    path(ORGANIZATION, rest.Members.as_view()),
    path(f"{ORGANIZATION}<uuid:id>/", rest.OneMember.as_view()),
    path(INVITATIONS, inviting.Invitations.as_view()),
    path(f"{INVITATIONS}<uuid:id>/", inviting.OneInvitation.as_view()),
    path("api/invitations/accept/", inviting.Accept.as_view()),
    path("invitation/", inviting.invitation_page, name="invitation"),
    path("api/projects/", rest.Projects.as_view()),
    path("api/projects/<uuid:id>/", rest.OneProject.as_view()),
    path(PROJECT, rest.ProjectMembers.as_view()),
    path(f"{PROJECT}<uuid:id>/", rest.OneProjectMember.as_view()),
]
