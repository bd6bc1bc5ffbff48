"""Sign-in by OpenID Connect: there and back in one browser, what providers may get wrong, and who comes in as what."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import ExternalIdentity, IdentityProvider, Membership, Organization, Role, User
from accounts.secrets import seal
from accounts.sign_in import keys
from accounts.sign_in.pairs import new_pair
from accounts.sso.views import safe_path
from tests.accounts.sso.conftest import registered
from tests.accounts.sso.provider import CLIENT, DISCOVERY, KEYS, TOKEN, Key, Provider
from tests.conftest import PASSWORD, client_of, member

DANA = {"sub": "dana", "email": "Dana@Example.com", "email_verified": True, "name": "Dana", "groups": ["people"]}


def begin(client: Client, slug: str = "acme", next: str = "/chats/") -> str:
    answer = client.get(f"/sso/{slug}/start", {"next": next})
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def end(client: Client, query: dict[str, str], slug: str = "acme") -> Any:
    return client.get(f"/sso/{slug}/callback", query)


def sign_in(provider: Provider, client: Client | None = None, slug: str = "acme", **claims: Any) -> Any:
    """The answer to a whole sign-in of Dana, with other claims."""
    browser = client or Client()
    return end(browser, provider.agreed(begin(browser, slug), claims={**DANA, **claims}), slug)


def who(client: Client) -> str | None:
    """Who is signed in in this browser."""
    client.cookies.pop("access_token", None)  # which the answer took away: this client keeps it, as an empty one
    answer = client.get("/api/users/me/")
    return answer.json()["email"] if answer.status_code == 200 else None


def role(email: str, organization: Organization) -> str | None:
    found = Membership.objects.filter(user__email=email, organization=organization).first()
    return found.role if found else None


def test_a_first_sign_in_makes_the_person_with_the_role_of_their_groups(
    provider: Provider, row: IdentityProvider, organization: Organization
) -> None:
    browser = Client()
    answer = sign_in(provider, browser)
    assert (answer.status_code, answer["Location"]) == (302, "/chats/")
    assert (who(browser), role("dana@example.com", organization)) == ("dana@example.com", "editor")
    user = User.objects.get(email="dana@example.com")
    assert user.name == "Dana" and not user.has_usable_password()
    assert browser.session.get_expiry_age() <= row.session_s
    assert sign_in(provider).status_code == 302
    assert ExternalIdentity.objects.count() == User.objects.count() == 1
    assert provider.asked == {DISCOVERY: 1, KEYS: 1, TOKEN: 2}, "one request a sign-in, once the keys are there"
    assert "code_verifier" in provider.forms[0]


# What the ID token says or how it is signed, and the beginning of the page's sentence.
FAULTS: dict[str, Callable[[Provider], dict[str, Any]]] = {
    "another nonce": lambda p: {"claims": {**DANA, "nonce": "another"}},
    "no nonce": lambda p: {"claims": {**DANA, "nonce": None}},
    "another audience": lambda p: {"claims": {**DANA, "aud": "another"}},
    "two audiences, for another": lambda p: {"claims": {**DANA, "aud": [CLIENT, "b"], "azp": "b"}},
    "another issuer": lambda p: {"claims": {**DANA, "iss": "https://elsewhere.example"}},
    "another's signature": lambda p: {"claims": {**DANA, "key": Key().private}},
    "no signature": lambda p: {"claims": {**DANA, "algorithm": "none", "key": ""}},
    "HS256 by the client secret": lambda p: {"claims": {**DANA, "algorithm": "HS256", "key": "x" * 32}},
    "expired": lambda p: {"claims": {**DANA, "exp": 1}},
    "of the future": lambda p: {"claims": {**DANA, "iat": 4_000_000_000, "exp": 4_000_000_100}},
    "no end": lambda p: {"claims": {**DANA, "exp": None}},
    "no subject": lambda p: {"claims": {**DANA, "sub": None}},
    "an empty subject": lambda p: {"claims": {**DANA, "sub": ""}},
    "no token": lambda p: {"raw": "x.y.z"},
    "a wrong hash of the access token": lambda p: {"claims": {**DANA, "at_hash": "AAAA"}},
    "not proven": lambda p: {"claims": {**DANA, "email_verified": False}},
    "not said to be proven": lambda p: {"claims": {**DANA, "email_verified": None}},
    "of another domain": lambda p: {"claims": {**DANA, "email": "dana@elsewhere.example"}},
    "of a longer domain": lambda p: {"claims": {**DANA, "email": "dana@not-example.com"}},
    "two at signs": lambda p: {"claims": {**DANA, "email": "a@b@example.com"}},
    "no address": lambda p: {"claims": {**DANA, "email": None}},
    "in no group": lambda p: {"claims": {**DANA, "groups": ["others"]}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_hold_is_refused_and_makes_nobody(provider: Provider, row: IdentityProvider, fault: str) -> None:
    browser = Client()
    answer = end(browser, provider.agreed(begin(browser), **FAULTS[fault](provider)))
    assert answer.status_code == 403, answer.content
    assert who(browser) is None
    assert (User.objects.count(), ExternalIdentity.objects.count()) == (0, 0)
    assert "Begin again" in answer.content.decode() and "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("path", [DISCOVERY, KEYS, TOKEN])
@pytest.mark.parametrize("fault", ["hung", "500", "huge", "redirect", "nonsense"])
def test_a_provider_that_fails_is_said_so(
    provider: Provider, row: IdentityProvider, settings: Any, path: str, fault: str
) -> None:
    settings.SSO_TIMEOUT_S = 0.2
    browser = Client()
    if path == TOKEN:
        query = provider.agreed(begin(browser), claims=DANA)
        provider.faults[path] = fault
        answer = end(browser, query)
    else:
        provider.faults[path] = fault
        answer = browser.get("/sso/acme/start")
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert who(browser) is None and not User.objects.exists()
    assert provider.asked[f"{path}/elsewhere"] == 0, "a redirect was followed"


def test_an_address_that_may_not_be_asked_is_not(provider: Provider, row: IdentityProvider, settings: Any) -> None:
    settings.OUTWARD_ALLOW = []
    assert Client().get("/sso/acme/start").status_code == 503
    assert not provider.asked


def test_a_secret_whose_key_is_gone_is_said_so(provider: Provider, row: IdentityProvider) -> None:
    browser = Client()
    query = provider.agreed(begin(browser), claims=DANA)
    IdentityProvider.objects.update(secret="sealed by another key")
    assert end(browser, query).status_code == 503 and provider.asked[TOKEN] == 0


def test_a_discovery_of_another_issuer_is_not_used(provider: Provider, row: IdentityProvider) -> None:
    provider.changes["issuer"] = "https://elsewhere.example"
    assert Client().get("/sso/acme/start").status_code == 503
    row.refresh_from_db()
    assert row.jwks == row.metadata == {}


def test_a_code_and_a_state_work_once_and_in_their_own_browser(provider: Provider, row: IdentityProvider) -> None:
    mine, theirs = Client(), Client()
    query = provider.agreed(begin(mine), claims=DANA)
    cookie = mine.cookies["sso"].value
    begin(theirs)
    assert end(theirs, query).status_code == 403, "the state of another browser"
    assert end(Client(), query).status_code == 403, "no cookie"
    assert end(mine, {**query, "state": "x"}).status_code == 403
    mine.cookies["sso"] = cookie  # it was taken away with the wrong state
    assert end(mine, query).status_code == 302
    again = Client()
    again.cookies["sso"] = cookie  # a copy of it
    assert end(again, query).status_code == 403
    assert who(again) is None and provider.asked[TOKEN] == 1


def test_who_says_no_at_the_provider_is_not_signed_in(provider: Provider, row: IdentityProvider) -> None:
    browser = Client()
    state = re.search(r"state=([\w-]+)", begin(browser))
    assert state
    assert end(browser, {"error": "access_denied", "state": state[1]}).status_code == 403
    other = Client()
    query = provider.agreed(begin(other), claims=DANA)
    assert end(other, {**query, "iss": "https://elsewhere.example"}).status_code == 403, "RFC 9207"


@pytest.mark.parametrize(
    ("next", "leads"),
    [
        ("/chats/?a=1", "/chats/?a=1"),
        ("/chats/?q=ü", "/chats/?q=%C3%BC"),
        *((each, "/") for each in ("//evil.example", "https://evil.example/", r"/\evil.example", "javascript:x", "")),
        *((each, "/") for each in ("///evil.example", "//[", "/\t/evil.example", "/" + "x" * 3_000)),
    ],
)
def test_it_leads_to_a_path_of_ours(next: str, leads: str) -> None:
    assert safe_path(next) == leads


def test_what_leads_elsewhere_leads_home(provider: Provider, row: IdentityProvider) -> None:
    browser = Client()
    assert end(browser, provider.agreed(begin(browser, next="//evil.example"), claims=DANA))["Location"] == "/"


# --- Who they are -------------------------------------------------------------------------------------------------


def test_groups_change_and_take_what_groups_gave(
    provider: Provider, row: IdentityProvider, organization: Organization, alice: User, elsewhere: Organization
) -> None:
    steps: tuple[tuple[Any, str | None], ...] = (
        (["people"], "editor"),
        (["people", "admins"], "admin"),
        (["guests"], "viewer"),
        ({"a": 1}, "viewer"),  # that says nothing
        ([], None),
        (["guests"], "viewer"),
        (None, None),  # Keycloak leaves out what is empty
        (["others"], None),
        ("people", "editor"),
    )
    for groups, expected in steps:
        assert sign_in(provider, groups=groups).status_code == 302
        assert role("dana@example.com", organization) == expected, groups
    Membership.objects.create(organization=elsewhere, user=User.objects.get(email="dana@example.com"), role=Role.VIEWER)
    sign_in(provider, groups=[])
    assert role("dana@example.com", elsewhere) == "viewer", "another organization's is not theirs to take"


@pytest.mark.parametrize("mark", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}])
def test_too_many_groups_to_name_are_not_none(
    provider: Provider, row: IdentityProvider, organization: Organization, mark: dict[str, Any]
) -> None:
    sign_in(provider, groups=["guests"])
    assert sign_in(provider, groups=None, **mark).status_code == 302
    assert role("dana@example.com", organization) == "viewer"


def test_a_row_without_groups_gives_everybody_its_role(
    provider: Provider, row: IdentityProvider, organization: Organization
) -> None:
    IdentityProvider.objects.update(groups={}, default_role="viewer")
    for _ in range(2):
        assert sign_in(provider, groups=None).status_code == 302
        assert role("dana@example.com", organization) == "viewer"


def test_a_membership_that_a_person_gave_stays_and_so_does_the_last_owner(
    provider: Provider, row: IdentityProvider, bob: User, organization: Organization
) -> None:
    assert sign_in(provider, sub="bob", email="bob@example.com", groups=["admins"]).status_code == 302
    assert role("bob@example.com", organization) == "editor", "Bob's membership is Alice's to change"
    Membership.objects.filter(user=bob).update(role=Role.OWNER, source=row.pk)
    sign_in(provider, sub="bob", email="bob@example.com", groups=[])
    assert role("bob@example.com", organization) == "owner"


def test_an_account_is_joined_by_its_proven_address_only(
    provider: Provider, row: IdentityProvider, bob: User, organization: Organization
) -> None:
    assert sign_in(provider, sub="b", email="bob@example.com", email_verified=False).status_code == 403
    assert sign_in(provider, sub="b", email="BOB@example.com").status_code == 302
    assert ExternalIdentity.objects.get().user == bob
    assert bob.check_password(PASSWORD), "they go on to have their password"
    assert sign_in(provider, sub="b", email="changed@example.com").status_code == 302, "the subject is the person"
    assert User.objects.count() == 1


@pytest.mark.parametrize("kind", ["staff", "owner elsewhere", "deactivated", "guest"])
def test_accounts_that_no_provider_may_join(
    provider: Provider, row: IdentityProvider, bob: User, elsewhere: Organization, kind: str
) -> None:
    if kind == "owner elsewhere":
        Membership.objects.create(organization=elsewhere, user=bob, role=Role.OWNER)
    field = {"staff": "is_staff", "guest": "is_guest", "deactivated": "is_active"}.get(kind)
    if field:
        User.objects.filter(pk=bob.pk).update(**{field: field != "is_active"})
    assert sign_in(provider, sub="b", email=bob.email).status_code == 403
    assert not ExternalIdentity.objects.exists()


def test_an_address_that_was_given_to_the_next_person_joins_nobody(provider: Provider, row: IdentityProvider) -> None:
    assert sign_in(provider).status_code == 302
    browser = Client()
    answer = sign_in(provider, browser, sub="another dana")
    assert answer.status_code == 403 and "may not join" in answer.content.decode()
    assert who(browser) is None and ExternalIdentity.objects.count() == 1
    ExternalIdentity.objects.all().delete()  # by an operator: the subjects were changed, the people not
    assert sign_in(provider, sub="another dana").status_code == 302 and User.objects.count() == 1


def test_an_account_that_somebody_made_elsewhere_is_its_person_s_alone(
    provider: Provider, row: IdentityProvider, organization: Organization, elsewhere: Organization
) -> None:
    """Charlie made Dana's account before she came, has its password, and an identity and a key of it."""
    made = member(elsewhere, "dana", Role.EDITOR)
    theirs = registered(provider, elsewhere, "charlie", domains=["charlie.example"])
    ExternalIdentity.objects.create(provider=theirs, subject="charlie", user=made)
    secret = keys.create_key(user=made, organization=elsewhere, scopes=["chat"], name="k", expires_at=None)[1]
    charlie = Client()
    assert charlie.login(username=made.email, password=PASSWORD) and who(charlie) == made.email
    tokens = new_pair(made)
    assert sign_in(provider).status_code == 302
    made.refresh_from_db()
    assert (role(made.email, organization), made.organization) == ("editor", organization)
    assert who(charlie) is None and not made.has_usable_password()
    for each in (tokens.access, secret):
        assert Client().get("/api/users/me/", headers={"Authorization": f"Bearer {each}"}).status_code == 401
    assert [each.provider for each in made.external_identities.all()] == [row]
    made.set_password(PASSWORD)  # now they are known here: nothing ends at the next first sign-in
    made.save()
    ExternalIdentity.objects.all().delete()
    assert sign_in(provider).status_code == 302
    made.refresh_from_db()
    assert made.has_usable_password()


