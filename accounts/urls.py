"""Routes of accounts."""

from typing import Any

from django.urls import path

from accounts.organizations import api
from accounts.sign_in import api as auth_api
from accounts.sign_in import views

MANY: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
ORGANIZATION = "api/organizations/<uuid:organization>/members/"
PROJECT = "api/projects/<uuid:project>/members/"

urlpatterns = [
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("api/auth/token", auth_api.TokenView.as_view()),
    path("api/auth/token/refresh", auth_api.RefreshView.as_view()),
    path("api/auth/logout", auth_api.SignOutView.as_view()),
    path("api/users/me/", api.MeApi.as_view({"get": "retrieve", "patch": "partial_update"})),
    path("api/organizations/", api.OrganizationApi.as_view(MANY)),
    path("api/organizations/<uuid:id>/", api.OrganizationApi.as_view(ONE)),
    path(ORGANIZATION, api.MemberApi.as_view(MANY)),
    path(f"{ORGANIZATION}<uuid:id>/", api.MemberApi.as_view(ONE)),
    path("api/projects/", api.ProjectApi.as_view(MANY)),
    path("api/projects/<uuid:id>/", api.ProjectApi.as_view(ONE)),
    path(PROJECT, api.ProjectMemberApi.as_view(MANY)),
    path(f"{PROJECT}<uuid:id>/", api.ProjectMemberApi.as_view(ONE)),
]
