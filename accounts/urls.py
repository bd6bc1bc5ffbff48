"""Routes of accounts."""

from django.urls import path

from accounts.organizations import api
from accounts.sign_in import api as auth_api
from accounts.sign_in import views

ORGANIZATION = "api/organizations/<uuid:organization>/members/"
PROJECT = "api/projects/<uuid:project>/members/"

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("api/auth/token", auth_api.TokenView.as_view()),
    path("api/auth/token/refresh", auth_api.RefreshView.as_view()),
    path("api/auth/logout", auth_api.SignOutView.as_view()),
    path("api/users/me/", api.Me.as_view()),
    path("api/organizations/", api.Organizations.as_view()),
    path("api/organizations/<uuid:id>/", api.OneOrganization.as_view()),
    path(ORGANIZATION, api.Members.as_view()),
    path(f"{ORGANIZATION}<uuid:id>/", api.OneMember.as_view()),
    path("api/projects/", api.Projects.as_view()),
    path("api/projects/<uuid:id>/", api.OneProject.as_view()),
    path(PROJECT, api.ProjectMembers.as_view()),
    path(f"{PROJECT}<uuid:id>/", api.OneProjectMember.as_view()),
]
