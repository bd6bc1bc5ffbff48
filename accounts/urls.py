"""Routes of accounts."""

from django.urls import path

from accounts.look import views as look
from accounts.organizations import audit_rest, inviting, people_rest, rest, secrets_rest
from accounts.sign_in import acting, own, reset_page, views
from accounts.sign_in import rest as sign_in_rest
from accounts.sso import providers
from accounts.sso import rest as sso_rest
from accounts.sso import views as sso_views

ORGANIZATION = "api/organizations/<uuid:organization>/members/"
INVITATIONS = "api/organizations/<uuid:organization>/invitations/"
PROJECT = "api/projects/<uuid:project>/members/"
SECRETS = "api/projects/<uuid:project>/secrets/"

urlpatterns = [
    path("favicon.ico", look.logo, name="icon"),
    path("logo", look.logo, name="logo"),
    path("look.css", look.style, name="look"),
    path(
        "login/",
        views.SignInView.as_view(extra_context={"providers": providers.buttons}, providers_for=sso_views.ways_in),
        name="login",
    ),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path(".well-known/jwks.json", acting.jwks),
    path("api/auth/token", sign_in_rest.TokenView.as_view()),
    path("api/auth/token/refresh", sign_in_rest.RefreshView.as_view()),
    path("api/auth/token/exchange", sso_rest.Exchange.as_view()),
    path("api/auth/providers/", sso_rest.Providers.as_view()),
    path("sso/<slug:slug>/start", sso_views.start),
    path("sso/<slug:slug>/callback", sso_views.callback),
    path("sso/<slug:slug>/logout", sso_views.back_channel_logout),
    path("api/auth/logout", sign_in_rest.SignOutView.as_view()),
    path("api/auth/reset", own.AskReset.as_view()),
    path("api/auth/reset/password", own.Reset.as_view()),
    path("reset/", reset_page.reset_page, name="reset"),
    path("api/users/me/password/", own.Password.as_view()),
    path("api/users/me/sign-ins/", own.SignIns.as_view()),
    path("api/users/me/sign-ins/<uuid:id>/", own.OneSignIn.as_view()),
    path("api/users/me/keys/", own.ApiKeys.as_view()),
    path("api/users/me/keys/<uuid:id>/", own.OneApiKey.as_view()),
    path("api/users/", people_rest.People.as_view()),
    path("api/users/<uuid:id>/", people_rest.OnePerson.as_view()),
    path("api/users/<uuid:id>/reset-link/", people_rest.ResetLink.as_view()),
    path("api/organizations/", rest.Organizations.as_view()),
    path("api/organizations/<uuid:id>/", rest.OneOrganization.as_view()),
    path(ORGANIZATION, rest.Members.as_view()),
    path(f"{ORGANIZATION}<uuid:id>/", rest.OneMember.as_view()),
    path(INVITATIONS, inviting.Invitations.as_view()),
    path(f"{INVITATIONS}<uuid:id>/", inviting.OneInvitation.as_view()),
    path("api/organizations/<uuid:organization>/audit/", audit_rest.AuditLog.as_view()),
    path("api/invitations/accept/", inviting.Accept.as_view()),
    path("invitation/", inviting.invitation_page, name="invitation"),
    path("api/projects/", rest.Projects.as_view()),
    path("api/projects/<uuid:id>/", rest.OneProject.as_view()),
    path(PROJECT, rest.ProjectMembers.as_view()),
    path(f"{PROJECT}<uuid:id>/", rest.OneProjectMember.as_view()),
    path(SECRETS, secrets_rest.Secrets.as_view()),
    path(f"{SECRETS}<uuid:id>/", secrets_rest.OneSecret.as_view()),
]