@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_who_became_an_operator_comes_in_by_password_alone(
    provider: Provider, row: IdentityProvider, field: str
) -> None:
    raw = provider.signed(**{**DANA, "aud": "parley-api"})
    asked = {"headers": {"Authorization": f"Bearer {raw}"}}
    assert sign_in(provider).status_code == 302
    assert Client().get("/api/users/me/", **asked).status_code == 200
    User.objects.update(**{field: True})
    assert sign_in(provider).status_code == 403
    for _ in range(2):  # the verdict is kept for a while, and who it is not
        assert Client().get("/api/users/me/", **asked).status_code in (401, 403)
        cache.clear()


def test_charlie_s_issuer_names_nobody_of_ours(
    provider: Provider, row: IdentityProvider, bob: User, charlie: User, elsewhere: Organization
) -> None:
    """It proves addresses of its own domain, whatever it says of others; and its subjects are its own."""
    theirs = registered(provider, elsewhere, "charlie", domains=["charlie.example"])
    assert sign_in(provider).status_code == 302
    assert sign_in(provider, slug="charlie", email="bob@example.com", sub="b").status_code == 403
    answer = sign_in(provider, slug="charlie", email="dana@charlie.example")  # the subject of our Dana
    assert answer.status_code == 302
    dana = ExternalIdentity.objects.get(provider=theirs).user
    assert dana.email == "dana@charlie.example"
    assert [each.organization for each in dana.memberships.all()] == [elsewhere]


