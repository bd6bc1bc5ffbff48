"""Operators register providers in the admin: what is not right is named, and secrets go in only."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import IdentityProvider, Organization, User
from accounts.secrets import opened
from tests.accounts.sso.provider import Key, Provider
from tests.accounts.sso.test_exchange import pem

ADD = "/admin/accounts/identityprovider/add/"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


@pytest.fixture
def good(provider: Provider, organization: Organization) -> dict[str, Any]:
    return {
        "organization": str(organization.pk), "name": "Acme", "slug": "acme", "issuer": provider.issuer,
        "is_active": "on", "client_id": "parley", "new_secret": "a secret of the client", "session_s": "3600",
        "algorithms": '["RS256"]', "domains": '["example.com"]', "groups": '{"people": "editor"}',
        "groups_claim": "groups", "provision": "members",
    }  # fmt: skip


def test_an_operator_registers_a_provider(operator: Client, good: dict[str, Any]) -> None:
    answer = operator.post(ADD, good)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = IdentityProvider.objects.get()
    assert opened(made.secret) == "a secret of the client" and made.groups == {"people": "editor"}
    change = f"/admin/accounts/identityprovider/{made.pk}/change/"
    IdentityProvider.objects.update(jwks={"keys": [1]})
    assert operator.post(change, {**good, "new_secret": "", "name": "Other"}).status_code == 302
    made.refresh_from_db()
    assert (made.name, opened(made.secret), made.jwks) == ("Other", "a secret of the client", {"keys": [1]})
    operator.post(change, {**good, "new_secret": "", "issuer": good["issuer"] + "/"})
    made.refresh_from_db()
    assert made.jwks == {}, "keys of another issuer are not kept"


PRIVATE = "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an issuer that may not be asked": ({"issuer": "http://169.254.169.254"}, "issuer"),
    "an issuer that is no address": ({"issuer": "acme"}, "issuer"),
    "a file": ({"issuer": "file:///etc/passwd"}, "issuer"),
    "keys elsewhere that may not be asked": ({"jwks_url": "http://10.0.0.1/keys"}, "jwks_url"),
    "a role that is none": ({"groups": '{"people": "king"}'}, "groups"),
    "groups in a list": ({"groups": '["people"]'}, "groups"),
    "no JSON": ({"groups": "people"}, "groups"),
    "for both": ({"accepts_bearer": "on", "accepts_assertions": "on"}, "accepts_assertions"),
    "a domain with an at sign": ({"domains": '["@example.com"]'}, "domains"),
    "a domain in capitals": ({"domains": '["Example.com"]'}, "domains"),
    "alg none": ({"algorithms": '["none"]'}, "algorithms"),
    "no algorithm": ({"algorithms": "[]"}, "algorithms"),
    "HS256 without a secret": ({"algorithms": '["HS256"]'}, "new_assertion_secret"),
    "a short secret": ({"algorithms": '["HS256"]', "new_assertion_secret": "short"}, "new_assertion_secret"),
    "a secret that no header takes": ({"new_secret": "géheim"}, "new_secret"),
    "a private key": ({"public_keys": PRIVATE}, "public_keys"),
    "a private key as JWK": ({"public_keys": '{"keys": [{"kty": "EC", "d": "x"}]}'}, "public_keys"),
    "no key": ({"public_keys": "hello"}, "public_keys"),
    "no time at all": ({"session_s": "0"}, "session_s"),
    "for ever": ({"session_s": "999999999"}, "session_s"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_right_is_named_and_nothing_is_stored(operator: Client, good: dict[str, Any], wrong: str) -> None:
    values, name = WRONG[wrong]
    answer = operator.post(ADD, {**good, **values})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [name]
    assert not IdentityProvider.objects.exists()


def test_a_backend_needs_its_keys_only(operator: Client, good: dict[str, Any]) -> None:
    backend = {**good, "issuer": "shop", "client_id": "", "new_secret": "", "public_keys": pem(Key())}
    assert operator.post(ADD, backend).status_code == 302
    secret = {"algorithms": '["HS256"]', "new_assertion_secret": "s" * 32, "public_keys": "", "slug": "second"}
    assert operator.post(ADD, {**backend, **secret}).status_code == 302


def test_who_does_not_run_the_installation_sees_none(alice: User, charlie: User, good: dict[str, Any]) -> None:
    for person in (alice, charlie):
        client = Client()
        client.force_login(person)
        assert client.get("/admin/accounts/identityprovider/").status_code == 302
        assert client.post(ADD, good).status_code == 302
    assert not IdentityProvider.objects.exists()