def test_one_person_is_of_two_organizations(
    provider: Provider, row: IdentityProvider, organization: Organization, elsewhere: Organization
) -> None:
    registered(provider, elsewhere, "second", groups={"people": "viewer"})
    assert sign_in(provider).status_code == sign_in(provider, slug="second").status_code == 302
    assert User.objects.count() == 1
    assert (role("dana@example.com", organization), role("dana@example.com", elsewhere)) == ("editor", "viewer")
    sign_in(provider, groups=[])
    assert (role("dana@example.com", organization), role("dana@example.com", elsewhere)) == (None, "viewer")


def test_nobody_new_where_the_row_brings_nobody(provider: Provider, row: IdentityProvider, bob: User) -> None:
    IdentityProvider.objects.update(provision="off")
    assert sign_in(provider).status_code == 403
    assert sign_in(provider, sub="b", email="bob@example.com", groups=[]).status_code == 302
    assert role("bob@example.com", row.organization) == "editor"


def test_a_directory_whose_addresses_are_proven_without_saying_so(provider: Provider, row: IdentityProvider) -> None:
    IdentityProvider.objects.update(trusts_email=True)
    assert sign_in(provider, email_verified=False).status_code == 403
    assert sign_in(provider, email_verified=None).status_code == 302


def test_who_is_deleted_comes_back_as_somebody_new_and_who_is_deactivated_not(
    provider: Provider, row: IdentityProvider
) -> None:
    sign_in(provider)
    first = User.objects.get()
    User.objects.update(is_active=False)
    assert sign_in(provider).status_code == 403
    first.delete()
    assert not ExternalIdentity.objects.exists()
    assert sign_in(provider).status_code == 302
    assert User.objects.get().pk != first.pk


# --- Out, and other ways in ---------------------------------------------------------------------------------------

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


def log_out(provider: Provider, **claims: Any) -> int:
    token = provider.signed(**{"sub": "dana", "jti": "1", "events": EVENTS, **claims})
    return Client().post("/sso/acme/logout", {"logout_token": token}).status_code


def test_the_provider_ends_sessions(provider: Provider, row: IdentityProvider) -> None:
    browser = Client()
    sign_in(provider, browser)
    wrongs: tuple[dict[str, Any], ...] = ({"events": {}}, {"events": None}, {"nonce": "n"}, {"aud": "x"})
    for wrong in (*wrongs, {"jti": None}, {"iat": 1}, {"key": Key().private}):
        assert log_out(provider, **wrong) == 400, wrong
        assert who(browser)
    assert log_out(provider) == 200
    assert who(browser) is None
    assert log_out(provider) == 400, "replayed"
    assert log_out(provider, sub="nobody", jti="2") == 200, "nobody learns who is known"


def test_the_sign_in_page_has_a_link_for_each_that_is_shown(provider: Provider, row: IdentityProvider) -> None:
    page = Client().get("/login/", {"next": "/chats/?a=1"}).content.decode()
    assert 'href="/sso/acme/start?next=/chats/%3Fa%3D1"' in page and "Sign in with Acme" in page
    IdentityProvider.objects.update(is_shown=False)
    assert "/sso/acme" not in Client().get("/login/").content.decode()
    assert Client().get("/sso/acme/start").status_code == 302
    IdentityProvider.objects.update(is_active=False)
    assert Client().get("/sso/acme/start").status_code == 404
    assert Client().get("/sso/nobody/start").status_code == 404


def test_an_address_s_ways_in_are_those_of_its_domain(provider: Provider, row: IdentityProvider, bob: User) -> None:
    def ways(email: str) -> Any:
        return Client().get("/api/auth/providers/", {"email": email}).json()

    shown = [{"slug": "acme", "name": "Acme", "start": "/sso/acme/start"}]
    assert ways("bob@example.com") == ways("nobody@Example.com") == {"results": shown, "password": True}
    assert ways("bob@elsewhere.example") == {"results": [], "password": True}
    IdentityProvider.objects.update(closes_passwords=True, is_shown=False)
    assert ways("bob@example.com") == {"results": shown, "password": False}
    assert Client().get("/api/auth/providers/").json() == {"results": [], "password": True}


@pytest.mark.parametrize(
    ("email", "is_staff", "status"),
    [("bob@example.com", False, 403), ("bob@example.com", True, 200), ("bob@elsewhere.example", False, 200)],
)
def test_passwords_are_closed_by_domain_but_for_operators(
    provider: Provider, row: IdentityProvider, bob: User, email: str, is_staff: bool, status: int
) -> None:
    IdentityProvider.objects.update(closes_passwords=True)
    User.objects.filter(pk=bob.pk).update(email=email, is_staff=is_staff)
    body = {"email": email, "password": PASSWORD}
    assert Client().post("/api/auth/token", body, content_type="application/json").status_code == status
    wrong = Client().post("/api/auth/token", {**body, "password": "x"}, content_type="application/json")
    assert wrong.status_code == 401, "who does not know the password learns nothing"
    IdentityProvider.objects.update(is_shown=False)
    page = Client(headers={"accept-language": "de"}).post("/login/", {"username": email, "password": PASSWORD})
    assert page.status_code == (200 if status == 403 else 302)
    if status == 403:
        shown = page.content.decode()
        assert "Passwörter" in shown and 'href="/sso/acme/start"' in shown, "no way in"


def test_no_secret_of_a_provider_is_shown(provider: Provider, row: IdentityProvider, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    operator = Client()
    operator.force_login(alice)
    row.assertion_secret = seal("s" * 20 + "h" * 20)
    row.save()
    page = operator.get(f"/admin/accounts/identityprovider/{row.pk}/change/").content.decode()
    assert "a secret of the client" not in page and row.secret not in page
    assert "sssh" not in page and row.assertion_secret not in page
    assert "New client secret" in page


def test_members_that_a_provider_brought_are_as_others_to_their_admins(
    provider: Provider, row: IdentityProvider, organization: Organization
) -> None:
    """Who changes such a membership by hand takes it over: groups let it be from then on."""
    owner = member(organization, "owner", Role.OWNER)
    sign_in(provider)
    mine = Membership.objects.get(user__email="dana@example.com")
    path = f"/api/organizations/{organization.pk}/members/{mine.pk}/"
    assert client_of(owner).patch(path, {"role": "viewer"}, format="json").status_code == 200
    sign_in(provider, groups=["admins"])
    assert role("dana@example.com", organization) == "viewer"
